"""A client that OpenAPI Generator generates (python, library=asyncio: aiohttp + pydantic).

Does: all that is generated; its `trust_env` reads the environment on each request. Does not: retry
    a
POST, pace, sign, or guard the walk.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from benchmarks.rivals import KEY, Walked, generating

generating.client(
    "openapi_generator",
    "openapi-generator-cli",
    [
        *(sys.executable, "-c", "from openapi_generator_cli import cli; cli()", "generate"),
        *("-g", "python", "--library", "asyncio", "-i", str(generating.DESCRIPTION)),
        *("--package-name", "heymarket_openapi_generator", "-o"),
    ],
)

from heymarket_openapi_generator import (  # noqa: E402
    ApiClient,
    Configuration,
    ContactsApi,
    NewContact,
    PageQuery,
)


class Generated:
    def __init__(self, url: str) -> None:
        self._configuration = Configuration(host=url, access_token=KEY)

    async def __aenter__(self) -> Self:
        self._client = await ApiClient(self._configuration).__aenter__()
        self._api = ContactsApi(self._client)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.__aexit__(exc_type, exc, traceback)

    async def walk(self, limit: int) -> Walked:
        contacts, last_id, date = 0, 0, None
        while True:
            page = await self._api.list_contacts(PageQuery(date=date, limit=limit))
            if page and page[0].id == last_id:
                del page[0]
            if not page:
                return Walked(contacts, last_id)
            contacts += len(page)
            last_id, date = page[-1].id, page[-1].updated

    async def create(self, number: int) -> int:
        contact = NewContact(
            phone=f"1555{number:07}",
            first="Jordan",
            last=f"No {number}",
            email="jordan@example.com",
            custom={"123": "Premium"},
        )
        contact_id: int = (await self._api.create_contact(contact)).id
        return contact_id

"""A client that openapi-python-client generates (httpx + attrs).

Does: all that is generated, with a longer time-out. Does not: retry, pace, sign, or guard the walk.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

import httpx

from benchmarks.rivals import CONNECTIONS, KEY, TIMEOUT_S, Walked, generating

generating.client(
    "openapi_python_client",
    "openapi-python-client",
    [
        *(sys.executable, "-m", "openapi_python_client", "generate"),
        *("--path", str(generating.DESCRIPTION), "--meta", "setup", "--output-path"),
    ],
)

from heymarket_contacts_client import AuthenticatedClient  # noqa: E402
from heymarket_contacts_client.api.contacts import create_contact, list_contacts  # noqa: E402
from heymarket_contacts_client.models import Custom, NewContact, PageQuery  # noqa: E402
from heymarket_contacts_client.types import UNSET  # noqa: E402


class Generated:
    def __init__(self, url: str) -> None:
        self._client = AuthenticatedClient(
            base_url=url,
            token=KEY,
            timeout=httpx.Timeout(TIMEOUT_S),
            httpx_args={
                "limits": httpx.Limits(
                    max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS
                )
            },
            raise_on_unexpected_status=True,
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.__aexit__(exc_type, exc, traceback)

    async def walk(self, limit: int) -> Walked:
        contacts, last_id, date = 0, 0, UNSET
        while True:
            query = PageQuery(date=date, limit=limit)
            page = await list_contacts.asyncio(client=self._client, body=query)
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
            custom=Custom.from_dict({"123": "Premium"}),
        )
        ref = await create_contact.asyncio(client=self._client, body=contact)
        contact_id: int = ref.id
        return contact_id

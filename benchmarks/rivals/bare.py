"""Bare aiohttp and msgspec, by hand: the base of all ratios.

Does: one session with its default connector and cookies, headers kept in the session, encoders and
decoders made once. Does not: retry, pace, sign, check what it sends, name errors, or guard the
walk.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

import aiohttp

from benchmarks.rivals import KEY, Walked, structs
from benchmarks.rivals.structs import NewContact, PageQuery, encode, read_ref


class Bare:
    read_page = staticmethod(structs.read_page)

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        self._session = aiohttp.ClientSession(headers=headers)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def walk(self, limit: int) -> Walked:
        contacts, last_id, date = 0, 0, None
        while True:
            page = self.read_page(await self._post("/v1/contacts", PageQuery(date, limit)))
            if page and page[0].id == last_id:
                del page[0]
            if not page:
                return Walked(contacts, last_id)
            contacts += len(page)
            last_id, date = page[-1].id or 0, page[-1].updated

    async def create(self, number: int) -> int:
        contact = NewContact(
            phone=f"1555{number:07}",
            first="Jordan",
            last=f"No {number}",
            email="jordan@example.com",
            custom={"123": "Premium"},
        )
        return read_ref(await self._post("/v1/contact", contact)).id

    async def _post(self, path: str, body: object) -> bytes:
        async with self._session.post(self._url + path, data=encode(body)) as response:
            response.raise_for_status()
            return await response.read()


class BareWithoutGc(Bare):
    """Contacts kept out of garbage collection, as in this package. Few people know that option."""

    read_page = staticmethod(structs.read_page_without_gc)

"""A walk and a create by hand with msgspec, for any way to send a request.

It imports no HTTP client, so that a rival pays only for its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from benchmarks.rivals import Walked, structs
from benchmarks.rivals.structs import NewContact, PageQuery, encode, read_ref


class ByHand(ABC):
    read_page = staticmethod(structs.read_page)

    @abstractmethod
    async def _post(self, path: str, content: bytes) -> bytes | memoryview:
        """Send one request, and return the body of its answer."""

    async def walk(self, limit: int) -> Walked:
        contacts, last_id, date = 0, 0, None
        while True:
            query = PageQuery(date, limit)
            page = self.read_page(await self._post("/v1/contacts", encode(query)))
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
        return read_ref(await self._post("/v1/contact", encode(contact))).id

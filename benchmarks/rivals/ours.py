"""This package with its defaults, but with a rate limit that is too high to wait for."""

from __future__ import annotations

from types import TracebackType
from typing import Self, Unpack

from benchmarks.rivals import Walked
from heymarket_async import ApiSecret, HeymarketClient, NewContact, RateLimit
from heymarket_async.client import ClientOptions

SECRET = ApiSecret("3c1b4a5e-0000-4000-8000-000000000000", "k" * 40)
NO_WAIT = RateLimit(10**9)


def new_contact(number: int) -> NewContact:
    """Build a contact, which checks it."""
    return NewContact(
        phone=f"1555{number:07}",
        first="Jordan",
        last=f"No {number}",
        email="jordan@example.com",
        custom={"123": "Premium"},
    )


class Ours:
    """The base of both ways to walk."""

    def __init__(self, url: str, **options: Unpack[ClientOptions]) -> None:
        options = {"credentials": SECRET, "rate_limit": NO_WAIT, "base_url": url, **options}
        self.client = HeymarketClient(**options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.client.aclose()

    async def create(self, number: int) -> int:
        return (await self.client.contacts.create(new_contact(number))).id


class ByPage(Ours):
    async def walk(self, limit: int) -> Walked:
        contacts, last_id = 0, 0
        async for page in self.client.contacts.iterate(limit=limit).pages():
            contacts += len(page)
            last_id = page.items[-1].id or 0
        return Walked(contacts, last_id)


class ByContact(Ours):
    async def walk(self, limit: int) -> Walked:
        contacts, last_id = 0, 0
        async for contact in self.client.contacts.iterate(limit=limit):
            contacts += 1
            last_id = contact.id or 0
        return Walked(contacts, last_id)

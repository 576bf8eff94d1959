"""What the tests of the import share: a sandbox, a client that does not wait, and what was sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from heymarket_async import (
    ApiSecret,
    HeymarketClient,
    HeymarketError,
    NewContact,
    RateLimit,
    RetryPolicy,
)
from heymarket_async.bulk.importing.job import import_contacts
from heymarket_async.sandbox import Readings, Sandbox

SEARCH, BATCH = "POST /v2/contacts/search", "POST /v1/batch/contacts"
HASTY = RetryPolicy(attempts=3, base_s=0.0005, cap_s=0.002)
NO_PHONE = "12345"
"""A phone that the client takes for one, and the sandbox does not."""


def phone(number: int) -> str:
    return str(14_155_550_000 + number)


def new(number: int, **fields: Any) -> NewContact:
    return NewContact(phone=phone(number), **{"first": "New", **fields})


def client_of(sandbox: Sandbox, **options: Any) -> HeymarketClient:
    options = {"retry": HASTY, "rate_limit": RateLimit(100_000, per_s=1), **options}
    return HeymarketClient(ApiSecret(*sandbox.credentials), base_url=sandbox.url, **options)


class Account:
    """A sandbox and a client of it."""

    def __init__(self, sandbox: Sandbox, client: HeymarketClient) -> None:
        self.sandbox = sandbox
        self.client = client
        self.faults = sandbox.faults

    async def imports(self, rows: Any, **options: Any) -> Any:
        return await import_contacts(self.client, rows, **options)

    async def has(self, *contacts: NewContact) -> None:
        await self.client.contacts.create_batch(contacts)
        self.sandbox.requests.clear()

    def sizes(self, route: str) -> list[int]:
        """How many phones each request to a route held, if it was not too large to be read."""
        received = [each for each in self.sandbox.requests if route.endswith(f" {each.path}")]
        bodies = [each.body for each in received if each.body is not None]
        return [
            len(body) if route == BATCH else len(body["contact_channels"][0]["channel_ids"])
            for body in bodies
        ]

    @property
    def phones(self) -> Counter[str]:
        return Counter(contact["phone"] for contact in self.sandbox.store.contacts)

    def stored(self, number: int) -> dict[str, Any]:
        (found,) = [c for c in self.sandbox.store.contacts if c["phone"] == phone(number)]
        return found


@asynccontextmanager
async def account(readings: Readings | None = None, **options: Any) -> AsyncIterator[Account]:
    sandbox = Sandbox(limit=None, readings=readings)
    async with sandbox, client_of(sandbox, **options) as client:
        yield Account(sandbox, client)


def outcomes_of(path: Path) -> dict[int, dict[str, Any]]:
    """The last line of each row."""
    lines = [each for each in path.read_bytes().splitlines()[1:] if not each.isspace()]
    lines = [msgspec.json.decode(line) for line in lines]
    return {line["row"]: line for line in lines}


def counts(report: Any) -> dict[str, int]:
    names = ("created", "updated", "unchanged", "rejected", "unknown")
    assert sum(getattr(report, name) for name in names) == report.rows
    return {name: getattr(report, name) for name in names if getattr(report, name)}


async def cut_short(it: Account, path: Path, *rows: NewContact, overwrite: bool = False) -> None:
    """Send a batch, and end before anybody knows what became of it."""
    it.faults.answer(403, on=SEARCH, times=None, after=1)
    with pytest.raises(HeymarketError):
        await it.imports(rows, outcomes=path, overwrite=overwrite)
    it.faults.clear()
    it.sandbox.requests.clear()
    assert {line["outcome"] for line in outcomes_of(path).values()} == {"unknown"}

"""Sandboxes that are written to while they are read, and what they hold."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

from heymarket_async import ApiKey, ApiSecret, AttemptEvent, HeymarketClient, RetryPolicy
from heymarket_async.sandbox import Sandbox

QUICK = RetryPolicy(attempts=12, base_s=0.0005, cap_s=0.01)


def client_of(sandbox: Sandbox, *, key: str = "", **options) -> HeymarketClient:
    options = {"rate_limit": None, "retry": QUICK, **options}
    credentials = ApiKey(key) if key else ApiSecret(*sandbox.credentials)
    return HeymarketClient(credentials, base_url=sandbox.url, **options)


def lines_of(path: Path) -> list[bytes]:
    return sorted(path.read_bytes().splitlines())


def edit(sandbox: Sandbox, contact_id: int) -> None:
    """Write a contact once more, as a call would."""
    store = sandbox.store
    row = store.by_id(contact_id)
    record = store.record(row)
    stamp = store.stamp(store_clock())
    record.rev, record.updated, record.first = record.rev + 1, store.written(stamp), "Edited"
    store.put(record, row.uuid, stamp, None)


def restamp(sandbox: Sandbox, contact_id: int, seconds: int) -> None:
    """Let a contact have been updated at this Unix time."""
    store = sandbox.store
    row = store.by_id(contact_id)
    record, stamp = store.record(row), seconds * 10**9
    record.updated = store.written(stamp)
    store.put(record, row.uuid, stamp, None)


def create(sandbox: Sandbox, number: int) -> None:
    store = sandbox.store
    record = store.record(store.by_id(store.contacts[0]["id"]))
    stamp = store.stamp(store_clock())
    record.id, record.rev, record.phone = store.new_id(), 1, f"1510{number:07}"
    record.updated = store.written(stamp)
    store.put(record, store.new_uuid(), stamp, None)


def delete(sandbox: Sandbox, contact_id: int) -> None:
    sandbox.store.remove(sandbox.store.by_id(contact_id))


_clock = [1_780_000_000.0]


def store_clock() -> float:
    _clock[0] += 0.25
    return _clock[0]


class Editor:
    """An `on_attempt` hook that writes to the account between the requests of a job.

    Attributes:
        pages: What the account held at each answer of a list, that answer included.
    """

    def __init__(
        self, sandbox: Sandbox, change: Callable[[Sandbox, random.Random], None], *, times: int
    ) -> None:
        self.sandbox = sandbox
        self.change = change
        self.left = times
        self.random = random.Random(1)
        self.at_last_page: list[bytes] = []

    def __call__(self, event: AttemptEvent) -> None:
        if event.call in {"POST /v1/contacts", "POST /v2/contacts/list"}:
            self.at_last_page = sorted(self.sandbox.store.lines())
        if self.left and event.error is None:
            self.left -= 1
            self.change(self.sandbox, self.random)


def edit_one(sandbox: Sandbox, chance: random.Random) -> None:
    edit(sandbox, chance.choice(ids_of(sandbox)))


def ids_of(sandbox: Sandbox) -> list[int]:
    return sorted(sandbox.store._by_id)


def server_tasks() -> int:
    """Count the tasks that serve the connections of a sandbox."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    return sum(
        "aiohttp" in repr(task.get_coro()) or "RequestHandler" in repr(task) for task in tasks
    )


def query(path, sql: str) -> list:
    """Ask an SQLite file."""
    database = sqlite3.connect(path)
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


def current(path) -> list[bytes]:
    """Return the contacts in an SQLite file that are not deleted, sorted."""
    rows = query(path, "SELECT json FROM contacts WHERE deleted_at IS NULL")
    return sorted(json.encode() for (json,) in rows)

"""What the tests of texts in bulk share: a sandbox, a client that does not wait, and the outbox."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from heymarket_async import HeymarketClient
from heymarket_async.bulk import SendReport, send_messages
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.importing.imports import client_of, phone

SEND, HISTORY = "POST /v1/message/send", "GET /v1/messages"
CURLY = "’"  # noqa: RUF001 - it is what people type
SEARCH, STATUS = "POST /v2/contacts/search", "POST /v1/contact/status"


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {"phone": phone(number), "first": f"P{number}", **fields}


class Texts:
    """A sandbox and a client of it."""

    def __init__(self, sandbox: Sandbox, client: HeymarketClient) -> None:
        self.sandbox = sandbox
        self.client = client
        self.faults = sandbox.faults

    async def send(self, rows: Any, **options: Any) -> SendReport:
        options = {"inbox_id": 301, "creator_id": 4201, "wait_s": 0.05, **options}
        if "template_id" not in options:
            options = {"text": "Hi {first}", **options}
        return await send_messages(self.client, rows, **options)

    async def opt_out(self, *numbers: int) -> None:
        for number in numbers:
            self.sandbox.customer.text(phone(number), "STOP")

    @property
    def received(self) -> Counter[str]:
        """How many texts each phone got."""
        return Counter(each.phone for each in self.sandbox.outbox)

    @property
    def texts(self) -> list[str]:
        return [each.text for each in self.sandbox.outbox]

    def count(self, route: str) -> int:
        received = (f"{each.method} {each.path}" for each in self.sandbox.requests)
        return sum(each == route for each in received)


@asynccontextmanager
async def account(readings: Readings | None = None, **options: Any) -> AsyncIterator[Texts]:
    sandbox = Sandbox(limit=None, readings=readings)
    async with sandbox, client_of(sandbox, **options) as client:
        yield Texts(sandbox, client)


def counts(report: SendReport) -> dict[str, int]:
    names = ("sent", "skipped", "rejected", "unknown")
    assert sum(getattr(report, name) for name in names) == report.rows
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def path_in(folder: Path) -> Path:
    return folder / "outcomes.jsonl"

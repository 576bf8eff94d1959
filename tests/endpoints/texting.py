"""A sandbox, a client and things to send, for the tests of messages and conversations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from heymarket_async import AttemptEvent, HeymarketClient, NewMessage
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.importing.imports import client_of

SEND, HISTORY = "POST /v1/message/send", "GET /v1/messages"
INBOX, OTHER_INBOX, MEMBER, OTHER_MEMBER = 301, 302, 4201, 4202
PHONE = "14155550123"
SOON = 0.02
"""Seconds in which the sandbox shows a message that was sent to it."""


class Texting:
    """A sandbox and a client of it."""

    def __init__(self, sandbox: Sandbox, client: HeymarketClient) -> None:
        self.sandbox = sandbox
        self.client = client
        self.messages = client.messages
        self.faults = sandbox.faults

    def sent(self, route: str) -> list[Any]:
        """The bodies of the requests to a route."""
        method, path = route.split()
        found = (
            each for each in self.sandbox.requests if (each.method, each.path) == (method, path)
        )
        return [each.body for each in found]

    def shows_all_after(self, times: int, call: str) -> None:
        """Show every message from the answer on that is given to such a call for the nth time."""
        left = [times]

        def note(event: AttemptEvent) -> None:
            left[0] -= event.call == call
            if left[0] == 0:
                self.sandbox.clock.advance(86_400)

        self.messages = self.client.with_options(on_attempt=note).messages

    @property
    def received(self) -> list[str]:
        """The texts that people received."""
        return [each.text for each in self.sandbox.outbox]


@asynccontextmanager
async def texting(
    readings: Readings | None = None,
    *,
    contacts: int = 0,
    messages: int = 0,
    ties: int = 1,
    **options: Any,
) -> AsyncIterator[Texting]:
    sandbox = Sandbox(contacts, limit=None, readings=readings, messages=messages, message_ties=ties)
    async with sandbox, client_of(sandbox, **options) as client:
        yield Texting(sandbox, client)


def text(text: str | None = "Hi", **fields: Any) -> NewMessage:
    """A message to one phone, unless another target is given."""
    target = {} if {"chat_id", "targets"} & fields.keys() else {"phone_number": PHONE}
    return NewMessage(**{"inbox_id": INBOX, "creator_id": MEMBER, **target, "text": text, **fields})


def undeduplicated(**readings: Any) -> Readings:
    """A server that sends a message again for a `local_id` that it knows."""
    return Readings(local_id_dedupes="none", **readings)

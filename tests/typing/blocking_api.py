"""What type checkers must see of `heymarket_async.blocking`; read by mypy and pyright, not run."""

from __future__ import annotations

from typing import assert_type

import msgspec

from heymarket_async import (
    BatchResult,
    Contact,
    ContactRef,
    Conversation,
    Message,
    NewContact,
    Page,
    blocking,
)
from heymarket_async.bulk import ExportReport, JsonLines, MessagesReport, SyncReport


class Own(Contact, frozen=True):
    """A contact with a field more."""

    carrier_hint: str | None = None


def calls(client: blocking.HeymarketClient, new: NewContact) -> None:
    assert_type(client.contacts.create(new), ContactRef)
    assert_type(client.contacts.get(5), Contact)
    assert_type(client.contacts.get(5, returns=Own), Own)
    assert_type(client.contacts.find(phone="15105553344"), Contact | None)
    assert_type(client.contacts.create_batch([new]), BatchResult)
    assert_type(client.contacts.count(), int)
    assert_type(client.request("GET", "/v1/team"), msgspec.Raw)
    assert_type(client.with_options(timeout_s=5), blocking.HeymarketClient)
    client.contacts.create("Jordan")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.with_options(timeout=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def walks(client: blocking.HeymarketClient) -> None:
    walk = client.contacts.iterate()
    assert_type(walk, blocking.Walk[Contact])
    assert_type(next(walk), Contact)
    assert_type(walk.cursor, str)
    assert_type(walk.pages(), blocking.Items[Page[Contact]])
    assert_type(client.contacts.iterate(returns=Own), blocking.Walk[Own])
    assert_type(list(client.conversations.iterate(inboxes=[301])), list[Conversation])
    assert_type(next(client.messages.iterate_history("15105553344", 301)), Message)


def jobs(path: str) -> None:
    with blocking.HeymarketClient.from_env() as client:
        assert_type(client, blocking.HeymarketClient)
        assert_type(blocking.export_contacts(client, JsonLines(path)), ExportReport)
        assert_type(blocking.sync_contacts(client, path), SyncReport)
        assert_type(next(blocking.follow_messages(client, path)), MessagesReport)

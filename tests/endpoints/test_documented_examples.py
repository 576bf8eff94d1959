"""The examples of Heymarket's documentation are sent, and their answers read, to the letter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from heymarket_async import (
    Channel,
    Contact,
    ContactChannel,
    ContactField,
    ContactRef,
    ContactStatus,
    NewContact,
    NewContactV2,
    NewStatus,
    Outcome,
)
from tests.endpoints.conftest import CONTACT_UUID

EXAMPLES = json.loads((Path(__file__).parent / "documented_examples.json").read_text())
PHONE = "15105553344"

CALLS: dict[str, Any] = {
    "create with tags": lambda client: client.contacts.create(
        NewContact(
            phone=PHONE,
            first="Jordan",
            last="Rivera",
            email="jordan.rivera@example.com",
            tags=[55, 56],
        )
    ),
    "create": lambda client: client.contacts.create(
        NewContact(
            phone=PHONE,
            first="API",
            last="Contact",
            display_name="API Contact",
            email="help@heymarket.com",
            is_opted_out=False,
        )
    ),
    "create with every field": lambda client: client.contacts.create(
        NewContact(
            phone="12345678900",
            avatar="https://some.image.url.com/img.jpg",
            custom={},
            display_name="John Smith",
            assignee_id=42,
            tags=[1, 2],
            is_opted_out=True,
            email_suppressions=[123],
        )
    ),
    "get": lambda client: client.contacts.get(98765),
    "find by phone": lambda client: client.contacts.find(phone=PHONE),
    "update": lambda client: client.contacts.update(
        98765, NewContact(phone=PHONE, first="Updated", last="Name", email="updated@example.com")
    ),
    "update that merges custom fields": lambda client: client.contacts.update(
        98765,
        NewContact(phone=PHONE, first="Jordan", custom={123: "Premium", 456: "2026-06-01"}),
        overwrite=False,
    ),
    "delete": lambda client: client.contacts.delete(98765),
    "a page from a date": lambda client: client.contacts.page(date="2026-04-01T00:00:00Z"),
    "status": lambda client: client.contacts.status(contact_id=98765),
    "set status": lambda client: client.contacts.set_status(
        NewStatus.UNSUBSCRIBED, contact_id=10000
    ),
    "batch": lambda client: client.contacts.create_batch([NewContact(phone=PHONE, first="Jordan")]),
    "custom fields": lambda client: client.contact_fields.all(),
    "create custom fields": lambda client: client.contact_fields.create(["Plan"]),
    "create by channels": lambda client: client.contacts_v2.create(
        NewContactV2(
            first="Jordan",
            contact_channels=[Channel(channel_type="phone", channel_id=f"+{PHONE}")],
        )
    ),
    "a page of the other list": lambda client: client.contacts_v2.page(
        limit=30, page=0, date="2024-01-01T00:00:00Z", ascending=False
    ),
    "search by phone": lambda client: client.contacts_v2.search(
        phones=["14155551234", "+14155559876"]
    ),
    "search by e-mail": lambda client: client.contacts_v2.search(
        emails=["alice@example.com", "bob@example.com"]
    ),
    "search without a type": lambda client: client.contacts_v2.search(
        channels={"": ["14155551234"]}
    ),
    "delete many": lambda client: client.contacts_v2.delete_many([str(CONTACT_UUID)]),
    "add a channel": lambda client: client.contact_channels.add(
        CONTACT_UUID, Channel(channel_type="email", channel_id="jordan.rivera@example.com")
    ),
}

READ: dict[str, Any] = {
    "create with tags": ContactRef(id=98765, rev=1, uuid=CONTACT_UUID),
    "create": ContactRef(id=98765, rev=1, uuid=CONTACT_UUID),
    "create with every field": ContactRef(id=98765, rev=1),
    "get": Contact(
        id=98765,
        display_name="API Contact",
        first="API",
        last="Contact",
        email="help@heymarket.com",
        phone=PHONE,
        is_opted_out=False,
    ),
    "find by phone": Contact(id=98765, phone=PHONE),
    "update": ContactRef(id=98765, rev=2, uuid=CONTACT_UUID),
    "update that merges custom fields": ContactRef(id=98765, rev=2, uuid=CONTACT_UUID),
    "delete": None,
    "a page from a date": [Contact(id=98765, updated="2026-04-12T15:30:00Z")],
    "status": ContactStatus(id=98765, phone=PHONE, unsubscribed=False, blocked=False),
    "set status": None,
    "custom fields": [
        ContactField(id=123, title="Plan"),
        ContactField(id=456, title="Renewal Date"),
    ],
    "create custom fields": [ContactField(id=123, title="Plan", duplicate=True)],
    "create by channels": ContactRef(id=98765, rev=1, uuid=CONTACT_UUID),
    "a page of the other list": [],
    "search by phone": [
        Contact(
            id=98765,
            display_name="API Contact",
            first="API",
            last="Contact",
            phone="14155551234",
            email="help@heymarket.com",
            is_opted_out=False,
        )
    ],
    "search by e-mail": [],
    "search without a type": [],
    "delete many": None,
    "add a channel": [
        ContactChannel(id=7, contact_id=98765, channel_type="phone", channel_id=PHONE),
        ContactChannel(
            id="8",
            contact_id=str(CONTACT_UUID),
            channel_type="email",
            channel_id="jordan.rivera@example.com",
        ),
    ],
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["name"])
async def test_a_documented_example_is_sent_and_read(example, client, heymarket):
    heymarket.answers(example["answer"])

    result = await CALLS[example["name"]](client)

    sent = heymarket.sent
    assert (sent.call, sent.query) == (example["call"], example.get("query", {}))
    assert sent.body == example.get("body", msgspec.UNSET)
    if example["name"] == "batch":
        assert [item.outcome for item in result.items] == [Outcome.STORED]
    else:
        assert result == READ[example["name"]]


def test_every_example_has_its_source():
    pages = "https://developers.heymarket.com/"

    assert [example["name"] for example in EXAMPLES] == list(CALLS)
    assert all(example["source"].startswith(pages) for example in EXAMPLES)

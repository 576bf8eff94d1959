"""An answer that names another contact than the call was about is no answer, to a write neither."""

from __future__ import annotations

from uuid import UUID

import pytest

from heymarket_async import Channel, DecodeError, NewContact, NewContactV2, Outcome
from tests.endpoints.conftest import CONTACT_UUID

PHONE = "15105553344"
OTHER_UUID = str(UUID(int=7))
OTHER = {"id": 7, "rev": 1, "phone": "15105553355", "uuid": OTHER_UUID}
EMAIL = Channel(channel_type="email", channel_id="robin@example.com")
JORDAN = NewContact(phone=PHONE)


def of_contacts(client):
    v1, v2 = client.contacts, client.contacts_v2
    yield lambda: v1.create(JORDAN)
    yield lambda: v1.delete(98765)
    yield lambda: v1.set_status("blocked", contact_id=98765)
    yield lambda: v1.set_status("blocked", phone=PHONE)
    yield lambda: v2.delete(CONTACT_UUID)
    yield lambda: v2.delete_many([CONTACT_UUID, UUID(int=8)])


def of_channels(client):
    yield lambda: client.contact_channels.replace(CONTACT_UUID, EMAIL)
    yield lambda: client.contact_channels.remove(CONTACT_UUID, "email")


@pytest.mark.parametrize("sent", [OTHER, [OTHER], [{}, OTHER]])
async def test_a_write_that_is_answered_with_another_contact_may_have_taken_effect(
    sent, client, heymarket
):
    heymarket.answers(sent)

    for write in of_contacts(client):
        with pytest.raises(DecodeError) as raised:
            await write()
        assert raised.value.may_have_taken_effect
        assert not raised.value.is_garbled


async def test_what_has_to_be_mended_is_looked_at_too(client, heymarket):
    heymarket.answers(OTHER)
    heymarket._result["body"] = (
        b'[{"id": 7, "uuid": "%b", "first": "Jos\xe9"}]' % OTHER_UUID.encode()
    )

    for delete in (client.contacts.delete(98765), client.contacts_v2.delete(CONTACT_UUID)):
        with pytest.raises(DecodeError, match="it is about another"):
            await delete


async def test_another_contact_is_named_by_what_tells_it(client, heymarket):
    heymarket.answers(OTHER)

    for write in of_contacts(client):
        with pytest.raises(
            DecodeError, match=r"it is about another (id|phone|uuid) than was asked"
        ):
            await write()


@pytest.mark.parametrize("sent", [{"contact_id": OTHER_UUID}, [{"contact_id": OTHER_UUID}]])
async def test_a_channel_of_another_contact_is_no_answer_to_a_write(sent, client, heymarket):
    heymarket.answers(sent)

    for write in of_channels(client):
        with pytest.raises(DecodeError, match="another contact_id") as raised:
            await write()
        assert raised.value.may_have_taken_effect


@pytest.mark.parametrize(
    "sent",
    [
        "ok",
        True,
        {},
        [],
        [None, 5],
        {"success": True},
        {"id": 98765, "phone": f"+{PHONE}", "uuid": str(CONTACT_UUID).upper()},
        {"id": "98765", "rev": 2, "contact_id": str(CONTACT_UUID)},
        {"id": "req-1", "contact_id": 5},
    ],
)
async def test_a_write_whose_answer_names_no_other_contact_is_done(sent, client, heymarket):
    heymarket.answers(sent)

    for write in [*list(of_contacts(client))[1:], *of_channels(client)]:
        assert await write() is None


@pytest.mark.parametrize("phone", [f"+{PHONE}", "", None])
async def test_a_created_contact_may_come_with_its_phone(phone, client, heymarket):
    heymarket.answers({"id": 5, "rev": 1, "phone": phone})

    created = await client.contacts.create(JORDAN)

    assert (type(created).__name__, created.id) == ("ContactRef", 5)


def by_phone(phone: str) -> NewContactV2:
    return NewContactV2(contact_channels=[Channel(channel_type="phone", channel_id=phone)])


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        ([{"id": 1}, {"id": 2}], Outcome.STORED),
        ([{"id": 1, "phone": "+1 510 555 3344"}, {"id": 2}], Outcome.STORED),
        ([{"id": 1, "phone": "15105553355"}, {"id": 2}], Outcome.UNKNOWN),
    ],
)
async def test_a_batch_that_is_answered_with_other_phones_is_unknown(
    rows, outcome, client, heymarket
):
    heymarket.answers({"contacts": rows})

    result = await client.contacts_v2.upsert_many([by_phone(PHONE), by_phone("15105553366")])

    assert [item.outcome for item in result.items] == [outcome] * 2


async def test_the_phone_of_a_contact_that_was_sent_without_one_may_be_any(client, heymarket):
    heymarket.answers({"contacts": [{"id": 1, "phone": "15105553355"}, {"id": 2}]})
    known = NewContactV2(first="Kim", contact_uuid=CONTACT_UUID)

    result = await client.contacts_v2.upsert_many([known, by_phone(PHONE)])

    assert [item.outcome for item in result.items] == [Outcome.STORED] * 2

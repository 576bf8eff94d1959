"""An answer about another thing than was asked for, or about none, is no answer."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from heymarket_async import Channel, Contact, ContactChanges, DecodeError, NewContact, NotFoundError
from tests.endpoints.conftest import CONTACT_UUID, MoodyContact

PHONE = "15105553344"
OTHER_UUID = UUID(int=7)
JORDAN = NewContact(phone=PHONE)
EMAIL = Channel(channel_type="email", channel_id="robin@example.com")
NO_CONTACT = [
    {"error": "no such contact"},
    {"error": "not found", "id": "req-1"},
    {"data": {"id": 98765}},
    {"contact": {"id": 98765, "phone": PHONE}},
    {"id": 0},
    {"id": 0, "phone": ""},
    {"id": 0, "phone": PHONE},
    {"id": -1},
    {"id": "-1", "phone": PHONE},
    {"uuid": str(UUID(int=0))},
    {"uuid": str(UUID(int=0)), "phone": ""},
    {"first": "Jordan"},
    [{"id": 98765, "phone": PHONE}],
    "ok",
    5,
]
RETURNS = [Contact, MoodyContact, msgspec.Raw, dict[str, object]]


def reads(client, returns=Contact):
    v1, v2 = client.contacts, client.contacts_v2
    yield lambda: v1.get(98765, returns=returns)
    yield lambda: v1.find(phone=PHONE, returns=returns)
    yield lambda: v1.find(contact_id=98765, returns=returns)
    yield lambda: v2.get(CONTACT_UUID, returns=returns)
    if returns is Contact:
        yield lambda: v1.status(contact_id=98765)


@pytest.mark.parametrize("returns", RETURNS)
@pytest.mark.parametrize("sent", NO_CONTACT)
async def test_what_is_no_contact_is_an_error(sent, returns, client, heymarket):
    heymarket.answers(sent)

    for read in reads(client, returns):
        with pytest.raises(DecodeError) as raised:
            await read()
        assert not raised.value.is_garbled
        assert PHONE not in str(raised.value)


@pytest.mark.parametrize("returns", RETURNS)
async def test_no_contact_in_its_place_is_not_found(returns, client, heymarket):
    heymarket.answers({"contact": None})

    assert await client.contacts.find(phone=PHONE, returns=returns) is None
    with pytest.raises(NotFoundError):
        await client.contacts.get(98765, returns=returns)
    with pytest.raises(NotFoundError):
        await client.contacts.status(phone=PHONE)


@pytest.mark.parametrize("returns", RETURNS)
async def test_another_contact_is_no_answer(returns, client, heymarket):
    heymarket.answers({"id": 7, "phone": "15105553355", "uuid": str(OTHER_UUID)})

    for read in reads(client, returns):
        with pytest.raises(
            DecodeError, match=r"it is about another (id|phone|uuid) than was asked"
        ):
            await read()


@pytest.mark.parametrize(
    "sent",
    [
        {"id": 98765},
        {"id": "98765", "phone": f"+{PHONE}"},
        {"id": 98765, "phone": "+1 (510) 555-3344", "uuid": str(CONTACT_UUID).upper()},
        {"id": 98765, "phone": int(PHONE)},
        {"id": 98765, "phone": None, "uuid": None},
        {"id": 98765, "phone": "", "uuid": ""},
        {"phone": PHONE, "uuid": str(CONTACT_UUID)},
    ],
)
async def test_what_is_asked_for_may_be_written_in_other_ways_or_left_out(sent, client, heymarket):
    heymarket.answers(sent)

    for returns in (Contact, msgspec.Raw, dict[str, object]):
        for read in reads(client, returns):
            assert await read() is not None


async def test_a_contact_may_come_without_the_uuid_that_no_documented_read_lists(client, heymarket):
    heymarket.answers({"id": 2, "phone": "15105553355"})

    contact = await client.contacts_v2.get(CONTACT_UUID)

    assert (contact.id, contact.uuid) == (2, None)


async def test_a_uuid_may_come_as_the_id(client, heymarket):
    heymarket.answers({"id": str(CONTACT_UUID), "first": "Jordan"})

    contact = await client.contacts_v2.get(CONTACT_UUID)

    assert (contact.id, contact.first, contact.odd) == (None, "Jordan", {"id": str(CONTACT_UUID)})
    with pytest.raises(DecodeError, match="another uuid"):
        await client.contacts_v2.get(OTHER_UUID)


@pytest.mark.parametrize("sent", [*NO_CONTACT, {"id": 7, "phone": "15105553355"}])
async def test_ensure_does_not_take_another_answer_for_a_known_contact(sent, client, heymarket):
    heymarket.answers(sent)

    with pytest.raises(DecodeError):
        await client.contacts.ensure(JORDAN)

    assert heymarket.sent.call == "POST /v1/contact/get"


async def test_a_contact_is_found_by_another_of_its_phones(client, heymarket):
    channel = {"channel_type": "phone", "channel_id": f"+{PHONE}"}
    heymarket.answers({"id": 1, "phone": "15105553355", "contact_channels": [channel]})

    assert (await client.contacts.find(phone=PHONE)).id == 1


async def test_a_status_may_come_without_id_and_phone(client, heymarket):
    heymarket.answers({"unsubscribed": False})

    assert (await client.contacts.status(phone=PHONE)).unsubscribed is False


def writes(client):
    yield lambda: client.contacts.create(JORDAN)
    yield lambda: client.contacts.update(98765, JORDAN)
    yield lambda: client.contacts_v2.update(CONTACT_UUID, ContactChanges(first="Jordan"))


@pytest.mark.parametrize("sent", [{"error": "x"}, {"id": 0}, {"id": -1, "rev": 1}, {}, "ok"])
async def test_a_write_that_answers_no_contact_may_have_taken_effect(sent, client, heymarket):
    heymarket.answers(sent)

    for write in writes(client):
        with pytest.raises(DecodeError) as raised:
            await write()
        assert raised.value.may_have_taken_effect


async def test_a_write_of_another_contact_may_have_taken_effect(client, heymarket):
    heymarket.answers({"id": 7, "rev": 1, "uuid": str(OTHER_UUID)})

    for write in list(writes(client))[1:]:
        with pytest.raises(DecodeError, match=r"another (id|uuid)") as raised:
            await write()
        assert raised.value.may_have_taken_effect


@pytest.mark.parametrize("sent", [msgspec.UNSET, None, {"success": True}, "success", {}])
async def test_set_status_needs_no_content(sent, client, heymarket):
    heymarket.answers(sent, status=204 if sent is msgspec.UNSET else 200)

    assert await client.contacts.set_status("blocked", contact_id=98765) is None


@pytest.mark.parametrize("sent", [b"<html>", {"error": "x"}, {"success": False}])
async def test_a_page_or_an_error_is_no_success(sent, client, heymarket):
    heymarket.answers(sent)
    if isinstance(sent, bytes):
        heymarket._result["body"] = sent

    for call in (
        lambda: client.contacts.set_status("blocked", contact_id=98765),
        lambda: client.contacts.delete(98765),
        lambda: client.contacts_v2.delete_many([CONTACT_UUID]),
    ):
        with pytest.raises(DecodeError) as raised:
            await call()
        assert raised.value.may_have_taken_effect


@pytest.mark.parametrize(
    "sent",
    [
        {"channel_type": "phone", "channel_id": PHONE},
        {"channel_type": "email", "contact_id": str(OTHER_UUID)},
        {"error": "x"},
    ],
)
async def test_another_channel_is_no_answer(sent, client, heymarket):
    heymarket.answers(sent)

    with pytest.raises(DecodeError):
        await client.contact_channels.get(CONTACT_UUID, "email")


@pytest.mark.parametrize("contact_id", [None, 5, "5", str(CONTACT_UUID), str(CONTACT_UUID).upper()])
async def test_channels_name_their_contact_in_several_ways(contact_id, client, heymarket):
    heymarket.answers([{"channel_type": "email", "contact_id": contact_id}, None])

    (listed,) = await client.contact_channels.all(CONTACT_UUID)
    (added,) = await client.contact_channels.add(CONTACT_UUID, EMAIL)

    assert listed == added
    assert listed.channel_type == "email"


async def test_channels_of_another_contact_are_no_answer(client, heymarket):
    heymarket.answers([{"channel_type": "email", "contact_id": str(OTHER_UUID)}])

    with pytest.raises(DecodeError, match="another contact_id"):
        await client.contact_channels.all(CONTACT_UUID)
    with pytest.raises(DecodeError) as raised:
        await client.contact_channels.add(CONTACT_UUID, EMAIL)
    assert raised.value.may_have_taken_effect


@pytest.mark.parametrize("surface", ["contacts", "contacts_v2"])
async def test_a_walk_whose_last_page_has_only_null_ends(surface, client, heymarket):
    heymarket.answers([None])

    assert [each async for each in getattr(client, surface).iterate()] == []
    assert await getattr(client, surface).page() == []


async def test_the_end_of_a_list_may_be_nothing(client, heymarket):
    for sent in (msgspec.UNSET, None):
        heymarket.answers(sent, status=204 if sent is msgspec.UNSET else 200)

        assert await client.contacts.page() == []
        assert await client.contacts_v2.page(returns=msgspec.Raw) == []
        assert await client.contacts_v2.search(phones=[PHONE]) == []
        assert [each async for each in client.contacts.iterate()] == []
        assert [each async for each in client.contacts_v2.iterate(returns=MoodyContact)] == []

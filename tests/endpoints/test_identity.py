"""An answer that names another contact than the call was about is no answer, to a write neither."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from heymarket_async import (
    Channel,
    Contact,
    ContactChanges,
    DecodeError,
    NewContact,
    NewContactV2,
    Outcome,
)
from tests.endpoints.conftest import CONTACT_UUID, MoodyContact

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


async def test_the_error_names_the_field_that_shows_another_contact(client, heymarket):
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


def by_email(email: str) -> NewContactV2:
    return NewContactV2(contact_channels=[Channel(channel_type="email", channel_id=email)])


READ_AS = [Contact, MoodyContact, msgspec.Raw, dict[str, object]]
KNOWN = NewContactV2(first="Kim", contact_uuid=CONTACT_UUID)


@pytest.mark.parametrize(
    ("sent", "row", "outcome"),
    [
        (KNOWN, {"id": 1, "uuid": OTHER_UUID}, Outcome.UNKNOWN),
        (KNOWN, {"id": 1, "uuid": OTHER_UUID, "phone": PHONE}, Outcome.UNKNOWN),
        (KNOWN, {"id": OTHER_UUID}, Outcome.UNKNOWN),
        (KNOWN, {"id": 1, "uuid": str(CONTACT_UUID).upper(), "phone": PHONE}, Outcome.STORED),
        (KNOWN, {"id": 1, "phone": PHONE}, Outcome.STORED),
        (by_email("a@b.example"), {"id": 1, "email": "c@d.example"}, Outcome.UNKNOWN),
        (by_email("a@b.example"), {"id": 1, "phone": PHONE}, Outcome.UNKNOWN),
        (by_email("a@b.example"), {"id": 1, "email": "A@b.example"}, Outcome.STORED),
        (by_email("a@b.example"), {"id": 1, "uuid": OTHER_UUID}, Outcome.STORED),
    ],
)
async def test_a_batch_that_is_answered_with_another_contact_is_unknown(
    sent, row, outcome, client, heymarket
):
    heymarket.answers({"contacts": [row]})

    (item,) = (await client.contacts_v2.upsert_many([sent])).items

    assert item.outcome is outcome


async def test_the_phone_of_a_contact_that_was_sent_without_one_may_be_any(client, heymarket):
    heymarket.answers({"contacts": [{"id": 1, "phone": "15105553355"}, {"id": 2}]})
    known = NewContactV2(first="Kim", contact_uuid=CONTACT_UUID)

    result = await client.contacts_v2.upsert_many([known, by_phone(PHONE)])

    assert [item.outcome for item in result.items] == [Outcome.STORED] * 2


def channel(channel_type: str, channel_id: str) -> dict[str, object]:
    return {"channel_type": channel_type, "channel_id": channel_id}


OTHER_CHANNELS = [
    {"id": 7, "rev": 1, "contact_channels": [channel("phone", "+15105553355")]},
    {"id": 7, "rev": 1, "contact_channels": [channel("email", "other@example.com")]},
    {"id": 7, "phone": "15105553355", "contact_channels": [channel("phone", "15105553355")]},
]


@pytest.mark.parametrize("sent", [*OTHER_CHANNELS, {"id": 7, "phone": "15105553355"}])
async def test_a_created_contact_has_the_channels_that_were_sent(sent, client, heymarket):
    heymarket.answers(sent)

    with pytest.raises(DecodeError, match=r"another (phone|channel)") as raised:
        await client.contacts_v2.create(by_phone(PHONE))

    assert raised.value.may_have_taken_effect


async def test_a_contact_that_was_created_by_its_e_mail_may_have_any_phone(client, heymarket):
    jordan = by_email("jordan@example.com")
    heymarket.answers({"id": 7, "rev": 1, "phone": "15105553355"})
    assert (await client.contacts_v2.create(jordan)).id == 7

    heymarket.answers(OTHER_CHANNELS[1])
    with pytest.raises(DecodeError, match="another channel"):
        await client.contacts_v2.create(jordan)


@pytest.mark.parametrize("sent", OTHER_CHANNELS)
@pytest.mark.parametrize("returns", READ_AS)
async def test_a_contact_that_was_searched_for_has_one_of_the_channels(
    returns, sent, client, heymarket
):
    heymarket.answers([{"id": 5, "phone": PHONE}, sent])

    with pytest.raises(DecodeError, match="another channel"):
        await client.contacts_v2.search(phones=[PHONE, "15105553366"], returns=returns)


@pytest.mark.parametrize(
    "sent",
    [
        {"id": 7},
        {"id": 7, "phone": f"+{PHONE}"},
        {"id": 7, "contact_channels": []},
        {"id": 7, "phone": "15105553355", "contact_channels": [channel("phone", PHONE)]},
        {"id": 7, "phone": PHONE, "contact_channels": [channel("email", "other@example.com")]},
    ],
)
async def test_a_contact_may_have_other_channels_or_show_none(sent, client, heymarket):
    heymarket.answers({"rev": 1, **sent})
    assert (await client.contacts_v2.create(by_phone(PHONE))).id == 7

    for returns in READ_AS:
        heymarket.answers([sent])
        assert len(await client.contacts_v2.search(phones=[PHONE], returns=returns)) == 1


@pytest.mark.parametrize(
    "sent",
    [
        {"id": 7, "phone": "15105553355"},
        {"id": 7, "email": "other@example.com"},
        {"id": 7, "email": "ROBIN@example.com", "contact_channels": [channel("phone", PHONE)]},
        {
            "id": 7,
            "contact_channels": [channel("line", "9"), channel("email", "robin@example.com")],
        },
        {"id": 7, "contact_channels": [{**channel("email", "77"), "channel_handle": "1234"}]},
    ],
)
async def test_a_search_may_match_what_is_not_shown(sent, client, heymarket):
    heymarket.answers([sent])

    found = await client.contacts_v2.search(
        emails=["robin@example.com"], channels={"facebook": ["1234"]}
    )

    assert found[0].id == 7


async def test_a_search_may_match_a_second_phone_that_is_not_shown(client, heymarket):
    heymarket.answers([{"id": 7, "phone": "15105553355"}])

    assert [each.id for each in await client.contacts_v2.search(phones=[PHONE])] == [7]


async def test_a_contact_may_have_a_custom_field_that_is_called_like_a_channel(client, heymarket):
    heymarket.answers({"id": 98765, "custom": {"channel_type": "phone"}})

    assert (await client.contacts.get(98765)).id == 98765


async def test_elements_of_a_search_that_are_no_contacts_stay_raw(client, heymarket):
    heymarket.answers([None, 5, {"id": 5}])

    assert len(await client.contacts_v2.search(phones=[PHONE], returns=msgspec.Raw)) == 3


async def test_an_update_has_the_phone_that_was_sent(client, heymarket):
    changes = ContactChanges(phone=PHONE)
    heymarket.answers({"id": 98765, "rev": 2, "phone": "15105553355"})
    for write in (
        client.contacts.update(98765, JORDAN),
        client.contacts_v2.update(CONTACT_UUID, changes),
    ):
        with pytest.raises(DecodeError, match="another phone") as raised:
            await write
        assert raised.value.may_have_taken_effect

    heymarket.answers({"id": 98765, "rev": 2, "phone": f"+{PHONE}"})
    assert (await client.contacts.update(98765, JORDAN)).rev == 2
    assert (await client.contacts_v2.update(CONTACT_UUID, changes)).rev == 2
    heymarket.answers({"id": 7, "rev": 2, "phone": PHONE})
    with pytest.raises(DecodeError, match="another id"):
        await client.contacts.update(98765, JORDAN)


@pytest.mark.parametrize("number", [OTHER_UUID, 98765, None])
async def test_a_channel_is_no_contact(number, client, heymarket):
    record = {"id": number, "contact_id": OTHER_UUID, **channel("facebook", "9")}
    v1, v2 = client.contacts, client.contacts_v2
    heymarket.answers(record)
    reads = [
        v1.get(98765),
        v1.get(98765, returns=msgspec.Raw),
        v1.find(phone=PHONE),
        v1.status(contact_id=98765),
        v1.ensure(JORDAN),
        v1.update(98765, JORDAN),
        v2.get(OTHER_UUID),
    ]
    for read in reads:
        with pytest.raises(DecodeError):
            await read

    heymarket.answers([record])
    with pytest.raises(DecodeError, match="it is a channel"):
        await v2.search(phones=[PHONE])


@pytest.mark.parametrize("own", [OTHER, {**OTHER, "uuid": str(CONTACT_UUID)}, {"id": 7}])
async def test_a_contact_is_no_channel(own, client, heymarket):
    channels = client.contact_channels
    heymarket.answers(own)
    with pytest.raises(DecodeError, match="it is not a channel"):
        await channels.get(CONTACT_UUID, "phone")

    heymarket.answers([own])
    for call in (channels.all(CONTACT_UUID), channels.add(CONTACT_UUID, EMAIL)):
        with pytest.raises(DecodeError, match="it is not a channel"):
            await call


@pytest.mark.parametrize("sent", [OTHER, [OTHER]])
async def test_another_contact_is_no_answer_to_the_write_of_a_channel(sent, client, heymarket):
    heymarket.answers(sent)

    for write in of_channels(client):
        with pytest.raises(DecodeError, match="another uuid") as raised:
            await write()
        assert raised.value.may_have_taken_effect


async def test_the_write_of_a_channel_may_be_answered_with_its_contact(client, heymarket):
    for sent in ({**OTHER, "uuid": str(CONTACT_UUID)}, {"id": OTHER_UUID}):
        heymarket.answers(sent)
        for write in of_channels(client):
            assert await write() is None


async def test_a_channel_that_was_added_is_among_those_that_are_shown(client, heymarket):
    others = [channel("email", "other@example.com"), channel("phone", PHONE)]
    heymarket.answers(others)
    with pytest.raises(DecodeError, match="another channel") as raised:
        await client.contact_channels.add(CONTACT_UUID, EMAIL)
    assert raised.value.may_have_taken_effect

    heymarket.answers([*others, channel("email", "Robin@example.com")])
    assert len(await client.contact_channels.add(CONTACT_UUID, EMAIL)) == 3

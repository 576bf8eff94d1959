"""`client.contacts_v2`: what the examples of the documentation do not show."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from heymarket_async import (
    Channel,
    Contact,
    ContactChanges,
    NewContact,
    NewContactV2,
    NotFoundError,
    Outcome,
    PaginationError,
)
from tests.endpoints.conftest import CONTACT_UUID, NAIVE, REF, MoodyContact

PATH = f"/v2/contact/{CONTACT_UUID}"
PHONE = Channel(channel_type="phone", channel_id="15105553344")
EMAIL = Channel(channel_type="email", channel_id="robin@example.com")
JORDAN = NewContactV2(first="Jordan", contact_channels=[PHONE])
ROBIN = NewContactV2(first="Robin", contact_channels=[EMAIL])
KNOWN = NewContactV2(first="Kim", contact_uuid=CONTACT_UUID)


@pytest.mark.parametrize("contact_uuid", [CONTACT_UUID, str(CONTACT_UUID), CONTACT_UUID.hex])
async def test_get_takes_a_uuid_in_any_form(contact_uuid, client, heymarket):
    heymarket.answers({"id": 1, "mood": "sunny"})

    contact = await client.contacts_v2.get(contact_uuid, returns=MoodyContact)

    assert heymarket.sent.call == f"GET {PATH}"
    assert contact.mood == "sunny"


async def test_get_of_nothing_is_not_found(client, heymarket):
    heymarket.answers(None)

    with pytest.raises(NotFoundError):
        await client.contacts_v2.get(CONTACT_UUID)


@pytest.mark.parametrize(
    "answer", [REF, {**REF, "first": "Jordan", "updated": "2026-04-12T15:30:00Z"}]
)
async def test_update_reads_a_reference_and_a_whole_contact(answer, client, heymarket):
    heymarket.answers(answer)

    contact = await client.contacts_v2.update(CONTACT_UUID, ContactChanges(first="Jordan"))

    assert heymarket.sent == (f"PUT {PATH}", {}, {"first": "Jordan"})
    assert (contact.id, contact.rev, contact.uuid) == (98765, 1, CONTACT_UUID)
    assert contact.first == answer.get("first")


@pytest.mark.parametrize("overwrite", [True, False])
async def test_update_sends_overwrite_if_it_is_given(overwrite, client, heymarket):
    heymarket.answers(REF)

    await client.contacts_v2.update(
        CONTACT_UUID, NewContact(phone="15105553344"), overwrite=overwrite
    )

    assert heymarket.sent.query == {"overwrite": str(overwrite).lower()}
    assert heymarket.sent.body == {"phone": "15105553344"}


async def test_delete_needs_no_content_of_the_answer(client, heymarket):
    heymarket.answers("contact deleted")

    assert await client.contacts_v2.delete(CONTACT_UUID) is None
    assert heymarket.sent == (f"DELETE {PATH}", {}, msgspec.UNSET)


async def test_delete_of_an_unknown_contact_raises(client, heymarket):
    heymarket.answers({"message": "not found"}, status=404)

    with pytest.raises(NotFoundError):
        await client.contacts_v2.delete(CONTACT_UUID)


async def test_page_sends_what_is_asked_and_nothing_else(client, heymarket):
    heymarket.answers([{"id": 1, "mood": "sunny"}])

    await client.contacts_v2.page()
    (moody,) = await client.contacts_v2.page(
        date=datetime(2026, 4, 12, tzinfo=UTC), returns=MoodyContact
    )

    assert [sent.body for sent in heymarket.requests] == [{}, {"date": "2026-04-12T00:00:00Z"}]
    assert moody.mood == "sunny"


async def test_a_walk_goes_oldest_first(client, heymarket):
    heymarket.answers([])

    walk = client.contacts_v2.iterate(limit=100, date="2026-04-12T15:30:00Z", returns=msgspec.Raw)
    assert [contact async for contact in walk] == []

    assert heymarket.sent == (
        "POST /v2/contacts/list",
        {},
        {"ascending": True, "date": "2026-04-12T15:30:00Z", "limit": 100},
    )


async def test_a_walk_never_asks_for_more_than_the_endpoint_takes(client, heymarket):
    same = [{"id": number, "rev": 1, "updated": "2026-04-12T15:30:00Z"} for number in range(100)]
    heymarket.answers(same)

    with pytest.raises(PaginationError) as raised:
        async for _ in client.contacts_v2.iterate(limit=100):
            pass

    assert raised.value.call == "POST /v2/contacts/list"
    assert {sent.body["limit"] for sent in heymarket.requests} == {100}


async def test_search_asks_for_several_kinds_at_once(client, heymarket):
    heymarket.answers([{"id": 1, "mood": "sunny"}])

    (moody,) = await client.contacts_v2.search(
        phones=["+15105553344"],
        emails=["robin@example.com"],
        channels={"facebook": ["1234"], "line": []},
        returns=MoodyContact,
    )

    assert heymarket.sent.body == {
        "contact_channels": [
            {"channel_type": "phone", "channel_ids": ["15105553344"]},
            {"channel_type": "email", "channel_ids": ["robin@example.com"]},
            {"channel_type": "facebook", "channel_ids": ["1234"]},
        ]
    }
    assert moody.mood == "sunny"


async def test_channels_add_to_phones_and_do_not_replace_them(client, heymarket):
    heymarket.answers([])

    await client.contacts_v2.search(
        phones=["15105553344"], channels={"phone": ["+15105553355"]}, emails=iter(["r@a.example"])
    )

    assert heymarket.sent.body == {
        "contact_channels": [
            {"channel_type": "phone", "channel_ids": ["15105553344", "15105553355"]},
            {"channel_type": "email", "channel_ids": ["r@a.example"]},
        ]
    }


async def test_a_bulk_write_may_come_from_a_generator(client, heymarket):
    heymarket.answers({"contacts": [{"id": 1}, {"id": 2}]})

    result = await client.contacts_v2.upsert_many(each for each in [JORDAN, ROBIN])

    assert [item.outcome for item in result.items] == [Outcome.STORED] * 2
    assert len(heymarket.sent.body["contacts"]) == 2


async def test_bulk_writes_create_and_update(client, heymarket):
    heymarket.answers({"contacts": [], "failed_contacts": []})

    await client.contacts_v2.upsert_many([JORDAN, KNOWN])

    assert heymarket.sent.body == {
        "contacts": [
            {
                "first": "Jordan",
                "contact_channels": [{"channel_type": "phone", "channel_id": "15105553344"}],
            },
            {"first": "Kim", "contact_id": str(CONTACT_UUID)},
        ]
    }


async def test_an_answer_with_an_entry_for_every_item_shows_all_outcomes(client, heymarket):
    failure = {"contact": msgspec.to_builtins(ROBIN), "error": {"why": "no"}}
    heymarket.answers(
        {
            "contacts": [{"id": 2, "uuid": str(CONTACT_UUID)}, {"id": 1, "phone": "15105553344"}],
            "failed_contacts": [failure],
        }
    )

    result = await client.contacts_v2.upsert_many([JORDAN, ROBIN, KNOWN])

    jordan, robin, kim = result.items
    assert (jordan.outcome, jordan.stored) == (
        Outcome.STORED,
        Contact(id=1, phone="15105553344"),
    )
    assert (robin.outcome, robin.stored, robin.failure) == (Outcome.FAILED, None, failure)
    assert (kim.outcome, kim.stored) == (Outcome.STORED, Contact(id=2, uuid=CONTACT_UUID))


async def test_the_answer_is_kept_with_keys_that_nobody_knows(client, heymarket):
    answer = {"contacts": [{"id": 1, "new_key": 7}], "failed_contacts": [], "job_id": "j-1"}
    heymarket.answers(answer)

    result = await client.contacts_v2.upsert_many([JORDAN])

    assert result.answer == answer
    assert result.items[0].outcome is Outcome.STORED


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"contacts": None, "failed_contacts": "none"},
        {"contacts": [None, 5], "failed_contacts": [[]]},
    ],
)
async def test_an_odd_answer_is_unknown_and_never_an_error(answer, client, heymarket):
    heymarket.answers(answer)

    result = await client.contacts_v2.upsert_many([JORDAN, ROBIN, KNOWN])

    assert {item.outcome for item in result.items} == {Outcome.UNKNOWN}
    assert {item.stored for item in result.items} == {None}


async def test_what_was_stored_is_read_as_far_as_it_can_be(client, heymarket):
    heymarket.answers({"contacts": [{"id": {}, "phone": "15105553344"}, {"id": 2}]})

    result = await client.contacts_v2.upsert_many([JORDAN, ROBIN, KNOWN])

    stored = result.items[0].stored
    assert stored is not None
    assert (stored.phone, stored.odd) == ("15105553344", {"id": {}})
    assert {item.outcome for item in result.items} == {Outcome.UNKNOWN}


async def test_what_an_answer_leaves_out_is_unknown(client, heymarket):
    heymarket.answers({"contacts": [{"id": 1}]})

    result = await client.contacts_v2.upsert_many([JORDAN, ROBIN])

    assert [item.outcome for item in result.items] == [Outcome.UNKNOWN, Outcome.UNKNOWN]


async def test_a_failure_that_names_no_item_makes_the_others_unknown(client, heymarket):
    failures = [{"contact": {"first": "Somebody"}}, {"contact": None}, {}]
    heymarket.answers({"contacts": [{"id": 1}, {"id": 2}], "failed_contacts": failures})

    result = await client.contacts_v2.upsert_many([JORDAN, ROBIN])

    assert [item.outcome for item in result.items] == [Outcome.UNKNOWN, Outcome.UNKNOWN]
    assert result.answer["failed_contacts"] == failures


async def test_of_two_equal_items_one_failure_marks_one_item(client, heymarket):
    failure = {"contact": msgspec.to_builtins(JORDAN)}
    heymarket.answers({"contacts": [{"id": 1}], "failed_contacts": [failure]})

    result = await client.contacts_v2.upsert_many([JORDAN, JORDAN])

    assert sorted(item.outcome for item in result.items) == [Outcome.FAILED, Outcome.STORED]


async def test_a_failure_goes_to_the_item_that_it_echoes_and_not_to_a_smaller_one(
    client, heymarket
):
    larger = msgspec.structs.replace(JORDAN, last="Rivera")
    failure = {"contact": msgspec.to_builtins(larger)}
    heymarket.answers({"contacts": [{"id": 1}], "failed_contacts": [failure]})

    result = await client.contacts_v2.upsert_many([JORDAN, larger])

    assert [item.outcome for item in result.items] == [Outcome.STORED, Outcome.FAILED]


async def test_an_echo_with_more_fields_counts_if_it_can_be_one_item_only(client, heymarket):
    failures = [{"contact": {**msgspec.to_builtins(ROBIN), "tags": []}, "why": "?"}]
    heymarket.answers({"contacts": [{"id": 1}], "failed_contacts": failures})

    result = await client.contacts_v2.upsert_many([JORDAN, ROBIN])

    assert [item.outcome for item in result.items] == [Outcome.STORED, Outcome.FAILED]
    assert result.items[1].failure == failures[0]


async def test_an_echo_that_could_be_of_two_items_is_nobodys(client, heymarket):
    larger = msgspec.structs.replace(JORDAN, last="Rivera")
    failures = [{"contact": {**msgspec.to_builtins(larger), "tags": []}}]
    heymarket.answers({"contacts": [{"id": 1}], "failed_contacts": failures})

    result = await client.contacts_v2.upsert_many([JORDAN, larger])

    assert [item.outcome for item in result.items] == [Outcome.UNKNOWN, Outcome.UNKNOWN]


async def test_a_stored_contact_that_could_be_either_is_not_guessed(client, heymarket):
    channel = {"channel_type": "phone", "channel_id": "15105553344"}
    heymarket.answers(
        {"contacts": [{"id": 1, "contact_channels": [channel]}, {"id": 2, "phone": "15105553344"}]}
    )

    result = await client.contacts_v2.upsert_many([JORDAN, JORDAN])

    assert [(item.outcome, item.stored) for item in result.items] == [(Outcome.STORED, None)] * 2


WRONG = {
    "contact_channels must hold at least": lambda v2: v2.create(NewContactV2(first="Jordan")),
    "contact_channels must hold": lambda v2: v2.create(NewContactV2(contact_channels=[])),
    "contact_uuid is for upsert_many": lambda v2: v2.create(
        NewContactV2(contact_channels=[PHONE], contact_uuid=CONTACT_UUID)
    ),
    "contact_channels must hold at least one channel to": lambda v2: v2.upsert_many(
        [JORDAN, NewContactV2(first="Robin")]
    ),
    "contacts must not be empty": lambda v2: v2.upsert_many([]),
    "contact_uuids must not be empty": lambda v2: v2.delete_many([]),
    "contact_uuids must be a list": lambda v2: v2.delete_many(str(CONTACT_UUID)),
    "contact_uuids must be a UUID": lambda v2: v2.delete_many([CONTACT_UUID, 98765]),
    "search needs at least one": lambda v2: v2.search(),
    "search needs at least one of": lambda v2: v2.search(channels={"facebook": []}),
    "phones must be E.164": lambda v2: v2.search(phones=["555-3344"]),
    "phones must be a list": lambda v2: v2.search(phones="15105553344"),
    "emails must be a list": lambda v2: v2.search(emails="robin@example.com"),
    "limit must be an integer from 1 to 100": lambda v2: v2.page(limit=101),
    "contact must be of type NewContactV2, not heymarket_async.NewContact": lambda v2: v2.create(
        NewContact(phone="15105553344")
    ),
    "changes must be of type ContactChanges or NewContact, not dict": lambda v2: v2.update(
        CONTACT_UUID, {}
    ),
    "contact_uuid is for upsert_many; use update": lambda v2: v2.update(CONTACT_UUID, KNOWN),
    "overwrite must be of type bool": lambda v2: v2.update(CONTACT_UUID, JORDAN, overwrite=1),
    "each of contacts must be of type NewContactV2": lambda v2: v2.upsert_many(
        [NewContact(phone="15105553344")]
    ),
    "channels must be of type Mapping or None, not list": lambda v2: v2.search(channels=["x"]),
    "each type of channels must be of type str": lambda v2: v2.search(channels={1: ["x"]}),
    "each of emails must not be empty": lambda v2: v2.search(emails=[""]),
    "page must be of type int, not str": lambda v2: v2.page(page="x"),
    "ascending must be of type bool, not str": lambda v2: v2.page(ascending="no"),
    "channels must be a list": lambda v2: v2.search(channels={"facebook": "1234"}),
    "each of channels must be of type str": lambda v2: v2.search(channels={"facebook": [1234]}),
    "phones must be E.164 digits": lambda v2: v2.search(channels={"phone": ["rub bish"]}),
    "date must be an aware datetime": lambda v2: v2.page(date=NAIVE),
}


@pytest.mark.parametrize("message", WRONG)
async def test_wrong_arguments_are_refused_before_anything_is_sent(message, client, heymarket):
    with pytest.raises(ValueError, match=message):
        await WRONG[message](client.contacts_v2)

    assert not heymarket.requests


def test_a_walk_by_too_large_pages_is_refused(client):
    with pytest.raises(ValueError, match="from 1 to 100"):
        client.contacts_v2.iterate(limit=101)


@pytest.mark.parametrize("contact_uuid", [98765, "98765", "", None, b"x" * 16, "../../v1/team"])
async def test_an_id_of_another_kind_is_refused(contact_uuid, client, heymarket):
    for call in (
        lambda: client.contacts_v2.get(contact_uuid),
        lambda: client.contacts_v2.delete(contact_uuid),
        lambda: client.contacts_v2.update(contact_uuid, ContactChanges()),
    ):
        with pytest.raises(ValueError, match="contact_uuid must be a UUID"):
            await call()

    assert not heymarket.requests

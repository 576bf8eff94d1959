"""`client.contacts`: what the examples of the documentation do not show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from heymarket_async import (
    BadRequestError,
    Contact,
    ContactRef,
    ContactStatus,
    DecodeError,
    NewContact,
    NewStatus,
    NotFoundError,
    Outcome,
)
from tests.endpoints.conftest import CONTACT_UUID, NAIVE, REF, MoodyContact

CONTACT = {"id": 98765, "first": "Jordan", "rev": 3, "mood": "sunny"}
JORDAN = NewContact(phone="15105553344")
ROBIN = NewContact(phone="15105553355")


async def test_an_update_that_overwrites_says_so(client, heymarket):
    heymarket.answers(REF)

    await client.contacts.update(98765, JORDAN, overwrite=True)

    assert heymarket.sent.query == {"overwrite": "true"}


async def test_an_answer_without_a_uuid_is_read(client, heymarket):
    heymarket.answers({"id": 98765, "rev": 2})

    assert await client.contacts.create(JORDAN) == ContactRef(id=98765, rev=2)


async def test_an_id_as_text_is_read_as_a_number(client, heymarket):
    heymarket.answers({"id": "98765", "rev": "1", "uuid": str(CONTACT_UUID)})

    assert await client.contacts.create(JORDAN) == ContactRef(id=98765, rev=1, uuid=CONTACT_UUID)


@pytest.mark.parametrize("body", ["ok", [], {"rev": 1}, None])
async def test_a_create_whose_answer_has_no_id_may_have_taken_effect(body, client, heymarket):
    heymarket.answers(body)

    with pytest.raises(DecodeError) as raised:
        await client.contacts.create(JORDAN)

    assert raised.value.may_have_taken_effect
    assert raised.value.request_id == "r-1"


async def test_get_takes_a_type_with_more_fields(client, heymarket):
    heymarket.answers(CONTACT)

    contact = await client.contacts.get(98765, returns=MoodyContact)

    assert (contact.first, contact.mood) == ("Jordan", "sunny")


async def test_get_gives_the_answer_as_it_came(client, heymarket):
    heymarket.answers(CONTACT)

    raw = await client.contacts.get(98765, returns=msgspec.Raw)

    assert bytes(raw) == msgspec.json.encode(CONTACT)


@pytest.mark.parametrize("body", [None, {}, [], ""])
async def test_an_answer_with_nothing_in_it_is_not_found(body, client, heymarket):
    heymarket.answers(body)

    with pytest.raises(NotFoundError, match="nothing in it"):
        await client.contacts.get(98765)
    with pytest.raises(NotFoundError):
        await client.contacts.status(contact_id=98765)
    assert await client.contacts.find(contact_id=98765) is None


async def test_find_by_id_writes_it_as_text(client, heymarket):
    heymarket.answers(CONTACT)

    contact = await client.contacts.find(contact_id=98765, returns=MoodyContact)

    assert heymarket.sent.body == {"id": "98765"}
    assert contact is not None
    assert contact.mood == "sunny"


async def test_find_takes_a_404_of_heymarket_for_none(client, heymarket):
    heymarket.answers({"message": "no such contact"}, status=404)

    assert await client.contacts.find(phone="+15105553344") is None
    assert heymarket.sent.body == {"phone": "15105553344"}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'"nothing here"', {}),
        (b"<html><title>404 Not Found</title></html>", {"X-Request-Id": "of-a-gateway"}),
    ],
)
async def test_find_does_not_take_a_404_of_something_else_for_none(
    body, headers, client, heymarket, monkeypatch
):
    result = {"status": 404, "body": body, "headers": headers}
    monkeypatch.setattr(heymarket, "_result", result)

    with pytest.raises(NotFoundError):
        await client.contacts.find(phone="15105553344")


@pytest.mark.parametrize("both", [{}, {"phone": "15105553344", "contact_id": 1}])
async def test_find_needs_one_of_phone_and_id(both, client, heymarket):
    with pytest.raises(ValueError, match="find takes a phone or a contact_id"):
        await client.contacts.find(**both)

    assert not heymarket.requests


async def test_page_sends_what_is_asked_and_nothing_else(client, heymarket):
    heymarket.answers([])

    await client.contacts.page()
    await client.contacts.page(
        date=datetime(2026, 4, 12, 17, 30, 0, 5, tzinfo=timezone(timedelta(hours=2))),
        limit=50,
        page=2,
        ascending=True,
        order="updated_at",
        archived=False,
        assigned=4,
        filter="x",
        id=5,
        parent_id=6,
    )

    assert [sent.body for sent in heymarket.requests] == [
        {},
        {
            "date": "2026-04-12T15:30:00.000005Z",
            "limit": 50,
            "page": 2,
            "ascending": True,
            "order": "updated_at",
            "archived": False,
            "assigned": 4,
            "filter": "x",
            "id": 5,
            "parent_id": 6,
        },
    ]


async def test_page_gives_rows_as_they_came(client, heymarket):
    heymarket.answers([CONTACT, CONTACT])

    raws = await client.contacts.page(returns=msgspec.Raw)
    moody = await client.contacts.page(returns=MoodyContact)

    assert [bytes(raw) for raw in raws] == [msgspec.json.encode(CONTACT)] * 2
    assert [contact.mood for contact in moody] == ["sunny", "sunny"]


async def test_none_counts_as_left_out(client, heymarket):
    heymarket.answers([])

    await client.contacts.page(date=None, limit=None)

    assert heymarket.sent.body == {}


async def test_page_takes_no_other_arguments(client, heymarket):
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        await client.contacts.page(colour="red")

    assert not heymarket.requests


async def test_a_batch_may_come_from_a_generator(client, heymarket):
    heymarket.answers("ok")

    result = await client.contacts.create_batch(each for each in [JORDAN, ROBIN])

    assert [item.contact for item in result.items] == [JORDAN, ROBIN]
    assert [item.outcome for item in result.items] == [Outcome.STORED] * 2
    assert len(heymarket.sent.body) == 2


async def test_a_walk_asks_like_page(client, heymarket):
    heymarket.answers([])

    assert [contact async for contact in client.contacts.iterate(limit=40)] == []
    date = "2026-04-12T15:30:00.123456789Z"
    assert [contact async for contact in client.contacts.iterate(date=date)] == []

    assert {sent.call for sent in heymarket.requests} == {"POST /v1/contacts"}
    # A limit that has brought nothing yet proves no end.
    assert [sent.body for sent in heymarket.requests] == [{"limit": 40}, {}, {"date": date}]


@pytest.mark.parametrize("body", [1042, "1042", 0, "0"])
async def test_a_count_is_read_as_number_and_as_text(body, client, heymarket):
    heymarket.answers(body)

    assert await client.contacts.count() == int(body)
    assert heymarket.sent.body == {}


async def test_count_sends_a_date_in_utc(client, heymarket):
    heymarket.answers(3)

    await client.contacts.count(date=datetime(2026, 4, 12, tzinfo=UTC))

    assert heymarket.sent.body == {"date": "2026-04-12T00:00:00Z"}


@pytest.mark.parametrize("body", ["many", {}, [], None, 1.5, "1.5", True])
async def test_a_count_that_is_none_is_not_made_up(body, client, heymarket):
    heymarket.answers(body)

    with pytest.raises(DecodeError):
        await client.contacts.count()


async def test_status_takes_id_and_phone(client, heymarket):
    heymarket.answers({"id": 1, "unsubscribed_admin": True, "unsubscribed_contact": False})

    status = await client.contacts.status(contact_id=1, phone="+15105553344")

    assert heymarket.sent.body == {"id": 1, "phone": "15105553344"}
    assert status == ContactStatus(id=1, unsubscribed_admin=True, unsubscribed_contact=False)


@pytest.mark.parametrize("status", [*NewStatus, *map(str, NewStatus)])
async def test_set_status_takes_every_status(status, client, heymarket):
    heymarket.answers("success")

    await client.contacts.set_status(status, phone="15105553344")

    assert heymarket.sent.body == {"phone": "15105553344", "status": str(status)}


async def test_a_batch_answered_with_a_list_is_neither_success_nor_failure(client, heymarket):
    stored = {"phone": "15105553344", "id": 1, "why": "?"}
    heymarket.answers([stored, "odd"])

    result = await client.contacts.create_batch([JORDAN, ROBIN], overwrite=True)

    assert heymarket.sent.query == {"overwrite": "true"}
    assert [item.outcome for item in result.items] == [Outcome.UNKNOWN, Outcome.UNKNOWN]
    assert [item.returned for item in result.items] == [stored, None]
    assert [item.contact for item in result.items] == [JORDAN, ROBIN]
    assert result.answer == [stored, "odd"]


@pytest.mark.parametrize("phone", [["15105553344"], None, {}, 5])
async def test_an_odd_row_of_a_batch_is_passed_over(phone, client, heymarket):
    rows = [{"phone": phone}, {"phone": 15105553344, "id": 1}, {"phone": "+15105553355", "id": 2}]
    heymarket.answers(rows)

    result = await client.contacts.create_batch([JORDAN, ROBIN])

    assert [item.returned for item in result.items] == rows[1:]


@pytest.mark.parametrize("body", ["accepted", {"status": "ok"}, None])
async def test_a_batch_with_another_answer_is_unknown(body, client, heymarket):
    heymarket.answers(body)

    result = await client.contacts.create_batch([JORDAN])

    assert [item.outcome for item in result.items] == [Outcome.UNKNOWN]
    assert result.answer == body


@pytest.mark.parametrize("contact_id", [0, -1, True, "98765", 1.0, CONTACT_UUID, None])
async def test_an_id_of_another_kind_is_refused(contact_id, client, heymarket):
    for call in (
        lambda: client.contacts.get(contact_id),
        lambda: client.contacts.delete(contact_id),
        lambda: client.contacts.update(contact_id, JORDAN),
    ):
        with pytest.raises(ValueError, match="contact_id must be a positive integer"):
            await call()

    assert not heymarket.requests


WRONG = {
    "contact_id or phone": lambda contacts: contacts.status(),
    "contact_id or phone is": lambda contacts: contacts.set_status("blocked"),
    "status must be one of active, blocked": lambda contacts: contacts.set_status(
        "muted", contact_id=1
    ),
    "phone must be E.164": lambda contacts: contacts.find(phone="(510) 555-3344"),
    "phone must be E.164 digits": lambda contacts: contacts.status(phone="0151"),
    "contacts must not be empty": lambda contacts: contacts.create_batch([]),
    "limit must be an integer of at least 1": lambda contacts: contacts.page(limit=0),
    "limit must be of type int, not str": lambda contacts: contacts.page(limit="10"),
    "archived must be of type bool": lambda contacts: contacts.page(archived="no"),
    "id must be of type int": lambda contacts: contacts.page(id="a"),
    "not a time between": lambda contacts: contacts.count(
        date=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    ),
    "limit must be of type int, not bool": lambda contacts: contacts.page(limit=True),
    "contact must be of type NewContact, not dict": lambda contacts: contacts.create(
        {"phone": "15105553344"}
    ),
    "contact must be of type NewContact, not heymarket_async.Contact$": lambda contacts: (
        contacts.create(Contact())
    ),
    "contact must be of type NewContact, not NoneType": lambda contacts: contacts.update(1, None),
    "overwrite must be of type bool, not NoneType": lambda contacts: contacts.update(
        1, JORDAN, overwrite=None
    ),
    "overwrite must be of type bool, not str": lambda contacts: contacts.create_batch(
        [JORDAN], overwrite="yes"
    ),
    "each of contacts must be of type NewContact, not dict": lambda contacts: contacts.create_batch(
        [{"phone": "15105553344"}]
    ),
    "contacts must be a list": lambda contacts: contacts.create_batch(JORDAN),
    "date must be an aware datetime, such as ": lambda contacts: contacts.page(date=NAIVE.date()),
    "date must be an aware": lambda contacts: contacts.page(date=NAIVE),
    "date must be an aware datetime: give": lambda contacts: contacts.count(date=NAIVE),
    "date must be an RFC 3339": lambda contacts: contacts.count(date="yesterday"),
}


@pytest.mark.parametrize("message", WRONG)
async def test_wrong_arguments_are_refused_before_anything_is_sent(message, client, heymarket):
    with pytest.raises(ValueError, match=message):
        await WRONG[message](client.contacts)

    assert not heymarket.requests


async def test_a_refused_field_is_named_without_its_value(client, heymarket):
    heymarket.answers({"message": "phone 15105553344 is taken by a@b.example"}, status=400)

    with pytest.raises(BadRequestError) as raised:
        await client.contacts.create(JORDAN)

    assert raised.value.detail == "phone *** is taken by ***"
    assert "15105553344" not in str(raised.value)

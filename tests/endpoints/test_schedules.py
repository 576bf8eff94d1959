"""`client.schedules`: times are checked before anything is sent, and a cancel is never a guess."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async import (
    Attachment,
    GalleryEntry,
    NewSchedule,
    NoResponseError,
    NotFoundError,
    Ref,
    RetryPolicy,
    ScheduleContent,
)
from heymarket_async.endpoints.schedules import Schedules
from heymarket_async.models.new_schedule import check_is_ahead, next_slot
from tests.conftest import Scripted, answer, jumping_time, transport_over
from tests.endpoints.conftest import NAIVE

NOW = datetime(2026, 4, 12, 15, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
NEPAL = timezone(timedelta(hours=5, minutes=45))
BERLIN = ZoneInfo("Europe/Berlin")
HELLO = ScheduleContent(text="Hello")


@pytest.fixture
def client(client, monkeypatch):
    monkeypatch.setattr(Schedules, "_wall", staticmethod(NOW.timestamp))
    return client


def new(**fields: object) -> NewSchedule:
    usual = {"inbox_id": 3, "execute_at": LATER, "content": HELLO}
    if not {"phone_number", "targets", "conversation_id", "list_id"} & fields.keys():
        usual["phone_number"] = "15105553344"
    return NewSchedule(**{**usual, **fields})


async def test_a_schedule_is_sent_in_utc(client, heymarket):
    heymarket.answers({"id": 12})
    when = datetime(2026, 4, 12, 23, 0, tzinfo=NEPAL)

    made = await client.schedules.create(new(execute_at=when, phone_number="+15105553344"))

    assert made == Ref(id=12)
    assert heymarket.sent.call == "POST /v1/schedule"
    assert heymarket.sent.body == {
        "inbox_id": 3,
        "execute_at": "2026-04-12T17:15:00Z",
        "content": {"text": "Hello"},
        "phone_number": "15105553344",
    }


@pytest.mark.parametrize(
    ("to", "sent"),
    [
        ({"targets": ("+15105553344", "15105553355")}, ["15105553344", "15105553355"]),
        ({"conversation_id": 5}, 5),
        ({"list_id": 6}, 6),
    ],
)
async def test_a_schedule_goes_to_one_kind_of_recipient(to, sent, client, heymarket):
    heymarket.answers({"id": "12"})

    await client.schedules.update(12, new(**to, local_id="april", user_id=4))

    assert heymarket.sent.call == "PUT /v1/schedule/12"
    body = heymarket.sent.body
    assert (body[next(iter(to))], body["local_id"], body["user_id"]) == (sent, "april", 4)
    assert "phone_number" not in body


async def test_a_schedule_is_read_in_the_documented_shape(client, heymarket):
    content = {"text": "Hello", "template": 9, "attachments": [{"name": "a", "url": "https://a"}]}
    meta = {"content": content, "list_id": 6, "conversation_id": 0}
    heymarket.answers({"id": 12, "execute": "2026-04-12T17:00:00Z", "meta": meta, "created": "x"})

    schedule = await client.schedules.get(12)

    assert heymarket.sent == ("GET /v1/schedule/12", {}, msgspec.UNSET)
    assert (schedule.execute_at, schedule.created_at) == (LATER, None)
    assert (schedule.meta.content.template, schedule.meta.list_id) == (9, 6)
    assert msgspec.to_builtins(schedule.meta.content) == content


@pytest.mark.parametrize("minutes", [-60, 0, 14])
async def test_a_schedule_that_is_too_near_is_not_sent(minutes, client, heymarket, monkeypatch):
    slot = NOW + timedelta(minutes=15)
    now = slot - timedelta(minutes=minutes, seconds=59)
    monkeypatch.setattr(client.schedules, "_wall", now.timestamp)

    for send in (client.schedules.create, lambda each: client.schedules.update(12, each)):
        with pytest.raises(ValueError, match="execute_at must be at least 15 minutes ahead"):
            await send(new(execute_at=slot))

    assert not heymarket.requests


async def test_a_schedule_may_be_just_fifteen_minutes_ahead(client, heymarket):
    heymarket.answers({"id": 12})

    await client.schedules.create(new(execute_at=NOW + timedelta(minutes=15)))

    assert heymarket.sent.body["execute_at"] == "2026-04-12T15:15:00Z"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"execute_at": NAIVE}, "execute_at must be an aware datetime: give it a tzinfo"),
        ({"execute_at": "2026-04-12T17:00:00Z"}, "execute_at must be an aware datetime, not str"),
        ({"execute_at": LATER.replace(minute=7)}, "execute_at must be on a quarter hour"),
        ({"execute_at": LATER.replace(second=1)}, "execute_at must be on a quarter hour"),
        ({"execute_at": LATER.replace(microsecond=1)}, "execute_at must be on a quarter hour"),
        (
            {"execute_at": datetime(2026, 4, 12, 23, 59, 59, tzinfo=UTC)},
            "execute_at must be on a quarter hour",
        ),
        (
            {"execute_at": datetime(2027, 3, 28, 2, 30, tzinfo=BERLIN)},
            "execute_at must be a time that its zone has",
        ),
        ({"inbox_id": 0}, "inbox_id must be a positive integer"),
        ({"content": "Hello"}, "content must be of type ScheduleContent"),
        ({"phone_number": "1", "list_id": 6}, "exactly one of phone_number, targets"),
        ({"phone_number": "555-3344"}, "phone_number must be E.164 digits"),
        ({"targets": []}, "targets must be two or more phones"),
        ({"targets": ["15105553344"]}, "targets must be two or more phones"),
        ({"targets": ["15105553344", "+15105553344"]}, "targets must be two or more phones"),
        ({"targets": "15105553344"}, "targets must be a list"),
        ({"targets": ["x"]}, "each of targets must be E.164 digits"),
        ({"list_id": "6"}, "list_id must be a positive integer"),
        ({"conversation_id": 0}, "conversation_id must be a positive integer"),
        ({"user_id": 0}, "user_id must be a positive integer"),
        ({"local_id": ""}, "local_id must not be empty"),
    ],
)
def test_a_schedule_that_breaks_a_rule_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        new(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "content needs text, template, or the url of"),
        ({"text": "", "template": 0, "gallery": []}, "content needs text, template, or the url of"),
        ({"to": ["15105553344"]}, "content needs text, template, or the url of"),
        ({"attachments": [Attachment(name="a")]}, "content needs text, template, or the url of"),
        ({"text": " "}, "content.text must not be empty"),
        ({"text": 5}, "content.text must be of type str"),
        ({"template": "601"}, "content.template must be of type int or Mapping"),
        ({"template": -1}, "content.template must be a positive integer"),
        ({"template": True}, "content.template must be of type int or Mapping"),
        ({"text": "Hi", "template": 5}, "content.text and content.template exclude each other"),
        ({"attachments": "abc"}, "content.attachments must be of type list"),
        ({"attachments": [{"url": "x"}]}, "each of content.attachments must be of type Attachment"),
        ({"gallery": [GalleryEntry(url=5)]}, "url of each of content.gallery must be of type str"),
    ],
)
def test_a_content_that_cannot_be_sent_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        new(content=ScheduleContent(**fields))


@pytest.mark.parametrize(
    "content",
    [
        {"text": "Hi", "template": 0, "attachments": [], "gallery": []},  # as reads show it
        {"text": "", "template": {"id": 601}},
        {"template": 601},
        {"attachments": [Attachment(url="https://a")]},
        {"gallery": [GalleryEntry(url="https://a")]},
    ],
)
async def test_any_part_of_a_content_is_enough(content, client, heymarket):
    heymarket.answers({"id": 12})

    await client.schedules.create(new(content=ScheduleContent(**content)))

    assert heymarket.sent.body["content"] == msgspec.to_builtins(content)


def test_a_schedule_needs_a_recipient():
    with pytest.raises(ValueError, match="exactly one of phone_number"):
        NewSchedule(inbox_id=3, execute_at=LATER, content=HELLO)


async def test_only_a_schedule_can_be_scheduled(client, heymarket):
    with pytest.raises(ValueError, match="schedule must be of type NewSchedule"):
        await client.schedules.create({"inbox_id": 3})

    assert not heymarket.requests


def at(day: int, *time: int, zone: tzinfo = UTC, month: int = 4, fold: int = 0) -> datetime:
    return datetime(2026, month, day, *time, tzinfo=zone, fold=fold)


@pytest.mark.parametrize(
    ("when", "slot"),
    [
        (at(12, 17, 0), at(12, 17, 0)),
        (at(12, 17, 7), at(12, 17, 15)),
        (at(12, 17, 0, 0, 1), at(12, 17, 15)),
        (at(12, 23, 59, 59), at(13, 0, 0)),
        (at(12, 23, 7, zone=NEPAL), at(12, 23, 15, zone=NEPAL)),
        (at(12, 3, 0), at(12, 15, 30)),  # long ago
        (at(12, 15, 15), at(12, 15, 30)),  # it would be too near when it is sent
        (at(25, 1, 50, zone=BERLIN, month=10), at(25, 2, 0, zone=BERLIN, month=10)),
        (at(25, 2, 50, zone=BERLIN, month=10), at(25, 2, 0, zone=BERLIN, month=10, fold=1)),
        (at(25, 2, 50, zone=BERLIN, month=10, fold=1), at(25, 3, 0, zone=BERLIN, month=10)),
    ],
)
def test_the_next_slot_is_a_quarter_hour_in_the_zone_that_was_asked(when, slot, client):
    found = client.schedules.next_slot(when)

    assert (found, found.astimezone(UTC)) == (slot, slot.astimezone(UTC))
    assert found.tzinfo is when.tzinfo
    new(execute_at=found)


ZONES = [UTC, NEPAL, BERLIN, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/St_Johns")]


TIMES = st.floats(631_152_000, 2_208_988_800).map(lambda each: datetime.fromtimestamp(each, UTC))


@given(clock=TIMES, zone=st.sampled_from(ZONES), now=TIMES)
def test_the_next_slot_is_the_first_that_may_be_scheduled(clock, zone, now):
    when = clock.replace(tzinfo=zone)  # it may be a time that the clocks there skip
    slot = next_slot(when, now).astimezone(UTC)

    earliest = max(when.astimezone(UTC), now + timedelta(minutes=16))
    assert timedelta() <= slot - earliest < timedelta(minutes=15)
    assert (slot.minute % 15, slot.second, slot.microsecond) == (0, 0, 0)
    check_is_ahead(new(execute_at=next_slot(when, now)), now)


def test_a_time_that_clocks_skip_has_a_next_slot_after_the_gap(client):
    found = client.schedules.next_slot(datetime(2027, 3, 28, 2, 20, tzinfo=BERLIN))

    assert found.isoformat() == "2027-03-28T03:30:00+02:00"


@pytest.mark.parametrize("second", [0, 1, 59])
async def test_a_next_slot_can_be_sent_a_minute_later(second, client, heymarket, monkeypatch):
    heymarket.answers({"id": 12})
    now = at(12, 14, 59, second)
    monkeypatch.setattr(client.schedules, "_wall", now.timestamp)
    slot = client.schedules.next_slot(now)
    monkeypatch.setattr(client.schedules, "_wall", (now + timedelta(seconds=60)).timestamp)

    await client.schedules.create(new(execute_at=slot))

    assert timedelta(minutes=16) <= slot - now < timedelta(minutes=31)


@pytest.mark.parametrize("when", [NAIVE, "2026-04-12T17:00:00Z", None])
def test_the_next_slot_needs_a_zone(when, client):
    with pytest.raises(ValueError, match="when must be an aware datetime"):
        client.schedules.next_slot(when)


def test_there_is_no_slot_after_the_end_of_the_calendar(client):
    with pytest.raises(ValueError, match="when must be before the end of the year 9999"):
        client.schedules.next_slot(datetime.max.replace(tzinfo=UTC))


GONE = answer(404, {"error": "no such schedule"}, X_Request_Id="r-1")


def over(*steps):
    http = Scripted(*steps)
    retry = RetryPolicy(base_s=0.01, cap_s=0.01)
    return Schedules(transport_over(http, retry=retry)), http


@jumping_time
async def test_a_cancel_that_finds_nothing_after_a_lost_answer_is_no_success():
    for lost in (NoResponseError("reset"), answer(502), answer(200, b"<html>")):
        schedules, http = over(lost, GONE)
        with pytest.raises(NotFoundError) as raised:
            await schedules.delete(12)

        assert raised.value.may_have_taken_effect
        assert (raised.value.attempts, len(http.sent)) == (2, 2)


@jumping_time
async def test_a_cancel_that_finds_nothing_at_once_has_changed_nothing():
    schedules, _ = over(GONE)
    with pytest.raises(NotFoundError) as raised:
        await schedules.delete(12)

    assert not raised.value.may_have_taken_effect


@pytest.mark.parametrize("body", ["ok", {"id": 12}, {}, None, msgspec.UNSET])
async def test_a_cancel_takes_any_answer(body, client, heymarket):
    heymarket.answers(body)

    assert await client.schedules.delete(12) is None

    assert heymarket.sent == ("DELETE /v1/schedule/12", {}, msgspec.UNSET)


@jumping_time
async def test_a_create_whose_answer_is_lost_is_not_repeated():
    schedules, http = over(NoResponseError("reset"))
    schedules._wall = NOW.timestamp
    with pytest.raises(NoResponseError) as raised:
        await schedules.create(new())

    assert raised.value.may_have_taken_effect
    assert len(http.sent) == 1

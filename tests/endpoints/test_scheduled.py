"""Scheduled messages and surveys over a sandbox: sent once, and cancelled only if that is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from heymarket_async import (
    HeymarketError,
    NewSchedule,
    NoResponseError,
    NotFoundError,
    PaginationError,
    ScheduleContent,
    StatusError,
)
from heymarket_async.sandbox import Readings, Sandbox
from heymarket_async.sandbox.people import made_up
from tests.bulk.accounts import client_of

CREATE, DELETE = "POST /v1/schedule", "DELETE /v1/schedule/{id}"
PHONE = "14155550100"
INBOX = made_up().inboxes[0]["id"]
HOURS = 6 * 3600


def soon(client, **fields) -> NewSchedule:
    usual = {
        "inbox_id": INBOX,
        "execute_at": client.schedules.next_slot(datetime.now(UTC) + timedelta(hours=1)),
        "content": ScheduleContent(text="See you"),
        "phone_number": PHONE,
    }
    return NewSchedule(**{**usual, **fields})


def texts(sandbox: Sandbox) -> list[tuple[str, str]]:
    sandbox.clock.advance(HOURS)
    return [(each.phone, each.text) for each in sandbox.outbox]


@pytest.fixture
async def sandbox():
    async with Sandbox(readings=Readings(quiet_hours="off")) as sandbox:
        yield sandbox


async def test_a_scheduled_message_is_sent_once_in_its_last_version(sandbox):
    async with client_of(sandbox) as client:
        made = await client.schedules.create(soon(client))
        slot = client.schedules.next_slot(datetime.now(timezone(timedelta(hours=5, minutes=45))))
        later = ScheduleContent(text="See you later")
        changed = await client.schedules.update(
            made.id, soon(client, execute_at=slot, content=later)
        )
        found = await client.schedules.get(made.id)

    assert changed.id == made.id
    assert (found.execute_at, found.meta.content.text) == (slot, "See you later")
    assert found.odd == found.meta.odd == found.meta.content.odd == {}
    assert texts(sandbox) == [(PHONE, "See you later")]


async def test_a_cancelled_message_is_not_sent(sandbox):
    async with client_of(sandbox) as client:
        made = await client.schedules.create(soon(client))
        await client.schedules.delete(made.id)
        with pytest.raises(NotFoundError) as raised:
            await client.schedules.delete(made.id)

    assert not raised.value.may_have_taken_effect
    assert texts(sandbox) == []


async def test_a_create_whose_answer_is_lost_is_sent_once(sandbox):
    sandbox.faults.reset(on=CREATE, after_write=True)
    async with client_of(sandbox) as client:
        with pytest.raises(NoResponseError) as raised:
            await client.schedules.create(soon(client))

    assert raised.value.may_have_taken_effect
    assert texts(sandbox) == [(PHONE, "See you")]


@pytest.mark.parametrize("status", [404, 400])
async def test_a_cancel_that_comes_too_late_is_no_success(status):
    readings = Readings(quiet_hours="off", schedule_sent=status)
    async with Sandbox(readings=readings) as sandbox:
        # It is sent after the answer to the first cancel was lost, before the second one.
        sandbox.faults.reset(on=DELETE)
        late = client_of(sandbox, on_attempt=lambda event: sandbox.clock.advance(HOURS))
        async with client_of(sandbox) as client, late:
            made = await client.schedules.create(soon(client))
            with pytest.raises(StatusError) as raised:
                await late.schedules.delete(made.id)

        assert (raised.value.status, raised.value.may_have_taken_effect) == (status, True)
        assert texts(sandbox) == [(PHONE, "See you")]


async def test_a_cancel_whose_answer_is_lost_is_not_known(sandbox):
    sandbox.faults.reset(on=DELETE, after_write=True)
    async with client_of(sandbox) as client:
        made = await client.schedules.create(soon(client))
        with pytest.raises(NotFoundError) as raised:
            await client.schedules.delete(made.id)

    assert raised.value.may_have_taken_effect
    assert texts(sandbox) == []


async def test_a_server_whose_clock_differs_has_the_last_word(sandbox):
    sandbox.clock.advance(50 * 60)
    async with client_of(sandbox) as client:
        slot = client.schedules.next_slot(datetime.now(UTC))
        with pytest.raises(HeymarketError, match="at least 15 minutes ahead"):
            await client.schedules.create(soon(client, execute_at=slot))

    assert texts(sandbox) == []


async def test_surveys_that_cannot_be_paged_are_an_error():
    async with Sandbox(readings=Readings(survey_page_base=None)) as sandbox:
        async with client_of(sandbox) as client:
            with pytest.raises(PaginationError, match="`page` has no effect"):
                await client.surveys.all()


@pytest.mark.parametrize("base", [0, 1])
async def test_surveys_are_read_whatever_the_number_of_the_first_page(base):
    async with Sandbox(readings=Readings(survey_page_base=base)) as sandbox:
        async with client_of(sandbox) as client:
            found = await client.surveys.all()
            first = await client.surveys.get(found[0].id)

        stored = {each["id"] for each in sandbox.surveys.rows}
    assert {each.id for each in found} == stored
    assert (first, len(found)) == (found[0], len(stored))

"""`client.contacts.ensure`: created, already there, or said to be unknown; never twice."""

from __future__ import annotations

import asyncio

import pytest

from heymarket_async import (
    AuthenticationError,
    BadRequestError,
    HeymarketError,
    NoResponseError,
    PermissionDeniedError,
    RetryPolicy,
    ServerError,
)
from heymarket_async.sandbox import Readings
from tests.bulk.importing.imports import BATCH, account, new, phone

FIND = "POST /v1/contact/get"


async def test_a_contact_is_created_once_and_then_left_as_it_is():
    async with account() as it:
        first = await it.client.contacts.ensure(new(1))
        again = await it.client.contacts.ensure(new(1, first="Other"))

        assert (first.was_created, again.was_created) == (True, False)
        assert first.contact.id == again.contact.id
        assert again.contact.first == "New"
        assert it.sizes(BATCH) == [1]


@pytest.mark.parametrize("answer", ["failed", "ok", "contacts"])
@pytest.mark.parametrize("skipped", [False, True])
async def test_two_ensures_of_a_phone_at_once_create_one_contact(answer, skipped):
    async with account(Readings(batch_answer=answer, batch_skipped_fail=skipped)) as it:
        made = await asyncio.gather(*(it.client.contacts.ensure(new(1)) for _ in range(5)))

        assert len({each.contact.id for each in made}) == 1
        assert it.phones == {phone(1): 1}


@pytest.mark.parametrize("missing_find", ["status", "null"])
@pytest.mark.parametrize("after_write", [False, True])
async def test_a_lost_answer_is_followed_by_a_look(after_write, missing_find):
    async with account(Readings(missing_find=missing_find)) as it:
        it.faults.reset(on=BATCH, after_write=after_write)

        ensured = await it.client.contacts.ensure(new(1))

        assert ensured.was_created
        assert it.sizes(BATCH) == [1] * (1 if after_write else 2)
        assert it.phones == {phone(1): 1}


async def test_a_write_that_is_seen_later_is_waited_for_and_not_sent_again():
    async with account() as it:
        it.faults.answer(404, on=FIND, times=3, headers={"X-Request-Id": "r"})

        assert (await it.client.contacts.ensure(new(1))).was_created
        assert it.sizes(BATCH) == [1]


async def test_answers_that_are_lost_again_and_again_end_as_unknown():
    async with account() as it:
        it.faults.answer(500, on=BATCH, times=None)

        with pytest.raises(ServerError) as raised:
            await it.client.contacts.ensure(new(1))

        assert raised.value.may_have_taken_effect
        assert it.sizes(BATCH) == [1] * 3


async def test_a_contact_that_stays_unseen_after_an_answer_is_unknown():
    async with account() as it:
        it.faults.answer(200, on=BATCH, body='"ok"')

        with pytest.raises(HeymarketError, match="was answered, but the contact") as raised:
            await it.client.contacts.ensure(new(1))

        assert raised.value.may_have_taken_effect
        assert raised.value.call == "POST /v1/batch/contacts"
        assert it.sizes(BATCH) == [1]


@pytest.mark.parametrize(("body", "waits"), [("<html>", [1, 2, 3]), ('"ok"', [2, 3])])
async def test_looks_are_repeated_after_waits_and_the_first_waits_if_the_answer_was_lost(
    body, waits, monkeypatch
):
    waited: list[int] = []
    monkeypatch.setattr(RetryPolicy, "jitter_s", lambda _, attempt: waited.append(attempt) or 0.0)
    async with account() as it:
        it.faults.answer(200, on=BATCH, body=body, times=None)

        with pytest.raises(HeymarketError):
            await it.client.contacts.ensure(new(1))

    assert waited == waits


async def test_a_look_that_fails_after_a_lost_answer_does_not_hide_it():
    async with account() as it:
        it.faults.reset(on=BATCH, after_write=True)
        it.faults.answer(403, on=FIND, after=1)

        with pytest.raises(NoResponseError) as raised:
            await it.client.contacts.ensure(new(1))

    assert raised.value.may_have_taken_effect
    assert isinstance(raised.value.__cause__, PermissionDeniedError)


async def test_a_look_that_fails_after_an_answer_says_unknown():
    async with account() as it:
        it.faults.answer(403, on=FIND, after=1)

        with pytest.raises(HeymarketError, match="cannot be found") as raised:
            await it.client.contacts.ensure(new(1))

    assert raised.value.may_have_taken_effect


@pytest.mark.parametrize(("status", "kind"), [(400, BadRequestError), (403, PermissionDeniedError)])
async def test_a_refusal_comes_through_as_not_done(status, kind):
    async with account() as it:
        it.faults.answer(status, on=BATCH)

        with pytest.raises(kind) as raised:
            await it.client.contacts.ensure(new(1))

    assert not raised.value.may_have_taken_effect


async def test_a_refusal_after_a_lost_answer_does_not_make_it_certain():
    async with account() as it:
        it.faults.reset(on=BATCH)
        it.faults.answer(401, on=BATCH, times=2)

        with pytest.raises(AuthenticationError) as raised:
            await it.client.contacts.ensure(new(1))

    assert raised.value.may_have_taken_effect


async def test_what_is_returned_as_failed_and_not_there_is_said_to_be_refused():
    async with account(Readings(unknown_custom="reject")) as it:
        with pytest.raises(HeymarketError, match="did not store the contact") as raised:
            await it.client.contacts.ensure(new(1, custom={"999": "x"}))

        assert not raised.value.may_have_taken_effect
        assert it.sizes(BATCH) == [1]
    assert phone(1) not in str(raised.value)


async def test_a_look_that_fails_first_sends_nothing():
    async with account() as it:
        it.faults.answer(403, on=FIND)

        with pytest.raises(PermissionDeniedError):
            await it.client.contacts.ensure(new(1))
        with pytest.raises(ValueError, match="contact must be of type NewContact"):
            await it.client.contacts.ensure({"phone": phone(1)})

        assert it.sizes(BATCH) == []


@pytest.mark.parametrize("row", [{"id": 1, "rev": 1}, {"id": 1, "phone": "+1 415-555-0001"}])
async def test_what_is_listed_as_stored_may_be_found_later(row):
    async with account() as it:
        it.faults.answer(200, on=BATCH, body=[row], after_write=True)
        it.faults.answer(404, on=FIND, times=2)

        assert (await it.client.contacts.ensure(new(1))).was_created
        assert it.sizes(BATCH) == [1]


@pytest.mark.parametrize("behind", [3, None])
async def test_a_contact_that_was_stored_without_an_answer_is_not_said_to_be_refused(behind):
    async with account(Readings(batch_skipped_fail=True)) as it:
        it.faults.reset(on=BATCH, after_write=True)
        it.faults.answer(404, on=FIND, times=behind)

        if behind is not None:
            assert (await it.client.contacts.ensure(new(1))).was_created
            return
        with pytest.raises(HeymarketError, match="did not store the contact") as raised:
            await it.client.contacts.ensure(new(1))

    assert raised.value.may_have_taken_effect


async def test_after_an_answer_the_lost_one_before_it_is_of_no_account():
    async with account() as it:
        it.faults.reset(on=BATCH)
        it.faults.answer(200, on=BATCH, body='"ok"')

        with pytest.raises(HeymarketError, match="was answered, but the contact cannot be found"):
            await it.client.contacts.ensure(new(1))

        assert it.sizes(BATCH) == [1, 1]

"""An import whose answers are lost, refused or ambiguous: nothing twice, no wrong claim."""

from __future__ import annotations

from typing import Any

import pytest

from heymarket_async import (
    AuthenticationError,
    NewContact,
    NoResponseError,
    PermissionDeniedError,
    RateLimitError,
    RetryPolicy,
    ServerError,
    StatusError,
)
from heymarket_async.sandbox import Readings
from tests.bulk.importing.imports import (
    BATCH,
    NO_PHONE,
    SEARCH,
    Account,
    account,
    counts,
    new,
    outcomes_of,
    phone,
)


def lose_after_write(it: Account, how: str) -> None:
    if how == "reset":
        it.faults.reset(on=BATCH, after_write=True)
    elif how == "cut":
        it.faults.cut_body(on=BATCH)
    elif how == "html":
        it.faults.answer(200, on=BATCH, body="<html>", after_write=True)
    else:
        it.faults.answer(int(how), on=BATCH, after_write=True)


@pytest.mark.parametrize("how", ["reset", "cut", "html", "500", "504", "408"])
@pytest.mark.parametrize("overwrite", [False, True])
async def test_what_was_stored_without_an_answer_is_not_sent_again(how, overwrite):
    async with account() as it:
        await it.has(new(0, first="Old"))
        lose_after_write(it, how)

        report = await it.imports([new(n) for n in range(4)], overwrite=overwrite)

        assert counts(report) == {"created": 3, "updated" if overwrite else "unchanged": 1}
        assert len(it.sizes(BATCH)) == 1
        assert it.phones == {phone(n): 1 for n in range(4)}
        assert it.stored(0)["rev"] == 1 + overwrite


@pytest.mark.parametrize("overwrite", [False, True])
async def test_what_was_not_stored_is_sent_again(overwrite):
    async with account() as it:
        await it.has(new(0, first="Old"))
        it.faults.reset(on=BATCH)

        report = await it.imports([new(n) for n in range(4)], overwrite=overwrite)

        assert counts(report) == {"created": 3, "updated" if overwrite else "unchanged": 1}
        assert it.sizes(BATCH) == [3 + overwrite] * 2
        assert it.phones == {phone(n): 1 for n in range(4)}


async def test_a_look_that_is_behind_makes_no_second_contact():
    async with account(Readings(batch_skipped_fail=True)) as it:
        it.faults.reset(on=BATCH, after_write=True)
        it.faults.answer(200, on=SEARCH, body=[], times=2)

        report = await it.imports([new(1), new(2)])

        assert counts(report) == {"created": 2}
        assert it.sizes(BATCH) == [2, 2]
        assert it.phones == {phone(1): 1, phone(2): 1}


async def test_after_as_many_attempts_as_a_call_has_rows_are_unknown():
    async with account(retry=RetryPolicy(attempts=4, base_s=0.001)) as it:
        it.faults.answer(500, on=BATCH, times=None)

        report = await it.imports([new(1), new(2)])

        assert counts(report) == {"unknown": 2}
        assert it.sizes(BATCH) == [2, 2, 2, 2, 1, 1], "the last time each row alone"
        assert it.sizes(SEARCH) == [2, 2, 2, 2, 2, 1, 1]
        assert "to look again" in report.waited_s


async def test_an_unknown_row_says_why_and_the_others_go_on(tmp_path):
    async with account() as it:
        it.faults.answer(500, on=BATCH, times=3)

        report = await it.imports(
            [new(1), new(2)], batch_size=1, concurrency=1, outcomes=tmp_path / "o"
        )

        assert counts(report) == {"unknown": 1, "created": 1}
    line = outcomes_of(tmp_path / "o")[1]
    assert line["reason"].startswith("POST /v1/batch/contacts answered 500")
    assert line["before"] == "absent"


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_refused_batch_is_cut_until_the_row_at_fault_is_alone(status):
    async with account() as it:
        it.faults.answer(status, on=BATCH, times=3, body={"message": f"{phone(1)} is no good"})

        report = await it.imports([new(n) for n in range(1, 5)])

        assert it.sizes(BATCH) == [4, 2, 1, 1, 2]
        assert it.phones == {phone(2): 1, phone(3): 1, phone(4): 1}
    (rejection,) = report.rejections
    assert rejection.row == 1
    assert rejection.reason.startswith(f"POST /v1/batch/contacts answered {status}: *** is no good")


async def test_a_row_that_the_server_cannot_bear_does_not_take_the_others_along():
    async with account() as it:
        it.faults.answer(500, on=BATCH, times=5)  # three attempts, a half, and the row alone

        report = await it.imports([new(n) for n in range(1, 5)])

        assert it.sizes(BATCH) == [4, 4, 4, 2, 1, 1, 2]
        assert it.phones == {phone(2): 1, phone(3): 1, phone(4): 1}
    assert counts(report) == {"unknown": 1, "created": 3}


async def test_requests_that_are_too_large_are_cut_too():
    async with account(Readings(max_body_bytes=150)) as it:
        report = await it.imports([new(n) for n in range(32)])

        assert counts(report) == {"created": 32}
        assert max(it.sizes(SEARCH)) < 32
        assert max(it.sizes(BATCH)) < max(it.sizes(SEARCH))
        assert it.phones == {phone(n): 1 for n in range(32)}


async def test_a_phone_that_may_not_be_looked_for_is_rejected():
    async with account() as it:
        it.faults.answer(400, on=SEARCH, times=2)

        report = await it.imports([new(1), new(2)])

        assert counts(report) == {"rejected": 1, "created": 1}
        assert it.phones == {phone(2): 1}
    assert "POST /v2/contacts/search answered 400" in report.rejections[0].reason


async def test_a_phone_that_was_sent_and_may_not_be_looked_for_is_unknown():
    async with account() as it:
        it.faults.reset(on=BATCH, after_write=True)
        it.faults.answer(400, on=SEARCH, after=1)

        report = await it.imports([new(1)])

        assert counts(report) == {"unknown": 1}
        assert it.sizes(BATCH) == [1]


@pytest.mark.parametrize(
    ("status", "kind", "route"),
    [
        (401, AuthenticationError, BATCH),
        (403, PermissionDeniedError, BATCH),
        (403, PermissionDeniedError, SEARCH),
        (402, StatusError, BATCH),
        (402, StatusError, SEARCH),
        (415, StatusError, BATCH),
        (429, RateLimitError, BATCH),
        (503, ServerError, SEARCH),
    ],
)
async def test_an_account_that_refuses_ends_the_import(status, kind, route, tmp_path):
    async with account() as it:
        soon = {"Retry-After": "0.01"}  # without it, a 429 costs a whole window
        it.faults.answer(status, on=route, times=None, after=2, headers=soon)

        with pytest.raises(kind) as raised:
            await it.imports(
                [new(n) for n in range(40)], batch_size=5, concurrency=2, outcomes=tmp_path / "o"
            )

        assert phone(0)[:8] not in str(raised.value)
        it.faults.clear()
        report = await it.imports(
            [new(n) for n in range(40)], batch_size=5, outcomes=tmp_path / "o", resume=True
        )
        assert counts(report) == {"created": 40}
        assert it.phones == {phone(n): 1 for n in range(40)}


async def test_what_is_returned_as_failed_is_rejected_with_what_was_said():
    said = [{"phone": NO_PHONE, "first": "Zoë", "error": f"{NO_PHONE} is no phone"}]
    async with account() as it:
        it.faults.answer(200, on=BATCH, body=said, after_write=True)

        report = await it.imports([new(1), NewContact(phone=NO_PHONE, first="Zoë")])

    assert counts(report) == {"created": 1, "rejected": 1}
    reason = report.rejections[0].reason
    assert reason == 'Heymarket lists it as failed: {"error":"*** is no phone"}'


async def test_what_an_answer_does_not_tell_and_a_look_does_not_find_is_unknown():
    async with account() as it:
        it.faults.answer(200, on=BATCH, body=[])

        report = await it.imports([new(1)])

        assert counts(report) == {"unknown": 1}
        assert it.sizes(BATCH) == [1], "an answered batch is not sent again"
        assert it.sizes(SEARCH) == [1] * 4
        assert "to look again" in report.waited_s


async def test_what_is_listed_as_stored_may_be_seen_later():
    async with account(Readings(batch_answer="contacts")) as it:
        it.faults.answer(200, on=SEARCH, body=[], times=3)

        report = await it.imports([new(1), new(2)])

        assert counts(report) == {"created": 2}
        assert it.sizes(BATCH) == [2]


@pytest.mark.parametrize("reading", ["failed", "contacts"])
@pytest.mark.parametrize("overwrite", [False, True])
async def test_much_work_under_faults_ends_true(reading, overwrite, tmp_path):
    kinds = ("429", "500", "502", "503", "504", "408", "cut", "reset", "reset_after", "html500")
    hasty: dict[str, Any] = {"retry": RetryPolicy(attempts=12, base_s=0.0005, cap_s=0.005)}
    async with account(Readings(batch_answer=reading), **hasty) as it:
        await it.has(*(new(n, first="Old") for n in range(0, 1000, 3)))
        it.faults.random(0.2, kinds=kinds, seed=3, retry_after="0.01")
        rows = [new(n) for n in range(1000)]
        rows[500] = NewContact(phone=NO_PHONE)
        rows.append(new(7))

        report = await it.imports(rows, overwrite=overwrite, batch_size=10, outcomes=tmp_path / "o")

        # Alone in a batch that was sent again, what cannot be stored is answered by an empty array.
        unclear = {"unknown": 1} if report.unknown else {}
        known = {"updated": 334} if overwrite else {"unchanged": 334}
        rejected = 2 - report.unknown
        assert counts(report) == {"created": 665, **known, "rejected": rejected, **unclear}
        assert not unclear or outcomes_of(tmp_path / "o")[501]["outcome"] == "unknown"
        assert it.phones == {phone(n): 1 for n in range(1000) if n != 500}
        revisions = [it.stored(n)["rev"] for n in range(30)]
        assert revisions == [2 if overwrite and n % 3 == 0 else 1 for n in range(30)]
    assert report.repeated > 20
    assert sorted(outcomes_of(tmp_path / "o")) == list(range(1, 1002))


IDS = {"id": 1, "rev": 1}


@pytest.mark.parametrize(
    "answer",
    [
        [IDS, {"id": 2, "rev": 1}],
        [{"id": 1, "phone": "+1 415-555-0001"}, {"id": 2, "phone": "+1 415-555-0002"}],
        [{"id": 1, "phone": "(415) 555-0001"}, {"id": 2, "phone": "(415) 555-0002"}],
        [{"id": 7, "phone": phone(1), "error": "bad"}],
        [{"id": 7, "phone": phone(1)}],
    ],
)
async def test_what_was_stored_is_no_rejection_because_the_first_look_is_behind(answer, tmp_path):
    async with account() as it:
        it.faults.answer(200, on=BATCH, body=answer, after_write=True)
        it.faults.answer(200, on=SEARCH, body=[], times=3)

        report = await it.imports([new(1), new(2)])

        assert it.phones == {phone(1): 1, phone(2): 1}
    assert counts(report) == {"created": 2}


@pytest.mark.parametrize(("phones", "rest"), [([1], "rejected"), ([1, 9], "unknown")])
async def test_what_the_stored_leave_out_is_rejected_after_the_last_look(phones, rest):
    answer = [{"id": n, "phone": phone(n)} for n in phones]
    async with account() as it:
        await it.has(new(3, first="Old"))
        it.faults.answer(200, on=BATCH, body=answer)
        it.faults.answer(200, on=SEARCH, body=[{"id": 1, "phone": phone(1)}], times=1, after=1)

        report = await it.imports([new(1), new(2)])

        assert it.sizes(SEARCH) == [2, 2, 1, 1]
    assert counts(report) == {"created": 1, rest: 1}


async def test_what_was_stored_without_an_answer_is_not_rejected_as_known():
    async with account(Readings(batch_skipped_fail=True)) as it:
        it.faults.reset(on=BATCH, after_write=True)
        it.faults.answer(200, on=SEARCH, body=[], times=3)

        report = await it.imports([new(1), new(2)])

        assert it.sizes(BATCH) == [2, 2]
    assert counts(report) == {"created": 2}


@pytest.mark.parametrize("how", ["500", "reset"])
async def test_a_server_that_answers_no_batch_ends_the_import(how, tmp_path):
    rows = [new(n) for n in range(400)]
    async with account() as it:
        if how == "reset":
            it.faults.reset(on=BATCH, times=None)
        else:
            it.faults.answer(500, on=BATCH, times=None)

        with pytest.raises((ServerError, NoResponseError)):
            await it.imports(rows, batch_size=20, outcomes=tmp_path / "o")

        assert len(it.sizes(BATCH)) <= 70
        it.faults.clear()
        report = await it.imports(rows, batch_size=20, outcomes=tmp_path / "o", resume=True)
        assert it.phones == {phone(n): 1 for n in range(400)}
    assert counts(report) == {"created": 400}


async def test_rows_that_the_server_cannot_bear_do_not_end_an_import_that_goes_on_between():
    async with account(retry=RetryPolicy(attempts=1)) as it:
        for _ in range(20):
            it.faults.answer(500, on=BATCH)
            it.faults.answer(200, on=BATCH, body='"ok"')

        report = await it.imports((new(n) for n in range(60)), batch_size=1, concurrency=1)

    assert counts(report) == {"unknown": 20, "created": 40}


async def test_a_batch_that_gets_no_answer_at_all_is_not_cut_in_halves():
    async with account() as it:
        it.faults.reset(on=BATCH, times=None)

        report = await it.imports([new(1), new(2)])

        assert it.sizes(BATCH) == [2, 2, 2]
    assert counts(report) == {"unknown": 2}

"""Texts in bulk: each row gets one outcome, and everybody one text."""

from __future__ import annotations

import asyncio
from uuid import UUID

import msgspec
import pytest

from heymarket_async import AuthenticationError, Contact, HeymarketError, RateLimit, RetryPolicy
from heymarket_async.bulk import RejectedRow
from heymarket_async.bulk.sending.outcomes import TextRow
from heymarket_async.sandbox import Readings
from tests.bulk.importing.imports import new, outcomes_of, phone
from tests.bulk.sending.sends import (
    CURLY,
    HISTORY,
    SEARCH,
    SEND,
    STATUS,
    account,
    counts,
    path_in,
    row,
)


async def test_a_thousand_rows_get_an_outcome_each_and_are_resumed(tmp_path):
    path, rows = path_in(tmp_path), [row(number) for number in range(1000)]
    async with account() as it:
        await it.opt_out(499)
        it.faults.answer(400, on=SEND, after=100)
        it.faults.reset(on=SEND, after=200)
        it.faults.answer(503, on=HISTORY, times=3)  # the look for the text that was reset
        report = await it.send(rows, outcomes=path)

        assert counts(report) == {"sent": 997, "skipped": 1, "rejected": 1, "unknown": 1}
        assert set(it.received.values()) == {1}
        assert len(it.sandbox.outbox) == 997
        assert (report.look_ups, report.requests) == (10, 10 + 999 + 3 + 1)
        assert outcomes_of(path)[500]["outcome"] == "skipped"

        resumed = await it.send(rows, outcomes=path, resume=True)

        assert counts(resumed) == {"sent": 999, "skipped": 1}
        assert resumed.sent_before == 997
        assert it.received == {phone(number): 1 for number in range(1000) if number != 499}


async def test_texts_are_kept_within_the_rate_limit():
    limit = RateLimit(20, per_s=0.3)
    async with account(rate_limit=limit) as it:
        began = asyncio.get_running_loop().time()
        await it.send([row(number) for number in range(45)])

        assert asyncio.get_running_loop().time() - began > 0.5


async def test_rows_may_be_mappings_or_structs_from_any_iterable():
    async def rows():
        yield row(1)
        yield Contact(phone=phone(2), first="Zoë")
        yield RejectedRow("cannot be read")
        yield {"phone": None, "first": "Al"}
        yield "15105550100"
        yield {"phone": "none", "first": "Al"}

    async with account() as it:
        report = await it.send(rows())

        assert it.texts == ["Hi P1", "Hi Zoë"]
    assert [each.reason[:31] for each in report.problems] == [
        "cannot be read",
        "has no phone",
        "is neither a mapping of fields ",
        "phone must be E.164 digits with",
    ]
    assert counts(report) == {"sent": 2, "rejected": 4}


@pytest.mark.parametrize(("repeats", "texts"), [(False, ["a", "c"]), (True, ["a", "b", "c"])])
async def test_a_phone_in_two_rows_gets_one_text_unless_repeats_are_wanted(repeats, texts):
    rows = [row(1, say="a"), row(1, say="b"), row(2, say="c")]
    async with account() as it:
        report = await it.send(rows, text="{say}", repeats=repeats, concurrency=1)

        assert it.texts == texts
    assert report.duplicates == (not repeats)
    assert [each.reason for each in report.problems] == ["row 1 has the same phone"][repeats:]


async def test_a_template_is_sent_without_a_text():
    async with account() as it:
        template_id = it.sandbox.templates.create("Reminder", "See you")
        report = await it.send([{"phone": phone(1)}], template_id=template_id)

        assert it.texts == ["See you"]
    assert (report.sent, report.segments) == (1, 0)


async def test_a_picture_may_be_sent_with_a_text_or_alone():
    url = "https://example.com/a.png"
    async with account() as it:
        await it.send([row(1)], media_url=url)
        await it.send([row(2)], text=None, media_url=url)

        assert [each.media_url for each in it.sandbox.outbox] == [url, url]


# Opt-outs


async def test_people_who_opted_out_are_skipped_with_one_look_up_for_a_batch():
    async with account() as it:
        await it.client.contacts.create(new(0))
        await it.opt_out(1, 3)
        it.sandbox.requests.clear()
        report = await it.send([row(number) for number in range(5)])

        assert sorted(it.received) == [phone(0), phone(2), phone(4)]
        assert (it.count(SEARCH), report.look_ups, report.opted_out) == (1, 1, 2)


async def test_an_opt_out_in_any_row_of_the_input_counts_for_all_rows_of_the_phone():
    rows = [
        row(1),
        row(2, is_opted_out=False),
        row(1, is_opted_out=True),
        row(3),
        RejectedRow("bad", opted_out_phone=phone(3)),
    ]
    async with account() as it:
        report = await it.send(rows)

        assert sorted(it.received) == [phone(2)]
    assert counts(report) == {"sent": 1, "skipped": 3, "rejected": 1}
    assert report.opted_out == 3


@pytest.mark.parametrize(
    ("status", "outcome"),
    [({"unsubscribed": False}, "sent"), ({"unsubscribed": True}, "skipped"), ({}, "skipped")],
)
async def test_the_status_is_asked_for_if_the_contact_does_not_say_it(status, outcome):
    async with account() as it:
        found = [{"id": 5, "phone": phone(1), "is_opted_out": None}]
        it.faults.answer(200, body=found, on=SEARCH)
        it.faults.answer(200, body={"phone": phone(1), **status}, on=STATUS)
        report = await it.send([row(1)])

        assert counts(report) == {outcome: 1}


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_nobody_is_texted_who_may_have_opted_out(status):
    async with account() as it:
        it.faults.answer(200, body=[{"id": 5, "phone": phone(1), "is_opted_out": "?"}], on=SEARCH)
        it.faults.answer(status, on=STATUS)
        report = await it.send([row(1)])

        assert not it.received
    assert counts(report) == {"skipped": 1}
    assert report.problems[0].reason.startswith("it is not known whether this person opted out: ")


async def test_a_look_up_that_fails_for_another_reason_ends_the_job():
    async with account() as it:
        it.faults.answer(200, body=[{"id": 5, "phone": phone(1), "is_opted_out": "?"}], on=SEARCH)
        it.faults.answer(500, on=STATUS, times=None)
        with pytest.raises(HeymarketError, match="500"):
            await it.send([row(1)])

        assert not it.received


@pytest.mark.parametrize("status", ["400", "403"])
async def test_somebody_who_opts_out_after_the_look_up_stops_nobody_else(status):
    async with account(Readings(opted_out_send=status)) as it:
        await it.opt_out(1)
        it.faults.answer(200, body=[], on=SEARCH)
        report = await it.send([row(0), row(1), row(2)])

        assert sorted(it.received) == [phone(0), phone(2)]
    assert counts(report) == {"sent": 2, "rejected": 1}


async def test_outcomes_are_written_down_batch_by_batch_though_nobody_is_texted(tmp_path):
    path, written = path_in(tmp_path), []
    async with account() as it:
        await it.opt_out(*range(6))
        it.client = it.client.with_options(
            on_attempt=lambda event: written.append(len(outcomes_of(path)) if path.exists() else 0)
        )
        await it.send([row(number) for number in range(6)], batch_size=2, outcomes=path)

    assert written == [0, 0, 2, 4]


async def test_one_of_two_contacts_with_a_phone_that_opted_out_is_enough():
    async with account() as it:
        found = [{"id": n, "phone": phone(1), "is_opted_out": n == 6} for n in (5, 6)]
        it.faults.answer(200, body=found, on=SEARCH)
        report = await it.send([row(1)])

        assert it.count(STATUS) == 0
        assert not it.received
    assert report.problems[0].reason == "this person opted out"


# Failures


@pytest.mark.parametrize("dedupes", ["none", "all"])
async def test_a_lost_answer_sends_nobody_two_texts(dedupes):
    async with account(Readings(local_id_dedupes=dedupes)) as it:
        it.faults.reset(after_write=True, on=SEND, times=2)
        it.faults.answer(500, on=SEND, after_write=True, after=2)
        report = await it.send([row(number) for number in range(6)])

        assert counts(report) == {"sent": 6}
        assert set(it.received.values()) == {1}
        assert len(it.received) == 6


async def test_a_text_that_shows_up_late_is_waited_for():
    async with account(Readings(local_id_dedupes="none", message_delay_s=0.3)) as it:
        it.faults.reset(after_write=True, on=SEND)
        report = await it.send([row(1)], wait_s=0.6)

        assert (report.sent, len(it.sandbox.outbox)) == (1, 1)


async def test_a_limit_that_is_passed_is_waited_for_and_the_text_sent_once():
    async with account(retry=RetryPolicy(attempts=4, base_s=0.0005, cap_s=0.002)) as it:
        it.faults.answer(429, on=SEND, times=3, headers={"Retry-After": "0.01"})
        report = await it.send([row(1)])

        assert (report.sent, len(it.sandbox.outbox)) == (1, 1)
        ids = {each.body["local_id"] for each in it.sandbox.requests if each.path in SEND}
        assert len(ids) == 1


async def test_refused_credentials_end_the_job(tmp_path):
    async with account() as it:
        it.faults.answer(401, on=SEND, times=None)
        with pytest.raises(AuthenticationError):
            await it.send([row(1)], outcomes=path_in(tmp_path))

        assert not it.received


@pytest.mark.parametrize(
    ("status", "details", "after"),
    [(403, "ab", 13), (400, ["P{} is in no inbox"], 13), (400, "ab", 20)],
)
async def test_so_many_people_cannot_be_refused_for_their_own_sake(status, details, after):
    async with account() as it:
        for number in range(20):
            detail = details[number % len(details)].format(number)
            it.faults.answer(status, body={"message": detail}, on=SEND)
        try:
            report = await it.send([row(number) for number in range(20)], concurrency=1)
        except HeymarketError as error:
            assert f"answered {status}" in str(error)
        else:
            assert counts(report) == {"rejected": 20}

        assert it.count(SEND) == after


async def test_a_success_between_refusals_shows_that_they_are_about_people():
    async with account() as it:
        it.faults.answer(403, on=SEND, times=10)
        it.faults.answer(403, on=SEND, times=10, after=1)
        report = await it.send([row(number) for number in range(30)], concurrency=1)

        assert counts(report) == {"sent": 10, "rejected": 20}


async def test_a_reason_repeats_no_value_of_the_row(tmp_path):
    async with account() as it:
        it.faults.answer(400, body={"message": "Ms. Zoe (Ana maria) cannot be texted"}, on=SEND)
        fields = {"first": "Zoë", "last": "Ana Lopez", "job": "Maria"}
        text = "Hi {first} {last}, {job}"
        report = await it.send([row(1, **fields)], text=text, outcomes=path_in(tmp_path))

    (problem,) = report.problems
    assert "answered 400: Ms. *** (*** ***) cannot be texted; " in problem.reason
    assert outcomes_of(path_in(tmp_path))[1]["reason"] == problem.reason


# Dry run, draft, progress


async def test_a_dry_run_looks_opt_outs_up_and_sends_nothing(tmp_path):
    async with account() as it:
        await it.opt_out(1)
        it.sandbox.requests.clear()
        report = await it.send([row(0), row(1), row(2), row(2)], dry_run=True)

        assert not it.received
        assert it.count(SEND) == 0
    assert counts(report) == {"sent": 2, "skipped": 2}
    assert (report.segments, report.requests) == (2, 1)


async def test_the_draft_tells_texts_and_segments_before_the_first_is_sent():
    drafts = []

    async def on_draft(draft):
        drafts.append((draft, len(it.sandbox.requests)))

    rows = [row(1), row(2, first=CURLY * 70), row(3, first="a" * 200), row(4), row(4), "odd"]
    rows.append({"phone": phone(1), "is_opted_out": True})
    async with account() as it:
        await it.send(rows, on_draft=on_draft)

        [(draft, requests)] = drafts
    assert requests == 0
    assert msgspec.structs.asdict(draft) == {
        "rows": 7, "recipients": 3, "sent_before": 0, "segments": 5, "in_ucs_2": 1,
        "forcing": {CURLY: 1}, "most_segments": 2,
        "examples": ["Hi " + CURLY * 70, "Hi " + "a" * 200, "Hi P4"],
    }  # fmt: skip
    assert "P4" not in repr(draft)


async def test_an_error_of_on_draft_ends_the_job_and_leaves_no_file(tmp_path):
    async def on_draft(_: object) -> None:
        raise KeyError("no")

    async with account() as it:
        with pytest.raises(KeyError):
            await it.send([row(1), row(1)], on_draft=on_draft, outcomes=path_in(tmp_path))

        assert not it.received
    assert not path_in(tmp_path).exists()


def test_a_row_shows_nobody():
    shown = repr(TextRow(3, phone(1), UUID(int=0), "Hi Zoë"))

    assert shown == "TextRow(3)"


async def test_progress_tells_of_reading_and_sending():
    stages = []

    async def slow():
        for number in range(3):
            await asyncio.sleep(0.3)
            yield row(number)

    async with account() as it:
        await it.send(slow(), on_progress=stages.append)

    assert (stages[0].stage, stages[0].total) == ("reading", None)
    assert (stages[-1].stage, stages[-1].done, stages[-1].total) == ("sending", 3, 3)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"rows": "15105550100"}, "rows must be an iterable"),
        ({"rows": {"phone": "1"}}, "rows must be an iterable"),
        ({"wait_s": -1}, "wait_s must be a number of seconds"),
        ({"wait_s": float("inf")}, "wait_s must be a number of seconds"),
        ({"batch_size": 0}, "batch_size must be an integer of at least 1"),
        ({"concurrency": True}, "concurrency must be an integer from 1 to 100"),
        ({"concurrency": 100_000}, "concurrency must be an integer from 1 to 100"),
        ({"limit": 0}, "limit must be an integer of at least 1"),
        ({"dry_run": 1}, "dry_run must be of type bool"),
        ({"resume": True, "restart": True}, "resume and restart exclude each other"),
        ({"text": "Hi {first"}, "text must have each field within braces"),
        ({"template_id": 7, "text": "Hi"}, "text and template_id exclude each other"),
        ({"inbox_id": 0}, "inbox_id must be a positive integer"),
        ({"text": None}, "one of text, template_id, media_url"),
        ({"resume": True}, "Without an outcome file there is nothing to resume from"),
    ],
)
async def test_wrong_arguments_are_refused_before_anything_is_asked(change, rule):
    async with account() as it:
        options = {"rows": [row(1)], **change}
        with pytest.raises(ValueError, match=rule):
            await it.send(**options)

        assert not it.sandbox.requests

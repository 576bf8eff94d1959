"""`import_contacts`: one true outcome for each row, in few requests."""

from __future__ import annotations

import asyncio
import itertools
import re

import msgspec
import pytest

from heymarket_async import NewContact
from heymarket_async.bulk.importing.report import Rejection
from heymarket_async.bulk.importing.source import RejectedRow
from heymarket_async.sandbox import Readings
from tests.bulk.importing.imports import (
    BATCH,
    NO_PHONE,
    SEARCH,
    account,
    counts,
    new,
    outcomes_of,
    phone,
)


async def test_new_rows_become_contacts_and_known_ones_are_left_alone(tmp_path):
    async with account() as it:
        await it.has(new(1, first="Old"), new(2, first="Old"))

        report = await it.imports([new(1), new(2), new(3)], outcomes=tmp_path / "o")

        assert counts(report) == {"created": 1, "unchanged": 2}
        assert it.sizes(BATCH) == [1]
        assert it.stored(1)["first"] == "Old"
        assert it.stored(3)["first"] == "New"
    assert outcomes_of(tmp_path / "o")[1]["contact_id"] == it.stored(1)["id"]


async def test_overwriting_sends_what_differs_and_nothing_else():
    async with account() as it:
        await it.has(new(1, first="Old"), new(2))

        report = await it.imports([new(1), new(2), new(3)], overwrite=True)

        assert counts(report) == {"created": 1, "updated": 1, "unchanged": 1}
        assert it.sizes(BATCH) == [2]
        assert [each.query for each in it.sandbox.requests][-1] == {"overwrite": "true"}
        assert (it.stored(1)["first"], it.stored(1)["rev"], it.stored(2)["rev"]) == ("New", 2, 1)


async def test_a_dry_run_says_the_same_and_writes_nothing():
    async with account() as it:
        await it.has(new(1, first="Old"), new(2))
        rows = [new(1), new(2), new(3), new(3)]

        tried = await it.imports(rows, overwrite=True, dry_run=True)
        assert it.sizes(BATCH) == []
        done = await it.imports(rows, overwrite=True)

        assert counts(tried) == counts(done)
        assert counts(done) == {"created": 1, "updated": 1, "unchanged": 1, "rejected": 1}


EVERY_READING = [
    {"batch_answer": "failed"},
    {"batch_answer": "failed", "batch_skipped_fail": True},
    {"batch_answer": "contacts"},
    {"batch_answer": "contacts", "batch_skipped_fail": True},
    {"batch_answer": "ok", "list_has_channels": True},
    {"list_has_channels": True, "list_has_uuid": True, "channel_ids": "text"},
    {"missing": 400, "missing_find": "null", "error_body": "empty"},
    {"tags_replace": False, "omitted": "blank", "custom_null": "store"},
    {"batch_answer": "contacts", "tags_replace": False, "unknown_custom": "drop"},
]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("reading", EVERY_READING, ids=str)
async def test_outcomes_are_true_however_the_docs_are_read(reading, overwrite):
    refused = 0 if reading.get("batch_answer") == "ok" else 1
    async with account(Readings(**reading)) as it:
        await it.has(*(new(n, first="Old", tags=[9]) for n in range(10)))
        rows = [new(n, tags=[1], custom={"123": "a", "999": "b"}) for n in range(25)]
        rows += [NewContact(phone=NO_PHONE)] * refused + [new(3)]

        report = await it.imports(rows, overwrite=overwrite, batch_size=8)

        known = {"updated": 10} if overwrite else {"unchanged": 10}
        assert counts(report) == {"created": 15, **known, "rejected": 1 + refused}
        assert it.phones == {phone(n): 1 for n in range(25)}
        assert {it.stored(n)["rev"] for n in range(10)} == ({2} if overwrite else {1})
        assert {it.stored(n)["rev"] for n in range(10, 25)} == {1}


async def test_rows_that_cannot_be_sent_are_rejected_and_stop_no_other():
    rows = [
        {"phone": "+14155550001", "first": "Zoë"},
        {"phone": "no phone"},
        {"first": "Zoë"},
        {"phone": phone(2), "nick": "Z"},
        RejectedRow("line 5 is broken"),
        new(3, custom={"1": object()}),
        7,
        new(4),
    ]
    async with account() as it:
        report = await it.imports(rows)

        assert it.phones == {phone(1): 1, phone(4): 1}
    reasons = {each.row: each.reason for each in report.rejections}
    assert list(reasons) == [2, 3, 4, 5, 6, 7]
    assert "phone must be E.164 digits" in reasons[2]
    assert reasons[3] == "has no phone"
    assert reasons[4] == '"nick" is not a field of a contact'
    assert reasons[5] == "line 5 is broken"
    assert "cannot be written as JSON" in reasons[6]
    assert reasons[7] == "is neither a NewContact nor a mapping of its fields, but int"


async def test_of_two_rows_with_one_phone_the_first_counts():
    async with account() as it:
        report = await it.imports([new(1), new(2), new(1, first="Twin"), new(1)])

        assert it.stored(1)["first"] == "New"
    assert report.duplicates == 2
    assert report.rejections == [
        Rejection(row=3, reason="row 1 has the same phone"),
        Rejection(row=4, reason="row 1 has the same phone"),
    ]


async def test_a_report_shows_the_first_twenty_rejections_and_counts_all():
    async with account() as it:
        report = await it.imports(RejectedRow(str(n)) for n in range(30))

    assert [each.reason for each in report.rejections] == [str(n) for n in range(20)]
    assert counts(report) == {"rejected": 30}
    assert report.requests == 0


async def test_a_phone_that_several_contacts_have_is_rejected_or_left_alone():
    async with account() as it:
        await it.client.contacts.create(new(1))
        await it.client.contacts.create(new(1))

        kept = await it.imports([new(1, first="A")])
        refused = await it.imports([new(1, first="A")], overwrite=True)

        assert (counts(kept), counts(refused)) == ({"unchanged": 1}, {"rejected": 1})
        assert it.sizes(BATCH) == []
    assert refused.rejections[0].reason == "2 contacts of the account have this phone"


async def test_what_is_written_is_collected_into_full_batches():
    async with account() as it:
        await it.has(*(new(n) for n in range(0, 100, 2)))

        await it.imports((new(n) for n in range(110)), batch_size=20)

        assert sorted(it.sizes(SEARCH)) == [10, 20, 20, 20, 20, 20], "in any order"
        assert sorted(it.sizes(BATCH)) == [20, 20, 20]
        assert it.phones == {phone(n): 1 for n in range(110)}


async def test_rows_may_come_asynchronously_and_from_no_list():
    async def rows():
        for n in range(5):
            await asyncio.sleep(0)
            yield new(n)

    async with account() as it:
        assert counts(await it.imports(rows())) == {"created": 5}
        assert counts(await it.imports(iter([]))) == {}


async def test_the_input_is_read_no_faster_than_the_account_answers():
    read = itertools.count()
    async with account() as it:
        it.faults.delay(60, on=SEARCH, times=None)
        rows = (new(next(read)) for _ in range(10**6))
        job = asyncio.ensure_future(it.imports(rows, batch_size=10, concurrency=3))
        while len(it.sandbox.requests) < 3:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)

        assert (next(read), len(it.sandbox.requests)) == (30, 3)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        running = " ".join(repr(task.get_coro()) for task in asyncio.all_tasks())
    assert "importing" not in running, "no worker is left behind"


async def bad_rows_later():
    for _ in range(1000):
        yield RejectedRow("bad")


@pytest.mark.parametrize("rows", [lambda: [RejectedRow("bad")] * 1000, bad_rows_later])
async def test_others_run_while_many_rows_need_no_look(rows):
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with account() as it:
        counting = asyncio.create_task(count_turns())
        await it.imports(rows(), batch_size=10)
        counting.cancel()

    assert turns >= 100


async def test_progress_is_told_to_the_end():
    told = []
    async with account() as it:
        await it.imports((new(n) for n in range(50)), batch_size=10, on_progress=told.append)

    last = told[-1]
    assert (last.done, last.total, last.requests, last.stage) == (50, None, 10, "importing")


async def test_a_report_counts_requests_repeats_and_waits():
    async with account() as it:
        it.faults.answer(503, on=SEARCH)
        it.faults.reset(on=BATCH)

        report = await it.imports([new(1)])

    assert (report.requests, report.repeated) == (5, 2)
    assert set(report.waited_s) == {"to try again", "to look again"}
    assert msgspec.json.decode(msgspec.json.encode(report))["created"] == 1


async def test_an_error_of_the_input_comes_through():
    def rows():
        yield new(1)
        raise OSError("the disk is gone")

    async with account() as it:
        with pytest.raises(OSError, match="the disk is gone"):
            await it.imports(rows())


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("rows must be an iterable", {"rows": "a.csv"}),
        ("rows must be an iterable", {"rows": {"phone": "14155550100"}}),
        ("rows must be an iterable", {"rows": 5}),
        ("overwrite must be of type bool", {"overwrite": 1}),
        ("dry_run must be of type bool", {"dry_run": None}),
        ("resume must be of type bool", {"resume": "yes"}),
        ("restart must be of type bool", {"restart": 1}),
        ("resume and restart exclude each other", {"resume": True, "restart": True}),
        ("batch_size must be an integer of at least 1", {"batch_size": 0}),
        ("batch_size must be an integer of at least 1", {"batch_size": True}),
        ("concurrency must be an integer from 1 to 100", {"concurrency": 1.5}),
        ("concurrency must be an integer from 1 to 100", {"concurrency": 100_000}),
        ("outcomes must be of type str or PathLike", {"outcomes": 7}),
        ("nothing to resume from. Give the file of that job with outcomes.", {"resume": True}),
        ("on_progress must be a function", {"on_progress": 7}),
    ],
)
async def test_wrong_arguments_are_refused_before_anything_is_sent(message, arguments):
    async with account() as it:
        with pytest.raises(ValueError, match=re.escape(message)):
            await it.imports(**{"rows": [new(1)], **arguments})

        assert not it.sandbox.requests

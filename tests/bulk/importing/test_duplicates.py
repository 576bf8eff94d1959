"""Rows of an import that have the same phone."""

from __future__ import annotations

import random
import sys

import pytest

from heymarket_async.bulk.importing.duplicates import FirstRows
from heymarket_async.bulk.importing.report import Rejection
from tests.bulk.importing.imports import BATCH, SEARCH, account, counts, new, outcomes_of, phone


def test_the_first_row_of_a_phone_is_kept():
    rng, rows, known = random.Random(4), FirstRows(), dict[int, int]()
    for row in range(1, 30_001):
        number = rng.choice(
            (
                rng.randrange(100),
                14_150_000_000 + rng.randrange(20_000),
                14_150_000_000 + (rng.randrange(220) << 41),
                10**15 - 1,
            )
        )
        assert rows.first(number, row) == known.setdefault(number, row)

    assert len(known) > 6000


def test_the_next_row_of_a_phone_that_is_forgotten_is_its_first():
    rows = FirstRows()
    for number in (5, 21, 37):
        rows.first(number, number)

    rows.forget(21)

    assert [rows.first(number, 7) for number in (5, 21, 37)] == [5, 7, 37]


def test_a_shelf_that_is_cut_keeps_the_first_rows():
    rows, phones = FirstRows(), [16 * number for number in range(5000)]  # all on one shelf
    random.Random(3).shuffle(phones)
    for row, number in enumerate(phones, 1):
        assert rows.first(number, row) == row

    for number in phones[::2]:
        rows.forget(number)

    found = [rows.first(number, 6000 + row) for row, number in enumerate(phones, 1)]
    assert found == [6000 + row if row % 2 else row for row in range(1, 5001)]


@pytest.mark.unmeasured
def test_a_phone_takes_less_than_nine_bytes():
    rng, rows, phones = random.Random(9), FirstRows(), 400_000
    for row in range(phones):
        rows.first(rng.randrange(12_000_000_000, 20_000_000_000), row)

    shelves = list(rows._shelves.values())
    boards = [board for shelf in shelves for board in shelf.boards]
    lists = [part for shelf in shelves for part in (shelf.boards, shelf.least)]
    taken = sum(map(sys.getsizeof, (rows._shelves, *shelves, *lists, *boards)))
    assert taken < 9 * phones
    assert max(map(len, boards)) < 1024


async def test_a_second_row_is_tried_if_the_first_is_refused(tmp_path):
    rows = [new(1, first="Bad"), new(1, first="Good"), new(1, first="Late"), new(2)]
    async with account() as it:
        it.faults.answer(422, on=BATCH, times=2)

        report = await it.imports(rows, outcomes=tmp_path / "o")

        assert it.sizes(BATCH) == [2, 1, 1, 1]
        assert it.stored(1)["first"] == "Good"
    assert (counts(report), report.duplicates) == ({"created": 2, "rejected": 2}, 1)
    assert [each.row for each in report.rejections] == [1, 3]
    assert "answered 422" in report.rejections[0].reason
    assert report.rejections[1].reason == "row 1 has the same phone"
    assert outcomes_of(tmp_path / "o")[2]["outcome"] == "created"


async def test_a_row_that_comes_after_the_first_was_refused_is_tried_too():
    rows = [new(1, first=name) for name in ("Bad", "Good", "Late")]
    async with account() as it:
        it.faults.answer(422, on=BATCH)

        report = await it.imports(rows, batch_size=1, concurrency=1)

        assert it.stored(1)["first"] == "Good"
    assert counts(report) == {"created": 1, "rejected": 2}
    assert report.rejections[1] == Rejection(row=3, reason="row 2 has the same phone")


@pytest.mark.parametrize("size", [1, 10])
async def test_of_many_rows_with_a_phone_that_is_refused_two_are_tried(size):
    async with account() as it:
        it.faults.answer(422, on=BATCH, times=None)

        report = await it.imports([new(1) for _ in range(50)], batch_size=size, concurrency=1)

        assert it.sizes(BATCH) == [1, 1]
    assert (counts(report), report.duplicates) == ({"rejected": 50}, 48)


@pytest.mark.parametrize("outcome", ["rejected", "created"])
async def test_a_resumed_import_tries_the_first_again_if_it_was_refused(outcome, tmp_path):
    path = tmp_path / "o"
    async with account() as it:
        if outcome == "rejected":
            it.faults.answer(422, on=BATCH)
        await it.imports([new(1, first="First")], outcomes=path)

        rows = [new(1, first="First"), new(1, first="Second"), new(1, first="Third")]
        report = await it.imports(rows, outcomes=path, resume=True)
        again = await it.imports(rows, outcomes=path, resume=True)

        assert it.stored(1)["first"] == "First"
        assert it.phones == {phone(1): 1}
    assert counts(again) == counts(report) == {"created": 1, "rejected": 2}
    assert again.duplicates == report.duplicates == 2
    assert (report.skipped, again.skipped) == (int(outcome == "created"), 1)


async def test_a_dry_run_says_what_would_become_of_the_second():
    async with account() as it:
        it.faults.answer(400, on=SEARCH)

        report = await it.imports([new(1), new(1)], dry_run=True)

        assert it.sizes(BATCH) == []
    assert counts(report) == {"rejected": 1, "created": 1}

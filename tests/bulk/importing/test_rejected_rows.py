"""`on_rejected`: the caller of an import gets each rejected row back, as it gave it."""

from __future__ import annotations

import gc
import re
import weakref

import pytest

from heymarket_async import NewContact
from heymarket_async.bulk import RejectedRow, SourceRow
from tests.bulk.importing.imports import BATCH, NO_PHONE, SEARCH, account, counts, new, phone


class Cells(list[str]):
    """A source that a weak reference can follow."""


async def test_each_rejected_row_comes_back_once_with_its_source():
    rows = [
        SourceRow(new(1), ["a"]),
        SourceRow(RejectedRow("no phone (line 3)"), ["b"]),
        SourceRow(new(1, first="Twin"), ["c"]),
        SourceRow(NewContact(phone=NO_PHONE), ["d"]),
        SourceRow(new(2), ["e"]),
    ]
    rejected: list[tuple[object, str]] = []
    async with account() as it:
        report = await it.imports(
            rows, on_rejected=lambda source, reason: rejected.append((source, reason))
        )

        assert it.phones == {phone(1): 1, phone(2): 1}
    assert counts(report) == {"created": 2, "rejected": 3}
    assert [source for source, _ in rejected] == [["b"], ["c"], ["d"]]
    assert [reason for _, reason in rejected][:2] == [
        "no phone (line 3)",
        "row 1 has the same phone",
    ]
    assert "Heymarket" in rejected[2][1]


async def test_a_row_without_a_source_comes_back_as_it_was_given():
    given = [{"phone": "none"}, RejectedRow("bad"), 7, new(1), new(1, first="Twin")]
    rejected: list[object] = []
    async with account() as it:
        await it.imports(given, on_rejected=lambda row, _: rejected.append(row))

    expected = [given[0], given[1], given[2], given[4]]
    assert len(rejected) == len(expected)
    assert all(row is each for row, each in zip(rejected, expected, strict=True))


async def test_a_row_that_heymarket_refuses_comes_back_too():
    rejected: list[object] = []
    async with account() as it:
        it.faults.answer(422, on=BATCH, times=2)
        it.faults.answer(400, on=SEARCH, times=3, after=1)

        await it.imports(
            [SourceRow(new(n), n) for n in range(4)],
            batch_size=2,
            concurrency=1,
            on_rejected=lambda source, _: rejected.append(source),
        )

    assert sorted(rejected) == [0, 2, 3]


@pytest.mark.parametrize("late", [False, True])
async def test_an_error_of_on_rejected_ends_the_import(late):
    def fail(_: object, __: str) -> None:
        raise OSError("the disk is full")

    async with account() as it:
        if late:
            it.faults.answer(422, on=BATCH, times=None)
        with pytest.raises(OSError, match="the disk is full"):
            await it.imports([new(1) if late else RejectedRow("bad")], on_rejected=fail)


async def test_what_is_no_function_is_refused():
    async with account() as it:
        with pytest.raises(ValueError, match=re.escape("on_rejected must be a function, or None")):
            await it.imports([new(1)], on_rejected=7)


async def test_sources_of_finished_rows_are_not_kept():
    kept: list[weakref.ref[Cells]] = []

    def rows():
        for n in range(400):
            cells = Cells([str(n)])
            kept.append(weakref.ref(cells))
            yield SourceRow(new(n), cells)
            del cells
            if n == 399:
                gc.collect()
                alive.append(sum(ref() is not None for ref in kept))

    alive: list[int] = []
    async with account() as it:
        await it.imports(rows(), batch_size=10, concurrency=2)

    assert alive[0] < 100


def test_a_source_row_shows_nobody():
    assert repr(SourceRow(new(1, first="Zoë"), ["Zoë"])) == "SourceRow(<hidden>)"

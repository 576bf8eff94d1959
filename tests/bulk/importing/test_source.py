"""Rows that do not come, or come with an error: nothing else is stopped, and nothing is lost."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from heymarket_async.bulk.importing.source import batches_of, check_rows
from tests.bulk.importing.imports import BATCH, SEARCH, account, counts, new, outcomes_of, phone


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name == "heymarket-import"]


class Silent:
    """Rows of which one does not come until it is let go, as from a pipe."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.is_waiting = threading.Event()
        self.goes_on = threading.Event()
        self.is_closed = threading.Event()

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from (new(n) for n in range(self.rows))
            self.is_waiting.set()
            self.goes_on.wait(30)
            yield new(self.rows)
        finally:
            self.is_closed.set()


async def test_rows_that_do_not_come_stop_neither_the_loop_nor_a_cancellation(tmp_path):
    silent = Silent(25)
    async with account() as it:
        job = asyncio.ensure_future(it.imports(silent, batch_size=10, outcomes=tmp_path / "o"))
        while it.sizes(BATCH) != [10, 10]:
            await asyncio.sleep(0.001)
        assert silent.is_waiting.wait(5)
        await asyncio.sleep(0.02)

        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(job, 1)

        assert not silent.is_closed.is_set()
        silent.goes_on.set()
        assert await asyncio.to_thread(silent.is_closed.wait, 5), "and it is closed when it can be"
    assert [line["outcome"] for line in outcomes_of(tmp_path / "o").values()] == ["created"] * 20


async def test_what_a_look_has_settled_is_in_the_file_while_the_input_is_silent(tmp_path):
    silent, path = Silent(20), tmp_path / "o"
    async with account() as it:
        await it.has(*(new(n) for n in range(20)))
        job = asyncio.ensure_future(it.imports(silent, batch_size=10, outcomes=path))
        async with asyncio.timeout(5):
            while not path.exists() or len(outcomes_of(path)) < 20:
                await asyncio.sleep(0.001)

        assert not job.done()
        silent.goes_on.set()
        await job


async def test_a_generator_is_closed_where_it_was_read():
    where: list[str] = []

    def rows() -> Iterator[Any]:
        try:
            yield from (new(n) for n in range(50))
        finally:
            time.sleep(0.05)
            where.append(threading.current_thread().name)

    async with account() as it:
        it.faults.answer(403, on=SEARCH, times=None)
        with pytest.raises(Exception, match="403"):
            await it.imports(rows(), batch_size=10, concurrency=1)

    assert where == ["heymarket-import"]
    assert threads() == []


async def test_an_async_generator_is_closed():
    closed: list[bool] = []

    async def rows():
        try:
            for n in range(50):
                yield new(n)
        finally:
            closed.append(True)

    async with account() as it:
        it.faults.answer(403, on=SEARCH, times=None)
        with pytest.raises(Exception, match="403"):
            await it.imports(rows(), batch_size=10, concurrency=1)

    assert closed == [True]


def failing(count: int) -> Iterator[Any]:
    yield from (new(n) for n in range(count))
    raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no")


async def failing_later(count: int):
    for row in [new(n) for n in range(count)]:
        yield row
    raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no")


@pytest.mark.parametrize("rows", [failing, failing_later])
async def test_what_comes_before_an_error_of_the_input_is_finished_first(rows, tmp_path: Path):
    async with account() as it:
        it.faults.delay(0.02, on=SEARCH, times=2)
        with pytest.raises(UnicodeDecodeError):
            await it.imports(rows(47), batch_size=10, outcomes=tmp_path / "o")

        assert it.phones == {phone(n): 1 for n in range(47)}
        lines = outcomes_of(tmp_path / "o")
        assert [line["outcome"] for line in lines.values()] == ["created"] * 47
        it.sandbox.requests.clear()
        resumed = await it.imports(
            [new(n) for n in range(48)], batch_size=10, outcomes=tmp_path / "o", resume=True
        )

        assert (counts(resumed), resumed.skipped) == ({"created": 48}, 47)
        assert it.sizes(BATCH) == [1]


@pytest.mark.parametrize("rows", [failing, failing_later])
async def test_rows_of_the_first_batch_count_as_well(rows, tmp_path):
    async with account() as it:
        with pytest.raises(UnicodeDecodeError):
            await it.imports(rows(5), batch_size=10, outcomes=tmp_path / "o")
        assert it.phones == {phone(n): 1 for n in range(5)}

        with pytest.raises(UnicodeDecodeError):
            await it.imports(rows(3), batch_size=10, outcomes=tmp_path / "o", resume=True)


@pytest.mark.parametrize("rows", [failing, failing_later])
async def test_an_error_before_the_first_row_leaves_nothing(rows, tmp_path):
    async with account() as it:
        with pytest.raises(UnicodeDecodeError):
            await it.imports(rows(0), outcomes=tmp_path / "o")

        assert not it.sandbox.requests
    assert list(tmp_path.iterdir()) == []
    assert threads() == []


async def test_what_is_no_iterator_is_an_error_of_the_input():
    class Broken:
        def __iter__(self) -> Iterator[Any]:
            raise OSError("no disk")

    async with account() as it:
        with pytest.raises(OSError, match="no disk"):
            await it.imports(Broken())


@pytest.mark.parametrize("count", [0, 1, 3, 4, 7])
async def test_batches_have_every_row_once_and_then_nothing(count):
    async def later():
        for n in range(count):
            yield n

    class Iterator:
        def __init__(self) -> None:
            self.items = later()

        def __aiter__(self) -> Iterator:
            return self

        async def __anext__(self) -> int:
            return await anext(self.items)

    for items in (range(count), later(), Iterator()):
        async with aclosing(batches_of(items, 3)) as batches:
            given = []
            async for some in batches:
                assert 1 <= len(some) <= 3
                given += some
            assert (given, await anext(batches, None)) == (list(range(count)), None)


async def test_an_exit_of_the_input_comes_through():
    def rows() -> Iterator[Any]:
        yield new(1)
        raise SystemExit(5)

    async with account() as it:
        with pytest.raises(SystemExit):
            await it.imports(rows())


async def test_batches_that_were_never_asked_for_have_no_thread():
    async with aclosing(batches_of([1, 2], 3)):
        assert threads() == []


def test_rows_that_name_their_columns_are_taken():
    class Rows(list):
        columns = ("phone",)

    check_rows(Rows([{"phone": "15105550101"}]), "contacts")

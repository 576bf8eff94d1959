"""Blocking work beside the loop: one piece after the other, and never left half done."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator

import pytest

from heymarket_async.bulk.thread import OneThread, run_unwatched, side_by_side


async def test_a_cancellation_comes_through_after_the_work_that_has_begun():
    thread, done = OneThread(), []
    begun = threading.Event()

    def work() -> None:
        begun.set()
        time.sleep(0.05)
        done.append(True)

    task = asyncio.create_task(thread.run(work))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert done == [True]
    thread.close()


async def test_items_come_in_the_loop_so_many_at_a_time():
    thread, taken = OneThread(), []

    await thread.each(iter(range(5)), taken.append, at_once=2)

    assert taken == [[0, 1], [2, 3], [4]]
    thread.close()


async def test_what_is_not_taken_to_its_end_is_closed():
    thread, closed = OneThread(), []

    def numbers() -> Iterator[int]:
        try:
            yield from range(5)
        finally:
            closed.append(threading.current_thread().name)

    def refuse(_: object) -> None:
        raise OSError("no")

    generator = numbers()
    with pytest.raises(OSError, match="no"):
        await thread.each(generator, refuse, at_once=1)

    assert closed == ["heymarket-bulk_0"]
    thread.close()


@pytest.mark.parametrize("times", [1, 2])
async def test_an_error_after_a_cancellation_is_not_reported_as_never_retrieved(times):
    thread, reported = OneThread(), []
    begun, goes_on = threading.Event(), threading.Event()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

    def work() -> None:
        begun.set()
        goes_on.wait(5)
        raise OSError("no space")

    task = asyncio.create_task(thread.run(work))
    await asyncio.to_thread(begun.wait)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    thread.close()
    await asyncio.sleep(0.01)
    del task
    gc.collect()
    assert reported == []


async def test_work_that_has_not_begun_is_cancelled_with_the_thread():
    thread = OneThread()
    begun, goes_on = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        goes_on.wait(5)

    first, second = (asyncio.create_task(thread.run(each)) for each in (work, begun.set))
    await asyncio.to_thread(begun.wait)
    second.cancel()
    await asyncio.sleep(0)
    threading.Timer(0.02, goes_on.set).start()
    thread.close()
    with pytest.raises(asyncio.CancelledError):
        await second
    await first


async def test_the_first_error_ends_all_that_is_done_side_by_side():
    begun, cancelled = [], []

    async def work() -> None:
        begun.append(True)
        if len(begun) == 3:
            raise OSError("no space")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(OSError, match="no space"):
        await side_by_side(work, 3, name="heymarket-worker")

    assert (len(begun), len(cancelled)) == (3, 2)


async def test_work_that_never_ends_is_left_behind_by_a_cancellation():
    begun, may_end = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        may_end.wait()

    task = asyncio.create_task(run_unwatched(work))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 60)

    assert not may_end.is_set()
    may_end.set()


async def test_the_result_and_the_error_of_unwatched_work_come_to_the_loop():
    def fail() -> None:
        raise OSError("no")

    assert await run_unwatched(lambda: 7) == 7
    with pytest.raises(OSError, match="no"):
        await run_unwatched(fail)

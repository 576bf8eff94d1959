"""One timer for many time limits: each ends its own work, at its time, and nothing else."""

from __future__ import annotations

import asyncio
import math

import pytest

from heymarket_async.transport.cancelling import TimeLimit, TimeLimits
from tests.conftest import jumping_time


async def work(limits: TimeLimits, limit_s: float, seconds: float = 10.0) -> float:
    """Work within a limit, and return after how long it ended or was ended."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        with TimeLimit(limits, began + limit_s):
            await asyncio.sleep(seconds)
    except TimeoutError:
        assert asyncio.current_task().cancelling() == 0
        return loop.time() - began
    return 0.0


@jumping_time
async def test_each_ends_at_its_own_time():
    limits = TimeLimits()

    ended = await asyncio.gather(work(limits, 0.09), work(limits, 0.03))
    later = await asyncio.gather(work(limits, 0.03), work(limits, 0.06), work(limits, 10.0, 0.01))

    assert 0.09 <= ended[0] < 5.0
    assert 0.03 <= ended[1] < ended[0]
    assert 0.03 <= later[0] < later[1] < 5.0
    assert later[2] == 0.0
    limits.set_timer(math.inf)


@jumping_time
async def test_one_that_ended_in_time_is_not_ended_again():
    limits = TimeLimits()

    assert await work(limits, 0.02, seconds=0.0) == 0.0
    await asyncio.sleep(0.05)
    assert await work(limits, 0.02) >= 0.02


@jumping_time
async def test_a_limit_continues_when_another_one_ends():
    limits = TimeLimits()
    first = asyncio.create_task(work(limits, 0.02))
    second = asyncio.create_task(work(limits, 0.5))

    assert await first < 0.5
    assert not second.done()
    assert 0.5 <= await second < 5.0


@jumping_time
async def test_a_cancellation_from_elsewhere_goes_through_even_when_the_time_is_over():
    limits = TimeLimits()
    task = asyncio.create_task(work(limits, 0.02))
    await asyncio.sleep(0)

    loop = asyncio.get_running_loop()
    loop.call_at(limits._timer.when(), task.cancel)  # so that both come in one turn of the loop
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


@jumping_time
async def test_a_cancellation_from_elsewhere_goes_through_before():
    limits = TimeLimits()
    task = asyncio.create_task(work(limits, 10.0))
    await asyncio.sleep(0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    limits.set_timer(math.inf)


@jumping_time
async def test_a_cancellation_that_was_caught_before_is_not_taken_for_one_from_elsewhere():
    limits, task = TimeLimits(), asyncio.current_task()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(0)

    with pytest.raises(TimeoutError), TimeLimit(limits, asyncio.get_running_loop().time() + 0.02):
        await asyncio.sleep(10)

    assert task.uncancel() == 0


@jumping_time
async def test_work_that_ends_by_itself_after_a_cancellation_raises_nothing():
    limits = TimeLimits()

    with TimeLimit(limits, asyncio.get_running_loop().time() + 0.02):
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            ended = True

    assert ended
    assert asyncio.current_task().cancelling() == 0


@jumping_time
async def test_closing_leaves_no_timer():
    limits = TimeLimits()
    await work(limits, 10.0, seconds=0.0)
    timer = limits._timer

    limits.set_timer(math.inf)
    limits.set_timer(math.inf)

    assert timer.cancelled()

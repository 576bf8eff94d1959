"""A line gives its turns in order, and loses none, whatever the calls in it do."""

from __future__ import annotations

import asyncio

import pytest

from heymarket_async import DeadlineError
from heymarket_async.pacing.line import Slots
from tests.conftest import jumping_time, now


async def test_cases_1_to_3_turns_are_given_in_the_order_of_asking():
    slots = Slots(2)
    assert slots.take() is slots.take() is None

    turns = [slots.take() for _ in range(3)]
    slots.give_back()
    assert [turn.done() for turn in turns] == [True, False, False]
    slots.give_back()
    assert [turn.done() for turn in turns] == [True, True, False]


async def test_case_4_a_call_that_gave_up_is_passed_over():
    slots = Slots(1)
    assert slots.take() is None
    gave_up, next_one = slots.take(), slots.take()

    gave_up.cancel()
    slots.give_back()

    assert next_one.done()
    slots.discard(gave_up)
    slots.give_back()
    assert slots.take() is None


async def test_case_6_a_turn_that_came_and_is_not_wanted_goes_to_the_next():
    slots = Slots(1)
    assert slots.take() is None
    gave_up, next_one = slots.take(), slots.take()

    slots.give_back()
    slots.discard(gave_up)

    assert next_one.done()


async def test_case_5_a_call_that_stops_waiting_leaves_the_line():
    slots = Slots(1)
    assert slots.take() is None
    gave_up, next_one = slots.take(), slots.take()

    slots.discard(gave_up)
    slots.give_back()

    assert not gave_up.done()
    assert next_one.done()


async def test_case_7_a_call_that_was_refused_has_no_turn_to_return():
    slots = Slots(1)
    assert slots.take() is None
    refused = slots.take()
    slots._queue.popleft().set_exception(ValueError())

    slots.discard(refused)

    assert slots._free == 0
    assert isinstance(refused.exception(), ValueError)


@jumping_time
async def test_a_turn_that_comes_with_the_deadline_comes_too_late_and_is_there_for_others():
    slots = Slots(1)
    slots.take()
    turn = slots.take()
    asyncio.get_running_loop().call_at(5, slots.give_back)

    with pytest.raises(DeadlineError, match="a turn"):
        await slots.wait(turn, deadline=5, reason="a turn")
    slots.discard(turn)

    assert now() == 5
    assert slots._free == 1


async def wait_for_nothing(until: float) -> None:
    slots = Slots(0)
    turn = slots.take()
    try:
        await slots.wait(turn, deadline=until, reason="a turn")
    finally:
        slots.discard(turn)
        assert not slots._queue


@jumping_time
async def test_each_wait_ends_at_its_own_deadline():
    waits = [asyncio.create_task(wait_for_nothing(until)) for until in (3, 1)]

    for until, wait in zip((1, 3), reversed(waits), strict=True):
        with pytest.raises(DeadlineError, match=r"still waiting \(a turn\)"):
            await wait
        assert now() == until


@pytest.mark.parametrize("at", [2, 5])
@jumping_time
async def test_a_cancellation_from_elsewhere_goes_through_before_the_deadline_and_with_it(at):
    wait = asyncio.create_task(wait_for_nothing(5))
    await asyncio.sleep(0)

    asyncio.get_running_loop().call_at(at, wait.cancel)
    with pytest.raises(asyncio.CancelledError):
        await wait

    assert now() == at


@jumping_time
async def test_a_cancellation_that_was_caught_before_does_not_hide_the_deadline():
    task = asyncio.current_task()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(0)

    with pytest.raises(DeadlineError):
        await wait_for_nothing(5)

    assert task.uncancel() == 0

"""When a sent message is looked for, and how far back: by the server's clock, not by ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from msgspec.structs import replace

from heymarket_async import (
    AttemptEvent,
    HeymarketError,
    Message,
    NewComment,
    NewMessage,
    NoResponseError,
    RetryPolicy,
    SentMessage,
)
from heymarket_async.sending import Search, send_once
from heymarket_async.timestamps import Began, began, seconds_ago
from heymarket_async.transport.sends import MOST_RESULTS, Sends
from tests.conftest import jumping_time, now

NOW = datetime(2026, 4, 12, 15, 30, tzinfo=UTC)
WANTED = NewMessage(inbox_id=1, creator_id=1, phone_number="14155550123", text="Hi", local_id="a")


def row(seconds_ago: float, local_id: str | None = "b", **fields: object) -> Message:
    date = (NOW - timedelta(seconds=seconds_ago)).isoformat()
    return Message(id=1, date=date, local_id=local_id, **fields)


def answered_at(date: str) -> AttemptEvent:
    return AttemptEvent("", 1, 200, 0.0, 0.0, {}, "", None, date)


def search(since: Began, date: str = format_datetime(NOW, usegmt=True)) -> Search:
    found = Search("a", since, "GET /v1/messages", None)
    found.note(answered_at(date))
    found.note(answered_at(""))  # of an attempt that got no answer
    return found


async def pages_read(of: Search, *pages: list[Message]) -> int:
    """Return how many pages a search looks at that finds nothing."""
    read = 0

    async def given() -> AsyncIterator[list[Message]]:
        nonlocal read
        for page in pages:
            read += 1
            yield page

    assert await of.first(given()) is None
    return read


@pytest.mark.parametrize(("age_s", "pages"), [(65, 2), (75, 1)])
async def test_a_search_goes_back_a_minute_beyond_the_send(age_s, pages):
    assert await pages_read(search(seconds_ago(10)), [row(0)], [row(age_s)], [row(5)]) == 1 + pages


@pytest.mark.parametrize("hours", [-5, 5])
@pytest.mark.parametrize(("age_s", "pages"), [(65, 2), (75, 1)])
async def test_a_wrong_clock_of_the_server_shortens_no_search(hours, age_s, pages):
    of = search(seconds_ago(10), format_datetime(NOW + timedelta(hours=hours)))
    expected = 3 if hours < 0 else 1 + pages  # if it is behind, the search goes further back

    assert await pages_read(of, [row(0)], [row(age_s)], [row(5)]) == expected


async def test_a_message_of_the_future_shortens_no_search():
    assert await pages_read(search(seconds_ago(10)), [row(-7200)], [row(65)], [row(66)]) == 3


async def test_a_wrong_time_among_newer_ones_ends_no_search():
    assert await pages_read(search(seconds_ago(10)), [row(5), row(10**9), row(6)], [row(7)]) == 2


async def test_a_list_that_may_be_oldest_first_is_read_on():
    same = [row(9000), row(9000)]

    assert await pages_read(search(seconds_ago(10)), same, [row(8000)], [row(5)]) == 3


@pytest.mark.parametrize("year", [1, 9999])
async def test_any_date_of_an_answer_can_be_compared(year):
    of = search(seconds_ago(10), f"Fri, 31 Dec {year:04} 23:59:59 -2359")

    assert await pages_read(of, [row(1)]) == 1


async def test_a_page_is_looked_at_to_its_end():
    async def pages() -> AsyncIterator[list[Message]]:
        yield [row(9000), row(9001, local_id="a")]

    found = await search(seconds_ago(10)).first(pages())

    assert found is not None
    assert found.local_id == "a"


async def test_a_message_without_a_time_ends_no_search():
    assert await pages_read(search(seconds_ago(1)), [Message(id=1, local_id="b")], [row(1)]) == 2


async def test_without_the_servers_time_nothing_is_known():
    with pytest.raises(HeymarketError, match="GET /v1/messages answered without a Date"):
        await pages_read(search(seconds_ago(1), date=""), [row(1)])


async def test_a_message_from_the_other_side_is_not_the_one():
    inbound = row(1, local_id=None, text="Hi", type="inbound")

    assert await pages_read(search(seconds_ago(1)), [inbound]) == 1


@pytest.mark.parametrize("shown", [None, "", " ", "order-1", "ORDER-17", "order-17 "])
async def test_a_message_whose_local_id_may_have_been_changed_may_be_the_one(shown):
    of = search(seconds_ago(1))
    of._local_id = "order-17"

    assert await pages_read(of, [row(0), row(1, "rder-17")], [row(100, shown)]) == 2
    with pytest.raises(HeymarketError, match="without its local_id, which may be the one"):
        await pages_read(of, [row(1, shown)])


@pytest.mark.parametrize("clock", ["time", "monotonic"])
async def test_the_longer_of_two_times_counts(clock, monkeypatch):
    start, now = began(), getattr(time, clock)()
    monkeypatch.setattr(time, clock, lambda: now + 500)

    assert start.seconds_ago >= 500
    assert await pages_read(search(start), [row(0)], [row(520)], [row(1)]) == 3


@jumping_time
async def test_looks_are_spread_over_the_time_in_which_a_message_may_appear():
    looks: list[tuple[float, bool]] = []

    async def send() -> SentMessage:
        raise NoResponseError("lost", may_have_taken_effect=True)

    async def find(_: Began, everywhere: bool) -> None:
        looks.append((round(now(), 3), everywhere))

    with pytest.raises(NoResponseError):
        async with Sends().turn(WANTED) as turn:
            await send_once(
                turn, send, find, RetryPolicy(attempts=2), since=None, call="", wait_s=10.0
            )

    assert looks == [
        *[(1, False), (4, False), (10, True)],
        *[(11, False), (14, False), (20, True)],
    ]


async def answer() -> SentMessage:
    return SentMessage(id=1)


async def lost() -> SentMessage:
    raise NoResponseError("lost", may_have_taken_effect=True)


def named(number: int) -> NewMessage:
    return replace(WANTED, local_id=f"a{number}")


async def test_the_newest_results_are_remembered_and_no_others():
    sends = Sends()
    for number in [*range(MOST_RESULTS), 0, MOST_RESULTS]:  # so 0 is among the newest again
        async with sends.turn(named(number)) as send:
            await send.attempt(answer())

    assert len(sends.results) == MOST_RESULTS
    async with sends.turn(named(0)) as first, sends.turn(named(1)) as second:
        assert first.result == SentMessage(id=1, local_id="a0")
        assert second.result is None


async def test_a_message_that_may_have_been_sent_counts_from_the_first_attempt():
    sends, times = Sends(), set[Began | None]()
    for _ in range(3):
        async with sends.turn(WANTED) as send:
            with pytest.raises(NoResponseError):
                await send.attempt(lost())
            send.may_be_sent_since(began())
            times.add(send.began)

    assert len(times) == 1
    async with sends.turn(WANTED) as send:
        send.may_be_sent_since(seconds_ago(500))
        assert send.began is not None
        assert send.began.seconds_ago >= 500


async def test_the_same_local_id_of_another_kind_is_another_thing():
    sends = Sends()
    async with sends.turn(WANTED) as send:
        await send.attempt(answer())

    comment = NewComment(inbox_id=1, creator_id=1, chat_id=1, text="Hi", local_id="a")
    async with sends.turn(comment) as send:
        assert send.result is None
        assert send.began is None


async def test_only_calls_with_the_same_local_id_wait_and_a_cancelled_one_leaves_the_line():
    sends, order = Sends(), list[str]()

    async def take_turn(name: str, message: NewMessage) -> None:
        async with sends.turn(message):
            order.append(name)
            await asyncio.sleep(0.02)

    tasks = [
        asyncio.create_task(take_turn(name, message))
        for name, message in (("1", WANTED), ("2", WANTED), ("3", WANTED), ("b", named(1)))
    ]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.wait(tasks)

    assert order == ["1", "b", "3"]
    del tasks
    assert not sends.locks

"""`client.messages.history`: a cursor in whole seconds, and still no message lost or doubled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from heymarket_async import Message, PaginationError
from tests.endpoints.texting import HISTORY, INBOX, PHONE, Texting, text, texting

BEGAN = datetime(2026, 4, 12, 15, 30, tzinfo=UTC)


async def all_of(it: Texting, **options: Any) -> list[int | None]:
    return [row.id async for row in it.messages.iterate_history(f"+{PHONE}", INBOX, **options)]


class Server:
    """Lists messages that came at these seconds: by `timestamp`, at most `size`, oldest first."""

    def __init__(self, *seconds: float, size: int = 50, inclusive: bool = False) -> None:
        self.rows = [
            {"id": number, "date": (BEGAN + timedelta(seconds=each)).isoformat()}
            for number, each in enumerate(seconds, 1)
        ]
        self._seconds = [BEGAN.timestamp() + each for each in seconds]
        self._size = size
        self._latest = 0.0 if inclusive else -1e-6
        self.requests = 0

    async def history(self, phone: str, inbox_id: int, before: int | None) -> list[Message]:
        self.requests += 1
        end = float("inf") if before is None else before + self._latest
        found = [row for row, each in zip(self.rows, self._seconds, strict=True) if each <= end]
        return msgspec.convert(found[-self._size :], list[Message])

    async def read(self) -> list[int | None]:
        """Return the ids that a walk over all messages gives."""
        async with texting() as it:
            it.messages._history = self.history
            return await all_of(it)


async def test_a_history_is_one_page_newest_first():
    async with texting() as it:
        for number in range(3):
            await it.messages.send(text(str(number)))

        page = await it.messages.history(f"+{PHONE}", INBOX)

        assert [row.text for row in page] == ["2", "1", "0"]
        (asked,) = [each.query for each in it.sandbox.requests if each.method == "GET"]
        assert asked == {"phoneNumber": PHONE, "inboxID": str(INBOX)}


@pytest.mark.parametrize(
    ("before", "asked"),
    [("2026-04-12T15:30:00Z", 0), ("2026-04-12T15:30:00.000001Z", 1), (BEGAN, 0)],
)
async def test_a_fraction_of_a_second_is_rounded_up(before, asked):
    async with texting() as it:
        await it.messages.history(PHONE, INBOX, before=before)
        await all_of(it, before=before)

        sent = {each.query["timestamp"] for each in it.sandbox.requests}
        assert sent == {str(int(BEGAN.timestamp()) + asked)}


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("tied", [1, 2, 7, 48])
async def test_each_message_comes_once_newest_first(tied, inclusive):
    seconds = [number // tied + number % tied / 100 for number in range(170)]

    found = await Server(*seconds, inclusive=inclusive).read()

    assert found == list(range(170, 0, -1))


async def test_an_empty_history_ends_at_once():
    server = Server()

    assert await server.read() == []
    assert server.requests == 1


@pytest.mark.parametrize(
    "seconds",
    [
        [0.5] * 50,
        [*range(60), *[60 + number / 100 for number in range(50)]],
        [*[number / 100 for number in range(51)], 1],
    ],
)
async def test_a_second_that_fills_a_page_raises(seconds):
    with pytest.raises(PaginationError, match="in one second") as raised:
        await Server(*seconds).read()

    assert raised.value.call == HISTORY


async def test_a_second_that_fills_a_smaller_page_raises_if_more_comes_before():
    with pytest.raises(PaginationError, match="in one second"):
        await Server(*range(40), *[40.5] * 30, size=30).read()


async def test_a_page_that_is_smaller_than_before_raises_if_more_comes_before():
    class Shrinking(Server):
        async def history(self, phone: str, inbox_id: int, before: int | None) -> list[Message]:
            self._size = 10 if before is None else 3
            return await super().history(phone, inbox_id, before)

    server = Shrinking(0, 1, 2, *[3] * 5, *range(4, 10))

    with pytest.raises(PaginationError, match="in one second"):
        await server.read()
    assert server.requests == 3


@pytest.mark.parametrize("tied", [31, 40])
async def test_a_page_is_full_if_none_before_was_larger(tied):
    in_one_second = [number / 100 for number in range(tied)]

    for newer in ([], [*range(1, 101)]):
        with pytest.raises(PaginationError, match="in one second"):
            await Server(*in_one_second, *newer, size=30).read()


async def test_a_second_that_fills_less_than_a_page_is_complete():
    in_one_second = [number / 100 for number in range(29)]

    for newer in ([], [*range(1, 101)]):
        server = Server(*in_one_second, *newer, size=30)
        assert await server.read() == list(range(29 + len(newer), 0, -1))


async def test_a_cursor_that_is_included_is_not_taken_for_a_full_second():
    assert await Server(5, 6, inclusive=True).read() == [2, 1]

    in_one_second = [number / 100 for number in range(1, 61)]
    with pytest.raises(PaginationError, match="in one second"):
        await Server(*in_one_second, *[1] * 10, *range(2, 99), inclusive=True).read()


async def test_a_later_page_without_a_time_ends_in_an_error():
    async with texting() as it:
        for row in ({"id": 1, "date": BEGAN.isoformat()}, {"id": 2}):
            it.faults.answer(200, on=HISTORY, body=[row])

        with pytest.raises(PaginationError, match="without a time"):
            await all_of(it)


class Unsorted(Server):
    """A server that lists the oldest messages first, or in another order."""

    def __init__(self, choose: Callable[[list[Message]], list[Message]]) -> None:
        super().__init__(*range(120), size=120)
        self._choose = choose

    async def history(self, phone: str, inbox_id: int, before: int | None) -> list[Message]:
        return self._choose(await super().history(phone, inbox_id, before))


@pytest.mark.parametrize(
    ("choose", "reason"),
    [
        (lambda rows: rows[:50], "lists the oldest messages first"),
        (lambda rows: [*rows[-9:], *rows[-50:-9]], "not sorted by their times"),
    ],
)
async def test_pages_that_need_not_have_the_newest_raise(choose, reason):
    with pytest.raises(PaginationError, match=reason) as raised:
        await Unsorted(choose).read()

    assert raised.value.call == HISTORY


async def test_a_wrong_time_among_newer_ones_hides_nothing():
    server = Server(*range(120))
    server.rows[-9]["date"] = "1970-01-01T00:00:00Z"

    with pytest.raises(PaginationError, match="not sorted by their times"):
        await server.read()


@pytest.mark.parametrize("number", [0, None])
async def test_messages_without_an_id_are_told_apart_by_their_content(number):
    server = Server(*[each // 3 for each in range(120)])
    for each in server.rows:
        each["text"] = str(each["id"])
        each["id"] = number

    assert len(await server.read()) == 120


async def test_messages_without_a_time_end_in_an_error():
    server = Server(1)
    server.rows = [{"id": 1, "date": "0001-01-01T00:00:00Z"}, {"id": 2}]
    server._seconds = [0.0, 0.0]

    with pytest.raises(PaginationError, match="without a time"):
        await server.read()


async def test_a_message_without_a_time_or_an_id_comes_too():
    server = Server(1, 2, 3, 3)
    server.rows[0] = {"id": 1}
    server.rows[2]["id"] = None

    assert await server.read() == [None, 4, 2, 1]


async def test_the_sandbox_is_walked_to_its_end():
    async with texting(messages=300) as it:
        newest = it.sandbox.messages.rows[-1]
        inbox, phone = newest["conversation"]["inbox"], newest["target"]
        stored = [
            each["id"]
            for each in it.sandbox.messages.rows
            if (each["conversation"]["inbox"], each["target"]) == (inbox, phone)
        ]

        found = [row.id async for row in it.messages.iterate_history(phone, inbox)]

        assert len(found) > 50
        assert found == stored[::-1]

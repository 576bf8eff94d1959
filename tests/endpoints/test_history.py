"""`client.messages.history`: a cursor in whole seconds, and still no message lost or doubled."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from heymarket_async import PaginationError
from tests.endpoints.texting import HISTORY, INBOX, PHONE, Texting, text, texting

BEGAN = datetime(2026, 4, 12, 15, 30, tzinfo=UTC)


async def all_of(it: Texting, **options: Any) -> list[int | None]:
    return [row.id async for row in it.messages.iterate_history(f"+{PHONE}", INBOX, **options)]


def rows(seconds: Iterable[float]) -> list[dict[str, Any]]:
    """Messages at these seconds, newest first."""
    return [
        {"id": number, "date": (BEGAN + timedelta(seconds=each)).isoformat()}
        for number, each in enumerate(seconds, 1)
    ][::-1]


class Historian:
    """Lists messages from a sorted list, as Heymarket may: `size` of those before a time."""

    def __init__(self, it: Texting, stored: list[dict[str, Any]], *, size: int = 50) -> None:
        self._stored = stored
        self._size = size
        self.asked: list[int | None] = []
        self._messages = it.messages
        self._messages._history = self.history

    async def history(self, phone: str, inbox_id: int, before: int | None) -> list[Any]:
        pass


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

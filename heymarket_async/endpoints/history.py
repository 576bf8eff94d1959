"""The history of a phone: a request for a page, and the rules that its pages must keep.

They are sorted by time, of a size that is not certain, and cut at seconds.

https://developers.heymarket.com/api-reference/messages/get-history
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from heymarket_async.checks import id_of, phone_digits
from heymarket_async.errors import PaginationError
from heymarket_async.models.account import Inbox
from heymarket_async.models.message import Message
from heymarket_async.request import Endpoint, Repeat, Request
from heymarket_async.transport.send import Transport
from heymarket_async.walk.cursor import PAGE_SIZE

T = TypeVar("T")

HISTORY = Endpoint("GET", "/v1/messages", list[Message], Repeat.READ)
INBOXES = Endpoint("GET", "/v1/inboxes", list[Inbox], Repeat.READ)

HISTORY_SIZE = 50
"""The most messages that Heymarket lists in one page of a history."""


class HistoryPages:
    """Makes sure that the pages of a history hide no messages; for one walk over it.

    Args:
        call: The call that lists them, for errors.
    """

    def __init__(self, call: str) -> None:
        self._call = call
        self._largest = 0
        self._may_hide_newer = False

    def check(self, seconds: Sequence[int], size: int, *, until: int | None) -> None:
        """Look at a page.

        It is full if none before it was larger. If all before it had messages of one second only,
        their size says little: then 30 messages are full.

        Args:
            seconds: The second of each message that has a time, in the server's order.
            size: How many messages the page has.
            until: The second that it goes back from, the last one of the page before; None for the
                first page.

        Raises:
            PaginationError: The rest cannot be reached, or the page need not have the newest.
        """
        up = sorted(seconds)
        if seconds not in (up, up[::-1]):
            raise stuck(self._call, "lists messages that are not sorted by their times")
        if until is not None and (not up or up[0] >= until):  # nothing older
            others = sum(each > until for each in up)
            if size >= HISTORY_SIZE or size - others >= (self._largest or PAGE_SIZE):
                raise stuck(self._call, "has more messages in one second than it lists at once")
            if self._may_hide_newer:
                raise stuck(self._call, "lists the oldest messages first, so newer ones may follow")
        is_of_one_second = up[:1] == up[-1:]
        is_upwards = seconds == up and not is_of_one_second
        self._may_hide_newer = until is None and is_upwards and size >= HISTORY_SIZE
        self._largest = max(self._largest, 0 if is_of_one_second else size)


def history_request(
    phone: str, inbox_id: int, before: int | None, returns: type[T]
) -> Request[list[T]]:
    """Return a request for a page of a history.

    Args:
        phone: E.164 digits; one leading plus is removed.
        inbox_id: The inbox.
        before: The Unix time that all messages are before, or None for the newest ones.
        returns: The type of a message.
    """
    query: dict[str, str | int | bool] = {
        "phoneNumber": phone_digits(phone),
        "inboxID": id_of("inbox_id", inbox_id),
    }
    if before is not None:
        query["timestamp"] = before
    return HISTORY.listing(returns).request(query=query)


async def other_inboxes(transport: Transport, inbox_id: int) -> list[int]:
    """Return the inboxes to which a conversation of an inbox may have been transferred."""
    inboxes = await transport.send(INBOXES.request())
    return [each.id for each in inboxes if each.id is not None and each.id != inbox_id]


def stuck(call: str, reason: str) -> PaginationError:
    """Return an error about a list that cannot be read to its end."""
    error = PaginationError(reason)
    error.call = call
    return error

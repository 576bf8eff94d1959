"""Messages: sent, read and counted.

https://developers.heymarket.com/concepts/messages
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from math import ceil
from typing import TypedDict, TypeVar, Unpack, get_type_hints, overload

import msgspec
from msgspec.structs import replace

from heymarket_async import sending, timestamps
from heymarket_async.checks import one_of, seconds_of
from heymarket_async.endpoints.history import (
    HISTORY,
    HistoryPages,
    history_request,
    other_inboxes,
    stuck,
)
from heymarket_async.endpoints.listing import WholeListing
from heymarket_async.errors import HeymarketError
from heymarket_async.models.message import Message
from heymarket_async.models.new_message import (
    NewBroadcast,
    NewComment,
    NewMessage,
    SentMessage,
)
from heymarket_async.request import Endpoint, Repeat, Request
from heymarket_async.sending import WAIT_S, Search
from heymarket_async.timestamps import Began
from heymarket_async.transport.account import bound_to_account
from heymarket_async.transport.sends import SEARCHED_S
from heymarket_async.walk.rows import RowFields

T = TypeVar("T")

_SEND = "/v1/message/send"

SEND = Endpoint("POST", _SEND, SentMessage, Repeat.UNSAFE)
COMMENT = Endpoint("POST", _SEND, SentMessage, Repeat.UNSAFE)
BROADCAST = Endpoint("POST", _SEND, SentMessage, Repeat.IDEMPOTENT)
PAGE = Endpoint("POST", "/v1/messages/all", list[Message], Repeat.READ)
COUNT = Endpoint("POST", "/v1/messages/all/count", int, Repeat.READ)


class MessagesQuery(TypedDict, total=False):
    """The parameters of `Messages.page`.

    Attributes:
        created_at: The `date` of the last message of the page before; text is sent unchanged.
            Without it, the page has the newest messages.
        order: "created_at" or "updated_at".
        ascending: Oldest first. It is not documented on which side of `created_at` the page is
            then.
        limit: Messages on the page, 30 if it is left out; the most is not documented.
        page: Number of the page; not described.
        date: Not described; another name of `created_at`, presumably.
        archived: Not described.
        assigned: Not described.
        filter: Not described.
        id: Not described.
        parent_id: Not described; the id of the conversation, presumably.
    """

    created_at: datetime | str
    order: str
    ascending: bool
    limit: int
    page: int
    date: datetime | str
    archived: bool
    assigned: int
    filter: str
    id: int
    parent_id: int


_KINDS = get_type_hints(MessagesQuery)


class Messages(WholeListing[Message]):
    """Messages: `client.messages`.

    The `date` of `iterate` is the `created_at` of `page`.

    https://developers.heymarket.com/api-reference/messages/list-all
    """

    _list, _model, _surface = PAGE, Message, "messages"
    _fields, _cursor = RowFields(stamp="date", has_rev=False), "created_at"

    async def send(self, message: NewMessage) -> SentMessage:
        """Send a message. The answer means accepted, not delivered.

        It is not repeated once it may have been carried out, since that could send it twice. It
        then raises with `may_have_taken_effect`, and with the message's `local_id`. To have such a
        message looked for and sent again where it is missing, use `send_once`, at once or with the
        same message afterwards. It waits for another call with the same `local_id`, and then sends
        the message whatever became of that.

        Raises:
            BadRequestError: A field is invalid.
            StatusError: Heymarket refused it, for example because the person has opted out; the
                status is not documented. 409 may mean that the `local_id` was sent before.

        https://developers.heymarket.com/api-reference/messages/send
        """
        one_of("message", message, NewMessage)
        async with self._transport.sends.turn(message) as send:
            return await send.attempt(self._send(_send_request(message)))

    async def send_once(
        self,
        message: NewMessage,
        *,
        since: datetime | str | None = None,
        wait_s: float = WAIT_S,
    ) -> SentMessage:
        """Send a message, look for it after a lost answer, and send it again if it is missing.

        It never sends a message twice, as long as a sent message can be seen within `wait_s`: that
        time is not documented. After a lost answer, and after a 409, it looks three times over that
        time. It sends again, with the same `local_id`, only if the answer was lost and the message
        is not there, and at most as often as the client's `retry` says. If a look fails, it raises
        with `may_have_taken_effect`. So it does if an answer of 200-399 was cut or cannot be read,
        and the message is not there: Heymarket most likely has it, so it is not sent again.

        It may be called again with the same message after any error, and after a success. This
        client knows its newest 10,000 results, and returns them again. It looks first for whatever
        it may have sent. A call waits for another one with the same `local_id`.

        Args:
            message: The message. Only its `local_id` says whether it is the same as another one.
            since: A time before the message was first sent, if another process or client may have
                done that. It is then looked for first, back to a minute before this time.
            wait_s: Seconds to wait, in all, before a message that cannot be seen counts as not
                sent. With lost answers it waits that long for each attempt, and once more before
                the first if `since` is given.

        Raises:
            BadRequestError: A field is invalid.
            StatusError: Heymarket refused it, for example because the person has opted out; the
                status is not documented.
            HeymarketError: Any other; with `may_have_taken_effect` if it is unknown whether the
                message was sent. It has the `local_id`.

        https://developers.heymarket.com/api-reference/messages/send
        """
        one_of("message", message, NewMessage)
        seconds_of("wait_s", wait_s)
        first = None if since is None else _began("since", since)
        request, account = _send_request(message), Messages(bound_to_account(self._transport))
        async with self._transport.sends.turn(message) as send:
            return await sending.send_once(
                send,
                lambda: account._send(request),
                lambda began, everywhere: account._find(message, began, everywhere=everywhere),
                self._transport.options.retry,
                since=first,
                call=SEND.call,
                wait_s=wait_s,
            )

    async def broadcast(self, broadcast: NewBroadcast) -> SentMessage:
        """Send a message to each member of a list.

        It is repeated after a lost answer, with the same `local_id`, for which Heymarket sends
        nothing twice. It may be called again with the same broadcast: if this client has sent it,
        it returns that result. An answer of 409 to a repeat means that the broadcast was sent: the
        result then has no `id`. To the first attempt, it means that the `local_id` was used before,
        and raises with `may_have_taken_effect`.

        Raises:
            BadRequestError: A field is invalid.

        https://developers.heymarket.com/guides/broadcast-messages
        """
        one_of("broadcast", broadcast, NewBroadcast)
        request = BROADCAST.request(body=broadcast, about=sending.about(broadcast.local_id))
        async with self._transport.sends.turn(broadcast) as send:
            return send.result or await send.attempt(self._send(request), conflict_ends_repeat=True)

    async def comment(self, comment: NewComment) -> SentMessage:
        """Write a private comment into a conversation. The other side does not get it.

        It is not repeated once it may have been carried out. It then raises with
        `may_have_taken_effect` and `local_id`. Look at the `history` before you try again.

        Raises:
            BadRequestError: A field is invalid.

        https://developers.heymarket.com/guides/send-message
        """
        one_of("comment", comment, NewComment)
        body = {**msgspec.to_builtins(comment), "private": True}
        about = sending.about(comment.local_id, comment.chat_id)
        request = COMMENT.request(body=body, about=about)
        async with self._transport.sends.turn(comment) as send:
            return await send.attempt(self._send(request))

    async def find_sent(
        self, message: NewMessage, *, since: datetime | str | None = None
    ) -> Message | None:
        """Find a sent message by its `local_id`, and return it, or None if it is not there.

        Messages to a phone are searched in its history, and in that of other inboxes if it has no
        message from before: the conversation may have been transferred. All others are searched
        among the newest messages of the account.

        Args:
            message: The message; only its `local_id` counts, and where it was sent.
            since: A time before the message was sent, by default an hour ago. The search goes back
                to a minute before it.

        Raises:
            HeymarketError: Any, with the `local_id`; also if a message that may be this one does
                not show its `local_id`.

        https://developers.heymarket.com/api-reference/messages/get-history
        """
        one_of("message", message, NewMessage)
        began = timestamps.seconds_ago(SEARCHED_S) if since is None else _began("since", since)
        account = Messages(bound_to_account(self._transport))
        try:
            return await account._search(message, began)
        except HeymarketError as error:
            error.local_id = message.local_id
            raise

    async def history(
        self, phone: str, inbox_id: int, *, before: datetime | str | None = None
    ) -> list[Message]:
        """Get the newest messages with a phone, at most 50.

        Args:
            phone: E.164 digits; one leading plus is removed.
            inbox_id: The inbox.
            before: Only messages before this time. Heymarket takes whole seconds: a fraction is
                rounded up.

        https://developers.heymarket.com/api-reference/messages/get-history
        """
        return await self._history(phone, inbox_id, _second_of(before))

    async def iterate_history(
        self, phone: str, inbox_id: int, *, before: datetime | str | None = None
    ) -> AsyncGenerator[Message]:
        """Walk over all messages with a phone, newest first, and give each message once.

        Heymarket's cursor has whole seconds, so the second of the last message is asked for again.

        Args:
            phone: E.164 digits; one leading plus is removed.
            inbox_id: The inbox.
            before: Only messages before this time, as for `history`.

        Raises:
            PaginationError: Messages could be missing: a second has as many as a page, or a page
                has no time or is not sorted.

        https://developers.heymarket.com/api-reference/messages/get-history
        """
        async with aclosing(self._history_pages(phone, inbox_id, before)) as pages:
            async for page in pages:
                for row in sorted(page, key=_time, reverse=True):
                    yield row

    @overload
    async def page(self, **query: Unpack[MessagesQuery]) -> list[Message]: ...
    @overload
    async def page(self, *, returns: type[T], **query: Unpack[MessagesQuery]) -> list[T]: ...
    async def page(
        self, *, returns: type[object] = Message, **query: Unpack[MessagesQuery]
    ) -> Sequence[object]:
        """Get one page of the account's messages. Use `iterate` to get all of them without a gap.

        Elements that are not objects are left out, except with `msgspec.Raw`.

        Args:
            returns: A subclass of `Message` with more fields, or `msgspec.Raw`.
            **query: See `MessagesQuery`.

        https://developers.heymarket.com/api-reference/messages/list-all
        """
        return await self._page(query, _KINDS, returns)

    async def count(self, *, date: datetime | str | None = None) -> int:
        """Count the messages that were created before a time, or all.

        A number and a number as text are both read; the documentation shows a text. An empty text
        raises, since it need not mean 0.

        Raises:
            DecodeError: The answer is not a number.

        https://developers.heymarket.com/api-reference/messages/count
        """
        body = {} if date is None else {"date": timestamps.to_text("date", date)}
        return await self._send(COUNT.request(body=body))

    async def _history(self, phone: str, inbox_id: int, before: int | None) -> list[Message]:
        return await self._send(history_request(phone, inbox_id, before, Message))

    async def _history_pages(
        self, phone: str, inbox_id: int, before: datetime | str | None = None
    ) -> AsyncGenerator[list[Message]]:
        """Yield the new messages of each page, in the server's order."""
        asked = _second_of(before)
        known, until = set[object](), None
        pages = HistoryPages(HISTORY.call)
        while rows := await self._history(phone, inbox_id, asked):
            seconds = [int(_time(row)) for row in rows if row.created_at]
            pages.check(seconds, len(rows), until=until)
            if new := [row for row in rows if _key(row) not in known]:
                yield new
            known = set(map(_key, rows))
            if not seconds:
                raise stuck(HISTORY.call, "lists messages without a time")
            until = min(seconds)
            if asked is None or until + 1 < asked:
                asked = until + 1
                continue
            # Nothing older was listed. Either that is all, or a second has more than fit.
            below = await self._history(phone, inbox_id, until)
            if any(_key(row) not in known for row in below):
                raise stuck(HISTORY.call, "has more messages in one second than it lists at once")
            return

    async def _find(
        self, message: NewMessage, began: Began, *, everywhere: bool
    ) -> SentMessage | None:
        found = await self._search(message, began, everywhere=everywhere)
        return None if found is None else sending.as_sent(found)

    async def _search(
        self, message: NewMessage, began: Began, *, everywhere: bool = True
    ) -> Message | None:
        """Return a message that was sent, if it is there.

        Args:
            message: The message.
            began: When it was sent, or earlier.
            everywhere: Look in other inboxes too, where they may have it.
        """
        transport, phone = self._transport, message.phone_number
        call = (PAGE if phone is None else HISTORY).call
        search = Search(message.local_id, began, call, transport.options.on_attempt)
        options = replace(transport.options, on_attempt=search.note)
        messages = Messages(transport.with_options(options))
        # Up to three requests, as a rule; the list of the whole account may take many.
        if phone is None:
            return await search.first(messages._newest_pages())
        found = await search.first(messages._history_pages(phone, message.inbox_id))
        if found is not None or search.has_seen_older or not everywhere:
            return found
        # A conversation moves as a whole. So if it had still been here, older messages would be.
        for inbox_id in await other_inboxes(messages._transport, message.inbox_id):
            found = await search.first(messages._history_pages(phone, inbox_id))
            if found is not None:
                return found
        return None

    async def _newest_pages(self) -> AsyncGenerator[list[Message]]:
        """Yield the messages of the account, newest first."""
        async for page in self.iterate().pages():
            if _time(page.items[0]) < _time(page.items[-1]):
                raise stuck(
                    PAGE.call, "lists the oldest messages first, so the newest are far away"
                )
            yield page.items


def _send_request(message: NewMessage) -> Request[SentMessage]:
    about = sending.about(message.local_id, message.chat_id)
    return SEND.request(body=message, about=about)


def _second_of(before: datetime | str | None) -> int | None:
    """Return the Unix time of a moment, rounded up: Heymarket takes whole seconds."""
    return None if before is None else ceil(_moment("before", before).timestamp())


def _began(name: str, value: datetime | str) -> Began:
    """Return a time of this machine's clock, to be compared with the server's.

    A time to come is of a clock that is ahead by that much or more, so it counts as long ago.
    """
    now = timestamps.began().wall
    return timestamps.seconds_ago(abs(now - _moment(name, value).timestamp()))


def _moment(name: str, value: datetime | str) -> datetime:
    return timestamps.parse(timestamps.to_text(name, value))


def _key(row: Message) -> object:
    # A server may leave the ids out, or fill them with zeros.
    return row.id or msgspec.json.encode(row)


def _time(row: Message) -> float:
    return row.created_at.timestamp() if row.created_at is not None else 0.0

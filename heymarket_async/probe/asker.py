"""Sends the requests of a probe: reads only, and no more than a number."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import msgspec
from multidict import MultiMapping

from heymarket_async.client import HeymarketClient, transport_of
from heymarket_async.decoding import mending
from heymarket_async.errors import (
    AuthenticationError,
    DecodeError,
    NoResponseError,
    RateLimitError,
    ServerError,
    StatusError,
)
from heymarket_async.request import Endpoint, Repeat, Request
from heymarket_async.transport.account import bound_to_account
from heymarket_async.transport.http import Answer
from heymarket_async.transport.watched import watched
from heymarket_async.walk.rows import RowFields, Rows, reader

_REST_S = 0.5
_NO_ROWS = Rows([], [], [], [])
_ABOUT_THE_CALL = (StatusError, NoResponseError, DecodeError)
_ABOUT_NO_CALL = frozenset({429, 502, 503, 504})
_MAY_BE_CHANCE = (ServerError, RateLimitError, NoResponseError)


class CouldNotTellError(Exception):
    """A fact stays open; the message says why."""


class Head(msgspec.Struct, frozen=True):
    """The head of an answer, and the size of its body in bytes."""

    status: int
    headers: MultiMapping[str]
    size: int


class Reply(msgspec.Struct, frozen=True):
    """An answer.

    Attributes:
        status: Its status.
        form: The form of an answer that holds nothing, as `ApiProfile` writes it; None if it holds
            something.
        value: Its content, if it is JSON and not a list.
        rows: The rows of a list whose timestamp is a time.
        size: How many elements the list has, each id once.
        is_list: It is a list, perhaps an empty one.
    """

    status: int
    form: str | None = None
    value: object = None
    rows: Rows = _NO_ROWS
    size: int = 0
    is_list: bool = False

    @property
    def is_ok(self) -> bool:
        """Whether it is a success."""
        return 200 <= self.status <= 299

    def checked(self) -> Reply:
        """Return it, if it is a list.

        Raises:
            CouldNotTellError: It is not.
        """
        if not self.is_list:
            raise CouldNotTellError(f"the server answered {self.status}, and no list")
        return self


class Asker:
    """Asks the account of a client.

    Args:
        client: The client.
        most: The most requests to send.
        on_request: Called before each request with its number, or None.

    Attributes:
        sent: How many requests were sent, those that were sent again included.
        heads: The heads of all answers.
        times: All timestamps that were seen.
    """

    def __init__(
        self,
        client: HeymarketClient,
        most: int,
        on_request: Callable[[int], object] | None = None,
    ) -> None:
        self.sent = 0
        self.heads: list[Head] = []
        self.times: set[str] = set()
        self._most = most
        self._on_request = on_request
        self._last: Answer | None = None
        transport = watched(transport_of(client), self._count, self._note)
        self._transport = bound_to_account(transport)

    @property
    def was_refused(self) -> bool:
        """Whether an answer was a 429."""
        return any(head.status == 429 for head in self.heads)

    async def ask(self, endpoint: Endpoint[Any], body: object = msgspec.UNSET, **ids: Any) -> Reply:
        """Ask, once more if it failed by chance, and return the answer.

        Raises:
            CouldNotTellError: No whole answer came, or all requests are used up.
            HeymarketError: Nothing can be asked: no connection, or wrong credentials.
        """
        # Without `one` and `id_fields`, an answer about nothing is an answer too.
        bare = Endpoint(endpoint.method, endpoint.path, msgspec.Raw, endpoint.repeat)
        request = bare.request(body=body, **ids)
        if request.repeat is not Repeat.READ:
            raise ValueError(f"{request.call} is not a read")
        is_large = isinstance(body, dict) and "limit" in body
        error = await self._send(request)
        # A 429 may be because of the `limit`, and then the next one would be answered so too.
        is_too_much = isinstance(error, RateLimitError) and is_large
        if isinstance(error, _MAY_BE_CHANCE) and not is_too_much:
            await asyncio.sleep(_REST_S)
            error = await self._send(request)
        if self._last is None or isinstance(error, NoResponseError):
            raise CouldNotTellError("no whole answer came")
        if self._last.status in _ABOUT_NO_CALL:
            raise CouldNotTellError(f"the server answered {self._last.status}")
        reply = _reply(self._last)
        self.times.update(reply.rows.times)
        return reply

    async def page(self, endpoint: Endpoint[Any], **body: object) -> Reply:
        """Ask for a page of a list; parameters that are None are not sent."""
        return await self.ask(
            endpoint, {name: each for name, each in body.items() if each is not None}
        )

    async def _send(self, request: Request[msgspec.Raw]) -> Exception | None:
        self._last = None
        try:
            await self._transport.send(request, may_repeat=False)
        except _ABOUT_THE_CALL as error:
            is_about_all = not any(200 <= head.status <= 299 for head in self.heads)
            if isinstance(error, AuthenticationError) and is_about_all:
                raise
            return error
        return None

    def _count(self) -> None:
        if self.sent >= self._most:
            raise CouldNotTellError(f"all {self._most} requests were used up")
        self.sent += 1
        if self._on_request is not None:
            self._on_request(self.sent)

    def _note(self, answer: Answer) -> None:
        self._last = answer
        self.heads.append(Head(answer.status, answer.headers, len(answer.body)))


_read_rows = reader(RowFields()).of_raw


def _reply(answer: Answer) -> Reply:
    status, body = answer.status, answer.body.strip()
    if not 200 <= status <= 299:
        return Reply(status, str(status))
    if status == 204 or not body:
        return Reply(status, "204" if status == 204 else "empty", is_list=True)
    try:
        if body.startswith(b"["):
            rows = _read_rows(mending.rows(body))
            size = len(set(rows.ids)) + rows.left_out
            form = None if size else "[]"
            return Reply(status, form, rows=_placed(rows), size=size, is_list=True)
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Reply(status)
    form = _form_of(value)
    return Reply(status, form, value, is_list=form in {"null", "{}"})


def _placed(rows: Rows) -> Rows:
    """Return the rows whose timestamp is a time."""
    if not rows.unplaced:
        return rows
    return rows.only([place for place in range(len(rows.ids)) if place not in rows.unplaced])


def _form_of(value: object) -> str | None:
    if value is None or value in ({}, ""):
        return msgspec.json.encode(value).decode()
    if value == {"contact": None}:
        return "contact"
    if not isinstance(value, dict):
        return None
    fields = cast("dict[str, object]", value)
    if isinstance(fields.get("error"), str):
        return "error"
    return "id" if fields.get("id") == 0 else None

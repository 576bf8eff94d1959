"""Conversations: listed, read, and handed on.

https://developers.heymarket.com/concepts/conversations
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Required, TypedDict, TypeVar, Unpack, cast, overload

from heymarket_async import timestamps
from heymarket_async.checks import id_of, is_int, list_of, one_of, phone_digits
from heymarket_async.endpoints.listing import Listing
from heymarket_async.models.message import Conversation
from heymarket_async.request import Endpoint, Repeat
from heymarket_async.walk.rows import RowFields
from heymarket_async.walk.walk import Walk

T = TypeVar("T")

_IDS, _NOTHING = {"id": "id"}, type(None)

PAGE = Endpoint("POST", "/v1/conversations", list[Conversation], Repeat.READ)
COUNT = Endpoint("POST", "/v1/conversations/count", int, Repeat.READ)
GET = Endpoint("GET", "/v1/conversations/{id}", Conversation, Repeat.READ, one=True, id_fields=_IDS)
OPEN = Endpoint("POST", "/v1/conversations/open", _NOTHING, Repeat.IDEMPOTENT)
CLOSE = Endpoint("POST", "/v1/conversations/close", _NOTHING, Repeat.IDEMPOTENT)
MARK_READ = Endpoint("POST", "/v1/conversations/read", _NOTHING, Repeat.IDEMPOTENT)
MARK_UNREAD = Endpoint("POST", "/v1/conversations/unread", _NOTHING, Repeat.IDEMPOTENT)
REASSIGN = Endpoint("POST", "/v1/conversations/reassign", _NOTHING, Repeat.IDEMPOTENT)
TRANSFER = Endpoint("POST", "/v1/conversations/transfer", _NOTHING, Repeat.IDEMPOTENT)


class ConversationFilters(TypedDict, total=False):
    """The arguments that choose conversations.

    Attributes:
        inboxes: The ids of their inboxes.
        user_id: The user who asks, a member of these inboxes. 0, for nobody, is in an example of
            the documentation; it is the default.
        closed: Only closed ones, or only open ones.
        unread: Only those that the user has not read.
    """

    inboxes: Required[Sequence[int]]
    user_id: int
    closed: bool
    unread: bool


class Conversations(Listing[Conversation]):
    """Conversations: `client.conversations`.

    Calls that name a conversation by its other side take either `target`, a phone as E.164 digits
    or an address, or `targets`, those of a group.
    """

    _list, _model, _surface = PAGE, Conversation, "conversations"
    _fields = RowFields(has_rev=False)
    _is_size_documented, _can_grow = False, False

    @overload
    async def page(
        self, *, date: datetime | str | None = ..., **filters: Unpack[ConversationFilters]
    ) -> list[Conversation]: ...
    @overload
    async def page(
        self,
        *,
        date: datetime | str | None = ...,
        returns: type[T],
        **filters: Unpack[ConversationFilters],
    ) -> list[T]: ...
    async def page(
        self,
        *,
        inboxes: Sequence[int],
        user_id: int = 0,
        closed: bool | None = None,
        unread: bool | None = None,
        date: datetime | str | None = None,
        returns: type[object] = Conversation,
    ) -> Sequence[object]:
        """Get one page of conversations, the last updated first. See `iterate` for all of them.

        Args:
            inboxes: The ids of their inboxes.
            user_id: The user who asks, a member of these inboxes; 0 for nobody.
            closed: Only closed ones, or only open ones.
            unread: Only those that the user has not read.
            date: Only those updated before this time: the `updated` of the last conversation of
                the page before. Text is sent unchanged.
            returns: A subclass of `Conversation` with more fields, or `msgspec.Raw`.

        https://developers.heymarket.com/api-reference/conversations/list
        """
        body = _filters(inboxes, user_id, closed=closed, unread=unread)
        if date is not None:
            body["date"] = timestamps.to_text("date", date)
        return await self._send(PAGE.listing(returns).request(body=body))

    @overload
    def iterate(
        self,
        *,
        date: datetime | str | None = ...,
        cursor: str | None = ...,
        **filters: Unpack[ConversationFilters],
    ) -> Walk[Conversation]: ...
    @overload
    def iterate(
        self,
        *,
        date: datetime | str | None = ...,
        cursor: str | None = ...,
        returns: type[T],
        **filters: Unpack[ConversationFilters],
    ) -> Walk[T]: ...
    def iterate(
        self,
        *,
        inboxes: Sequence[int],
        user_id: int = 0,
        closed: bool | None = None,
        unread: bool | None = None,
        date: datetime | str | None = None,
        cursor: str | None = None,
        returns: type[object] = Conversation,
    ) -> object:
        """Walk over all conversations that the filters choose, the last updated first.

        A conversation moves to the front whenever something happens in it. If it was given already,
        and the walk meets it again, it comes again with its new `updated`. If it was not given yet,
        this walk does not give it: to get those, walk again until the `updated` of the first
        conversation of this walk. They have no `rev`, so a version is known by `id` and `updated`.

        Args:
            inboxes: The ids of their inboxes.
            user_id: The user who asks, a member of these inboxes; 0 for nobody.
            closed: Only closed ones, or only open ones.
            unread: Only those that the user has not read.
            date: Only those updated before this time.
            cursor: The `cursor` of an earlier walk with the same filters, to resume it.
            returns: A subclass of `Conversation` with more fields, another struct that has `id` and
                `updated`, or `msgspec.Raw` for each conversation as the server sent it.

        Raises:
            ValueError: The cursor is from a walk with other filters.
            PaginationError: While walking: the server cannot be walked without a gap. This error,
                and any other that ends the walk, has the `cursor` to resume from.

        https://developers.heymarket.com/api-reference/conversations/list
        """
        filters = _filters(inboxes, user_id, closed=closed, unread=unread)
        return self._walk({"date": date, "cursor": cursor}, returns, filters)

    async def get(self, conversation_id: int) -> Conversation:
        """Get a conversation.

        Raises:
            NotFoundError: No conversation has this id.

        https://developers.heymarket.com/api-reference/conversations/get
        """
        return await self._send(GET.request(id=conversation_id))

    async def count(self, *, date: datetime | str | None = None) -> int:
        """Count the conversations of the team that were updated before a time, or all.

        The documentation shows no answer; a number and a number as text are both read. An empty
        text raises, since it need not mean 0.

        Raises:
            DecodeError: The answer is not a number.

        https://developers.heymarket.com/api-reference/conversations/list
        """
        body = {} if date is None else {"date": timestamps.to_text("date", date)}
        return await self._send(COUNT.request(body=body))

    async def open(
        self,
        *,
        inbox_id: int,
        user_id: int,
        chat_id: int | None = None,
        target: str | None = None,
        targets: Sequence[str] | None = None,
    ) -> None:
        """Open a conversation; give one of `chat_id`, `target` and `targets`.

        Args:
            inbox_id: Its inbox.
            user_id: The user who opens it.
            chat_id: The id of the conversation.
            target: The phone or the address of the other side.
            targets: Those of a group.

        https://developers.heymarket.com/api-reference/conversations/open-close
        """
        body = _body(inbox_id, user_id, chat_id=chat_id, target=target, targets=targets)
        await self._send(OPEN.request(body=body))

    async def close(
        self,
        *,
        inbox_id: int,
        user_id: int,
        chat_id: int | None = None,
        target: str | None = None,
        targets: Sequence[str] | None = None,
    ) -> None:
        """Close a conversation; for the arguments see `open`.

        https://developers.heymarket.com/api-reference/conversations/open-close
        """
        body = _body(inbox_id, user_id, chat_id=chat_id, target=target, targets=targets)
        await self._send(CLOSE.request(body=body))

    async def mark_read(
        self,
        *,
        inbox_id: int,
        user_id: int,
        target: str | None = None,
        targets: Sequence[str] | None = None,
    ) -> None:
        """Mark a conversation as read; give either `target` or `targets`.

        Args:
            inbox_id: Its inbox.
            user_id: The user for whom it counts as read.
            target: The phone or the address of the other side.
            targets: Those of a group.

        https://developers.heymarket.com/api-reference/conversations/mark-read
        """
        body = _body(inbox_id, user_id, target=target, targets=targets)
        await self._send(MARK_READ.request(body=body))

    async def mark_unread(
        self,
        *,
        inbox_id: int,
        user_id: int,
        target: str | None = None,
        targets: Sequence[str] | None = None,
    ) -> None:
        """Mark a conversation as not read; for the arguments see `mark_read`.

        https://developers.heymarket.com/api-reference/conversations/mark-read
        """
        body = _body(inbox_id, user_id, target=target, targets=targets)
        await self._send(MARK_UNREAD.request(body=body))

    async def reassign(
        self,
        *,
        inbox_id: int,
        user_id: int,
        reassign_id: int,
        target: str | None = None,
        targets: Sequence[str] | None = None,
    ) -> None:
        """Assign a conversation to another user; give either `target` or `targets`.

        It is repeated after a lost answer. If Heymarket refuses the repeat because the first
        attempt took effect, the error has `may_have_taken_effect`: `get` the conversation then.

        Args:
            inbox_id: Its inbox.
            user_id: The user it is assigned to now.
            reassign_id: The user to assign it to.
            target: The phone or the address of the other side.
            targets: Those of a group.

        https://developers.heymarket.com/api-reference/conversations/reassign
        """
        body = _body(inbox_id, user_id, target=target, targets=targets)
        body["reassign_id"] = id_of("reassign_id", reassign_id)
        await self._send(REASSIGN.request(body=body))

    async def transfer(self, conversation_id: int, *, inbox_id: int) -> None:
        """Move a conversation to another inbox; text messages only.

        Heymarket refuses it if the other inbox has a conversation with this person already. It is
        repeated after a lost answer. If Heymarket refuses the repeat because the first attempt took
        effect, the error has `may_have_taken_effect`: `get` the conversation then.

        Args:
            conversation_id: The conversation.
            inbox_id: The inbox to move it to.

        https://developers.heymarket.com/api-reference/conversations/transfer
        """
        body = {
            "conversation_id": id_of("conversation_id", conversation_id),
            "transfer_inbox_id": id_of("inbox_id", inbox_id),
        }
        await self._send(TRANSFER.request(body=body))


def _filters(
    inboxes: Sequence[int], user_id: int, *, closed: bool | None, unread: bool | None
) -> dict[str, object]:
    """Return the part of a body that chooses conversations.

    Raises:
        ValueError: An argument breaks its rule.
    """
    ids = [id_of("each of inboxes", each) for each in list_of("inboxes", inboxes, int)]
    if not ids:
        raise ValueError("inboxes must be a list of at least one id")
    if not is_int(user_id) or user_id < 0:
        raise ValueError("user_id must be an integer of at least 0")
    given = {"closed": closed, "unread": unread}
    flags = {name: one_of(name, each, bool) for name, each in given.items() if each is not None}
    # Sorted, since a cursor is bound to these filters.
    return {"id": user_id, "filters": {"inboxes": sorted(set(ids)), **flags}}


def _body(
    inbox_id: int, user_id: int, *, targets: Sequence[str] | None, **one: int | str | None
) -> dict[str, object]:
    """Return the body of a call that names a conversation in one of several ways.

    Raises:
        ValueError: It is named in no way, or in several; or an argument breaks its rule.
    """
    named: dict[str, object] = {name: value for name, value in one.items() if value is not None}
    if targets is not None:
        listed = list_of("targets", targets, str)
        named["targets"] = [_target("each of targets", each) for each in listed]
    if len(named) != 1 or named.get("targets") == []:
        raise ValueError(f"exactly one of {', '.join(one)} and targets is needed")
    if "chat_id" in named:
        id_of("chat_id", named["chat_id"])
    elif "target" in named:
        named["target"] = _target("target", named["target"])
    return {
        "inbox_id": id_of("inbox_id", inbox_id),
        "user_id": id_of("user_id", user_id),
        **named,
    }


def _target(name: str, value: object) -> str:
    """Return a phone as its digits, or an address, which has letters, as it is."""
    if isinstance(value, str) and any(map(str.isalpha, value)):
        return value
    return phone_digits(cast(str, value), name)

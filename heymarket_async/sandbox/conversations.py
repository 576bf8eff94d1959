"""Conversations: reading them, and the acts of the team on them.

Sources: the pages list, get, open-close, mark-read, reassign and transfer below
https://developers.heymarket.com/api-reference/conversations/
"""

from collections.abc import Callable
from typing import TypeVar

from msgspec import Raw, Struct

from heymarket_async.sandbox import chats
from heymarket_async.sandbox.conversation_table import Conversation
from heymarket_async.sandbox.routes import Answer, Call, ListIn, Refused, integer, route

Acted = TypeVar("Acted", bound="ActIn")
TARGETS = ("chat_id", "target", "targets")


class FiltersIn(Struct, frozen=True, kw_only=True):
    """Which conversations are listed; without `closed`, both open and closed ones."""

    inboxes: list[int]
    closed: bool | None = None
    unread: bool | None = None


class ConversationsIn(ListIn, frozen=True, kw_only=True):
    """A page of conversations; `id` is a user who is a member of the inboxes, or 0."""

    id: int
    filters: FiltersIn


class ActIn(Struct, frozen=True, kw_only=True):
    """A conversation, and the user who acts on it."""

    inbox_id: int
    user_id: int
    target: str | None = None
    targets: list[str] | None = None


class OpenIn(ActIn, frozen=True, kw_only=True):
    """A conversation to open or to close, which may be named by its id as well."""

    chat_id: int | None = None


class ReassignIn(ActIn, frozen=True, kw_only=True):
    """A conversation, its owner now, and its new owner."""

    reassign_id: int


class TransferIn(Struct, frozen=True, kw_only=True):
    """A conversation and its new inbox."""

    conversation_id: int
    transfer_inbox_id: int


@route("POST /v1/conversations")
def list_page(call: Call) -> object:
    """List a page of conversations, the last one that was written first."""
    asked = call.parse(ConversationsIn)
    for inbox_id in asked.filters.inboxes:
        inbox = call.account.team.inboxes.get(inbox_id)
        if inbox is None or (asked.id and asked.id not in inbox.members):
            raise Refused(403, "id: is not a member of the inboxes")
    conversations = call.account.conversations
    return call.page(conversations, asked, chats.paging(call), only=_filter(asked))


@route("POST /v1/conversations/count")
def count(call: Call) -> object:
    """Count all conversations, or those updated before `date`."""
    before = call.parse_list(ListIn).cursor
    return chats.counted(call, call.account.conversations.count(before=before))


@route("GET /v1/conversations/{id}")
def get(call: Call) -> object:
    """Show a conversation."""
    key = integer(call.path["id"], "id")
    row = chats.by_id(call, key, inbox_id=None, name="id")
    return Answer(200, call.account.conversations.shown(row))


@route("POST /v1/conversations/open")
def open_(call: Call) -> object:
    """Open a conversation."""
    return _close(call, is_closed=False)


@route("POST /v1/conversations/close")
def close(call: Call) -> object:
    """Close a conversation."""
    return _close(call, is_closed=True)


@route("POST /v1/conversations/read")
def mark_read(call: Call) -> object:
    """Mark a conversation as read by a user; its place in lists stays."""
    asked, row = _found(call, ActIn)
    row.unread.discard(asked.user_id)
    call.account.conversations.save(row)
    return "ok"


@route("POST /v1/conversations/unread")
def mark_unread(call: Call) -> object:
    """Mark a conversation as unread by a user; its place in lists stays."""
    asked, row = _found(call, ActIn)
    row.unread.add(asked.user_id)
    call.account.conversations.save(row)
    return "ok"


@route("POST /v1/conversations/reassign")
def reassign(call: Call) -> object:
    """Give a conversation to another member."""
    asked, row = _found(call, ReassignIn)
    chats.check_member(call, asked.inbox_id, asked.reassign_id, ("inbox_id", "reassign_id"))
    if row.assigned == asked.reassign_id:
        return _repeated(call, "reassign_id: has the conversation already")
    row.assigned = asked.reassign_id
    return _written(call, row, "chat_reassigned")


@route("POST /v1/conversations/transfer")
def transfer(call: Call) -> object:
    """Put a conversation into another inbox."""
    asked = call.parse(TransferIn)
    row = chats.by_id(call, asked.conversation_id, inbox_id=None, name="conversation_id")
    conversations = call.account.conversations
    if asked.transfer_inbox_id not in call.account.team.inboxes:
        raise Refused(400, "transfer_inbox_id: no such inbox")
    if row.channel != "sms":
        raise Refused(400, "conversation_id: only conversations by SMS can be transferred")
    if row.inbox_id == asked.transfer_inbox_id:
        return _repeated(call, "transfer_inbox_id: has the conversation already")
    if conversations.with_targets(asked.transfer_inbox_id, row.targets) is not None:
        raise Refused(400, "transfer_inbox_id: has a conversation with this person")
    conversations.move(row, asked.transfer_inbox_id, conversations.stamp(call.now))
    call.account.webhooks.emit("chat_transferred", Raw(row.line))
    return "ok"


def _filter(asked: ConversationsIn) -> Callable[[Conversation], bool]:
    filters = asked.filters
    inboxes = set(filters.inboxes)

    def is_listed(row: Conversation) -> bool:
        is_unread = asked.id in row.unread if asked.id else bool(row.unread)
        return (
            row.inbox_id in inboxes
            and filters.closed in {None, row.is_closed}
            and (is_unread or not filters.unread)
        )

    return is_listed


def _found(call: Call, kind: type[Acted]) -> tuple[Acted, Conversation]:
    """Return the body of an act, and its conversation, or refuse."""
    asked = call.parse(kind)
    chats.check_member(call, asked.inbox_id, asked.user_id, ("inbox_id", "user_id"))
    name = chats.one_of(asked, tuple(each for each in TARGETS if each in kind.__struct_fields__))
    if isinstance(asked, OpenIn) and asked.chat_id is not None:
        return asked, chats.by_id(call, asked.chat_id, inbox_id=asked.inbox_id, name=name)
    targets = (asked.target,) if asked.target is not None else tuple(asked.targets or ())
    row = call.account.conversations.with_targets(asked.inbox_id, tuple(dict.fromkeys(targets)))
    return asked, call.existing(row, "conversation")


def _close(call: Call, *, is_closed: bool) -> object:
    _, row = _found(call, OpenIn)
    if row.is_closed == is_closed:
        return "ok"
    row.is_closed = is_closed
    return _written(call, row, "chat_closed" if is_closed else "chat_opened")


def _written(call: Call, row: Conversation, kind: str) -> object:
    """Store a changed conversation under a new `updated`, and tell the webhooks."""
    conversations = call.account.conversations
    conversations.save(row, conversations.stamp(call.now))
    call.account.webhooks.emit(kind, Raw(row.line))
    return "ok"


def _repeated(call: Call, message: str) -> object:
    """Answer an act that changes nothing."""
    if call.readings.reassign_repeat == "refused":
        raise Refused(400, message)
    return "ok"

"""Pages, counts and checks, which the calls of messages and of conversations share."""

from collections.abc import Collection
from typing import Literal

from heymarket_async.sandbox.conversation_table import Conversation
from heymarket_async.sandbox.routes import Call, Paging, Refused


def paging(call: Call, cursor: Literal["order", "before", "after"] = "order") -> Paging:
    """Return the paging of messages and conversations: the newest are first."""
    return Paging(newest_first=True, page_base=call.readings.chat_page_base, cursor=cursor)


def counted(call: Call, number: int) -> object:
    """Return a count in the form of the readings."""
    forms: dict[str, object] = {"text": str(number), "int": number, "empty": ""}
    return forms[call.readings.chat_counts]


def check_member(call: Call, inbox_id: int, user_id: int, names: tuple[str, str]) -> None:
    """Refuse an inbox that does not exist, and a user who does not belong to it.

    `names` are the fields that hold the two.
    """
    inbox = call.account.team.inboxes.get(inbox_id)
    if inbox is None:
        raise Refused(400, f"{names[0]}: no such inbox")
    if user_id not in inbox.members:
        raise Refused(400, f"{names[1]}: is not a member of the inbox")


def by_id(call: Call, conversation_id: int, *, inbox_id: int | None, name: str) -> Conversation:
    """Return the conversation with this id, or refuse; None: it may be in any inbox."""
    found = call.existing(call.account.conversations.by_id(conversation_id), "conversation")
    if inbox_id not in {None, found.inbox_id}:
        raise Refused(400, f"{name}: is in another inbox")
    return found


def check_group(phones: Collection[str]) -> None:
    """Refuse a group of one person, or of none."""
    if len(set(phones)) < 2:
        raise Refused(400, "targets: a group has two or more people")


def one_of(sent: object, names: tuple[str, ...]) -> str:
    """Return the name of the one field that was sent, or refuse none and several."""
    given = [name for name in names if getattr(sent, name) is not None]
    if len(given) != 1:
        raise Refused(400, f"{', '.join(names)}: exactly one of them is required")
    return given[0]

"""The team sends: messages are stored, go out, and webhooks tell of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET, Raw

from heymarket_async.sandbox.conversation_table import Conversation
from heymarket_async.sandbox.message_table import (
    BY_API,
    PRIVATE,
    Message,
    MessageRecord,
    Sent,
)
from heymarket_async.sandbox.routes import Account, Call, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message that is about to be sent.

    Attributes:
        text: Its text.
        user: The member who sends it; 0: the other side.
        local_id: The id that the sender gave it; "" if there is none.
        media_url: A picture or file; "" if there is none.
        author: The name to show; "": that of the member.
        broadcast_id: The id of its broadcast; 0: it belongs to none.
        is_private: Whether only the team can see it.
    """

    text: str
    user: int
    local_id: str = ""
    media_url: str = ""
    author: str = ""
    broadcast_id: int = 0
    is_private: bool = False


def send(call: Call, conversation: Conversation, draft: Draft) -> Message:
    """Store a message, and let it go out unless it is private, held back or has no recipient."""
    account, messages = call.account, call.account.messages
    stamp = messages.stamp(call.now)
    record = record_of(call, conversation, draft, stamp)
    if draft.is_private:
        record.type = PRIVATE
    elif opted_out_of(call, conversation.targets):
        record.status, record.raw_error = "failed", "the recipient has opted out"
    elif is_quiet(call) and call.readings.quiet_hours == "queue":
        record.status = "queued"
    row = messages.keep(record, stamp, conversation.id, call.now)
    conversation.replied = True
    account.conversations.save(conversation, account.conversations.stamp(call.now))
    sent = [] if draft.is_private else _one_each(conversation, draft, row.id)
    if sent and record.status == "queued":
        hold_back(account, row, sent)
    elif sent and record.status == "sent":
        _go_out(account, row, sent)
    return row


def hold_back(account: Account, row: Message, sent: list[Sent]) -> None:
    """Let a message go out when the quiet hours end."""
    account.messages.held_back[row.id] = sent
    account.clock.at(account.messages.quiet_until_s, lambda: _release(account, row, sent))


def opted_out_of(call: Call, phones: Sequence[str]) -> list[str]:
    """Return those of some phones whose contact has opted out."""
    found = ((phone, call.contacts.by_phone(phone)) for phone in phones)
    return [
        phone
        for phone, contact in found
        if contact is not None and call.contacts.record(contact).is_opted_out
    ]


def is_quiet(call: Call) -> bool:
    """Return whether these are quiet hours."""
    return call.now < call.account.messages.quiet_until_s


def check_quiet(call: Call) -> None:
    """Refuse a send in quiet hours if the readings say so."""
    if is_quiet(call) and call.readings.quiet_hours == "refuse":
        raise Refused(403, "quiet hours: nothing may be sent now")


def name_of(call: Call, target: str) -> str:
    """Return the name of the contact with this phone or address, or the phone."""
    contact = call.contacts.by_phone(target)
    name = None if contact is None else call.contacts.record(contact).display_name
    return name if isinstance(name, str) and name else target


def record_of(call: Call, row: Conversation, draft: Draft, stamp: int) -> MessageRecord:
    """Return a new message of a conversation, as if the team had sent it."""
    account = call.account
    date = account.messages.written(stamp)
    user = account.team.users.get(draft.user)
    return MessageRecord(
        id=account.messages.new_id(),
        text=draft.text,
        date=date,
        updated=date,
        status="sent",
        type=BY_API,
        channel=row.channel,
        target=row.targets[0],
        targets=list(row.targets) if row.is_group else UNSET,
        phone=account.team.inboxes[row.inbox_id].phone,
        local_id=draft.local_id,
        conversation=account.conversations.part(row),
        user=draft.user,
        author=draft.author or ("" if user is None else user.name),
        broadcast_id=draft.broadcast_id,
        media=[{"url": draft.media_url}] if draft.media_url else [],
    )


def _one_each(row: Conversation, draft: Draft, message_id: int) -> list[Sent]:
    return [
        Sent(
            id=message_id,
            local_id=draft.local_id,
            inbox_id=row.inbox_id,
            phone=target,
            text=draft.text,
            media_url=draft.media_url,
        )
        for target in row.targets
    ]


def _release(account: Account, row: Message, sent: list[Sent]) -> None:
    """Send a message that quiet hours held back."""
    messages = account.messages
    del messages.held_back[row.id]
    record = messages.record(row)
    record.status = "sent"
    messages.change(row, record, account.clock.now)
    _go_out(account, row, sent)


def _go_out(account: Account, row: Message, sent: list[Sent]) -> None:
    account.messages.outbox += sent
    account.webhooks.emit("message_sent", Raw(row.line))

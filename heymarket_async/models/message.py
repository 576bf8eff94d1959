"""Messages and conversations, as answers show them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from heymarket_async.models.answered import Answered, moment


class MessageStatus(StrEnum):
    """The known values of a message's `status`; others may come."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    SEEN = "seen"
    RECEIVING = "receiving"
    UNDELIVERED = "undelivered"
    FAILED = "failed"


class MessageDirection(StrEnum):
    """The known values of a message's `type`; others may come."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    OUTBOUND_API = "outbound-api"
    OUTBOUND_REPLY = "outbound-reply"


class Named(Answered, frozen=True, kw_only=True, gc=False):
    """A person or a thing with an id and a name."""

    id: int | None = None
    name: str | None = None
    email: str | None = None


class Conversation(Answered, frozen=True, kw_only=True, gc=False):
    """A conversation with one person or a group; a field that the server did not send is None.

    Attributes:
        id: Integer id. Sending calls it `chat_id` or `convo_id`.
        assigned: The user it is assigned to: an id, or an object with `id`, `name` and `email`.
        inbox: The inbox it belongs to: an id, or an object with `id` and `name`.
        channel: How it is held: "sms", "mms", "email", "chat"; others may come.
        read: Whether the asking user has read it, or a number; both are documented.
        unread: Not described; a number or true or false.
        unread_users: The ids of users who have not read it, by its name; not described.
        last_inbound: Not described; an integer, by its name about the newest message from the other
            side.
        status: Open or closed; its values are not documented.
        target: The phone or address of the other side.
        targets: Those of a group.
        snooze_till: The end of its snooze; `snooze_till_at` is the datetime.
        created: When it was created; `created_at` is the datetime.
        updated: When it was last written; `updated_at` is the datetime.

    https://developers.heymarket.com/api-reference/conversations/get
    """

    id: int | None = None
    name: str | None = None
    assigned: int | Named | None = None
    inbox: int | Named | None = None
    channel: str | None = None
    type: str | None = None
    status: str | None = None
    target: str | None = None
    targets: list[str] | None = None
    members: list[Named] | None = None
    creator: int | None = None
    local_id: str | None = None
    read: int | bool | None = None
    unread: int | bool | None = None
    unread_users: list[int] | None = None
    replied: bool | None = None
    blocked: bool | None = None
    muted: bool | None = None
    email_noti: bool | None = None
    noreply: str | None = None
    last_inbound: int | None = None
    last_msg: object = None
    snooze_till: str | None = None
    support: bool | None = None
    super: int | None = None
    op: str | None = None
    created: str | None = None
    updated: str | None = None

    @property
    def assigned_id(self) -> int | None:
        """The id of the user it is assigned to, in whichever form the server sent it."""
        return self.assigned.id if isinstance(self.assigned, Named) else self.assigned

    @property
    def inbox_id(self) -> int | None:
        """The id of its inbox, in whichever form the server sent it."""
        return self.inbox.id if isinstance(self.inbox, Named) else self.inbox

    @property
    def created_at(self) -> datetime | None:
        """`created` as an aware datetime in UTC; None if it is not a time, or in year 1."""
        return moment(self.created)

    @property
    def updated_at(self) -> datetime | None:
        """`updated` as an aware datetime in UTC; None if it is not a time, or in year 1."""
        return moment(self.updated)

    @property
    def snooze_till_at(self) -> datetime | None:
        """`snooze_till` as an aware datetime in UTC; None if it is not a time, or in year 1."""
        return moment(self.snooze_till)


class Message(Answered, frozen=True, kw_only=True, gc=False):
    """A message that was sent or received; a field that the server did not send is None.

    Attributes:
        id: Integer id.
        date: When it was created, as the server wrote it; `created_at` is the datetime. It is the
            cursor of the list of messages.
        updated: When it was last written, such as by a new status; `updated_at` is the datetime.
        status: See `MessageStatus`; other values may come.
        type: See `MessageDirection`; other values may come. It is not documented which field says
            the direction.
        channel: Not described; a conversation has a field of this name.
        local_id: The id that the sender gave it; see `NewMessage`.
        conversation: Its conversation.
        user: The id of the team member who sent it.
        author: The name to show for the sender.
        target: The phone or address of the other side.
        targets: Those of a group.
        target_errors: Errors of a group by phone.
        raw_error: The carrier's error, by its name, if it was not delivered; not described.
        broadcast_id: The id of its broadcast, if it is part of one.
        media: The media that are attached; their shape is not documented.
        custom: Not described.

    https://developers.heymarket.com/api-reference/messages/list-all
    """

    id: int | None = None
    text: str | None = None
    date: str | None = None
    updated: str | None = None
    status: str | None = None
    type: str | None = None
    channel: str | None = None
    target: str | None = None
    targets: list[str] | None = None
    phone: str | None = None
    local_id: str | None = None
    conversation: Conversation | None = None
    user: int | None = None
    author: str | None = None
    broadcast_id: int | None = None
    media: object = None
    link_url: str | None = None
    custom: object = None
    target_errors: dict[str, str] | None = None
    raw_error: str | None = None
    flagged: bool | None = None
    hidden: bool | None = None
    support: bool | None = None
    super: int | None = None

    @property
    def created_at(self) -> datetime | None:
        """`date` as an aware datetime in UTC; None if it is not a time, or in year 1."""
        return moment(self.date)

    @property
    def updated_at(self) -> datetime | None:
        """`updated` as an aware datetime in UTC; None if it is not a time, or in year 1."""
        return moment(self.updated)

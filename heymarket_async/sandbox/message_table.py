"""The messages of the account, and those of them that people received."""

import random
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.stamps import of_messages
from heymarket_async.sandbox.table import Content, Stored, Table

INBOUND, OUTBOUND, BY_API, PRIVATE = "inbound", "outbound", "outbound-api", "private"
"""A message's `type`: the first three are documented as directions, without the field's name."""

_encode = msgspec.json.Encoder().encode


class MessageRecord(Struct, kw_only=True):
    """A message as reads show it.

    https://developers.heymarket.com/api-reference/messages/list-all
    """

    id: int
    text: str
    date: str
    updated: str
    status: str
    type: str
    channel: str
    target: str
    targets: list[str] | UnsetType = UNSET
    phone: str
    local_id: str
    conversation: Raw
    user: int
    author: str
    broadcast_id: int = 0
    media: list[dict[str, str]]
    link_url: str = ""
    flagged: bool = False
    hidden: bool = False
    support: bool = False
    super: int = 0
    raw_error: str | UnsetType = UNSET
    target_errors: dict[str, str] | UnsetType = UNSET


_decode = msgspec.json.Decoder(MessageRecord).decode


@dataclass(slots=True)
class Message(Stored):
    """A stored message, sorted by its `date`.

    Attributes:
        line: Its JSON.
        chat_id: Its conversation.
        updated: The stamp of its last change.
    """

    chat_id: int
    updated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message that went out to a person.

    Attributes:
        id: The message's id; all members of a group receive the same one.
        local_id: The id that the sender gave it.
        inbox_id: The inbox that sent it.
        phone: The phone or the e-mail address of the person.
        text: Its text.
        media_url: The picture or file that came with it; "" if there is none.
    """

    id: int
    local_id: str
    inbox_id: int
    phone: str
    text: str
    media_url: str = ""


class Messages(Table[Message]):
    """The messages of the account.

    Attributes:
        outbox: The messages that people received, in order, one entry for each person.
        answers: The first answer to each `local_id`, as JSON.
        quiet_until_s: The end of the quiet hours, in seconds since 1970; 0: there are none.
        held_back: The messages that go out when quiet hours end, one entry for each person.
    """

    def __init__(self, readings: Readings, seed: int, rows: Iterable[Message] = ()) -> None:
        rng = random.Random(seed)  # noqa: S311 - no secret
        super().__init__(of_messages(readings), rng, rows, first_id=900_001)
        self.outbox: list[Sent] = []
        self.answers: dict[str, bytes] = {}
        self.quiet_until_s = 0.0
        self.held_back: dict[int, list[Sent]] = {}
        self._chats: dict[int, Table[Message]] | None = None
        self._changed: Table[Stored] | None = None

    @property
    def by_change(self) -> Table[Stored]:
        """The messages sorted by `updated`."""
        if self._changed is None:
            rows = [_as_changed(row) for row in self._rows]
            self._changed = Table(self.readings, self._rng, rows)
            self._changed.looks = self.looks
        return self._changed

    def of_chat(self, chat_id: int) -> Table[Message]:
        """Return the messages of a conversation."""
        if self._chats is None:
            rows: dict[int, list[Message]] = {}
            for row in self._rows:
                rows.setdefault(row.chat_id, []).append(row)
            self._chats = {key: Table(self.readings, self._rng, rows[key]) for key in rows}
        return self._chats.setdefault(chat_id, Table(self.readings, self._rng))

    def add(self, row: Message, *, seen_from_s: float | None = None) -> None:
        """Store a new message."""
        super().add(row, seen_from_s=seen_from_s)
        if seen_from_s is None:
            if self._chats is not None:
                self.of_chat(row.chat_id).add(row)
            if self._changed is not None:
                self._changed.add(_as_changed(row))

    def restore(self, content: Content[Message]) -> None:
        """Hold the content of another table in place of its own."""
        super().restore(content)
        self._chats = self._changed = None

    def known(self, message_id: int) -> Message | None:
        """Return the message with this id, also one that cannot be seen yet."""
        unseen = (row for _, row in self._unseen if row.id == message_id)
        return self.by_id(message_id) or next(unseen, None)

    def record(self, row: Message) -> MessageRecord:
        """Return a message as a copy that can be changed."""
        return _decode(row.line)

    def change(self, row: Message, record: MessageRecord, now_s: float) -> None:
        """Store a changed message under a new `updated`; its place by `date` stays."""
        row.updated = self.stamp(now_s)
        record.updated = self.written(row.updated)
        row.line = _encode(record)
        if self._changed is not None and self.by_id(row.id) is row:
            self._changed.add(_as_changed(row))

    def keep(self, record: MessageRecord, stamp: int, chat_id: int, now_s: float) -> Message:
        """Store a new message, which may be unseen for a while, as the readings say."""
        row = Message(stamp, record.id, _encode(record), chat_id, stamp)
        delay_s = self.readings.message_delay_s
        self.add(row, seen_from_s=now_s + delay_s if delay_s else None)
        return row


def _as_changed(row: Message) -> Stored:
    return Stored(row.updated, row.id, row.line)

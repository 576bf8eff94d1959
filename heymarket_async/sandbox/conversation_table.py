"""The conversations of the account, one for each inbox and other side."""

import random
from dataclasses import dataclass, field

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.stamps import of_messages
from heymarket_async.sandbox.table import Content, Stored, Table
from heymarket_async.sandbox.team import Team

_NEVER: dict[str, str | None] = {"zero": "0001-01-01T00:00:00Z", "empty": "", "null": None}


class ConversationRecord(Struct, frozen=True, kw_only=True):
    """A conversation as reads show it.

    https://developers.heymarket.com/api-reference/conversations/get
    """

    id: int
    name: str
    assigned: object
    inbox: object
    channel: str
    type: str = "conversation"
    status: str
    target: str
    targets: list[str] | UnsetType = UNSET
    members: list[dict[str, object]]
    creator: int = 0
    local_id: str = ""
    read: int | bool
    unread: int
    unread_users: list[int]
    replied: bool
    blocked: bool = False
    muted: bool = False
    email_noti: bool = False
    noreply: str = ""
    last_inbound: int
    snooze_till: str | None
    support: bool = False
    super: int = 0
    op: str
    created: str
    updated: str


class Part(Struct, frozen=True, kw_only=True):
    """A conversation as its messages show it: what seldom changes."""

    id: int
    name: str
    inbox: object
    channel: str
    target: str
    targets: list[str] | UnsetType = UNSET


@dataclass(slots=True, kw_only=True)
class Conversation(Stored):
    """A stored conversation.

    Attributes:
        line: Its JSON.
        inbox_id: Its inbox.
        targets: The phones or addresses of the other side; several of a group.
        name: The name of the other side.
        channel: "sms", "mms" for a group, or "email".
        created: The stamp of its first message.
        assigned: The member it is assigned to; 0: nobody.
        is_closed: Whether it is closed.
        unread: The members who have not read it.
        last_inbound: The id of the last message that the other side sent; 0: none.
        replied: Whether its last message is the team's.
        rev: How often it was written; not shown.
    """

    inbox_id: int
    targets: tuple[str, ...]
    name: str
    channel: str
    created: int
    assigned: int = 0
    is_closed: bool = False
    unread: set[int] = field(default_factory=set[int])
    last_inbound: int = 0
    replied: bool = True
    rev: int = 1

    @property
    def is_group(self) -> bool:
        """Whether it has more than one other side."""
        return len(self.targets) > 1


class Conversations(Table[Conversation]):
    """The conversations of the account, sorted by `updated`."""

    def __init__(self, readings: Readings, seed: int, team: Team) -> None:
        rng = random.Random(seed)  # noqa: S311 - no secret
        super().__init__(of_messages(readings), rng, first_id=50_001)
        self._team = team
        self._by_targets: dict[tuple[int, tuple[str, ...]], Conversation] = {}

    def with_targets(self, inbox_id: int, targets: tuple[str, ...]) -> Conversation | None:
        """Return the conversation of an inbox with these people, in any order."""
        return self._by_targets.get((inbox_id, tuple(sorted(targets))))

    def with_phone(self, phone: str) -> Conversation | None:
        """Return the newest conversation of any inbox with one person."""
        known = (self.with_targets(inbox_id, (phone,)) for inbox_id in self._team.inboxes)
        return max(filter(None, known), key=lambda row: (row.stamp, row.id), default=None)

    def open(
        self, inbox_id: int, targets: tuple[str, ...], channel: str, name: str, stamp: int
    ) -> Conversation:
        """Return the conversation of an inbox with these people, a new one if there is none."""
        known = self.with_targets(inbox_id, targets)
        if known is not None:
            return known
        conversation = Conversation(
            stamp,
            self.new_id(),
            b"",
            inbox_id=inbox_id,
            targets=targets,
            name=name,
            channel=channel,
            created=stamp,
        )
        self.save(conversation)
        return conversation

    def save(self, row: Conversation, stamp: int | None = None) -> None:
        """Store a conversation whose fields have changed, and render its JSON.

        Args:
            row: The conversation.
            stamp: Its new `updated`, which moves it in the list; None: the old one.
        """
        if self.by_id(row.id) is row:
            self.remove(row)
            row.rev += 1
        row.stamp = row.stamp if stamp is None else stamp
        row.line = msgspec.json.encode(self._record(row))
        self.add(row)
        self._by_targets[row.inbox_id, tuple(sorted(row.targets))] = row

    def move(self, row: Conversation, inbox_id: int, stamp: int) -> None:
        """Put a conversation into another inbox."""
        del self._by_targets[row.inbox_id, tuple(sorted(row.targets))]
        row.inbox_id = inbox_id
        self.save(row, stamp)

    def restore(self, content: Content[Conversation]) -> None:
        """Hold the content of another table in place of its own."""
        super().restore(content)
        self._by_targets = {(row.inbox_id, tuple(sorted(row.targets))): row for row in self._rows}

    def part(self, row: Conversation) -> Raw:
        """Return the JSON of a conversation as its messages show it."""
        part = Part(
            id=row.id,
            name=row.name,
            inbox=self._inbox(row),
            channel=row.channel,
            target=row.targets[0],
            targets=list(row.targets) if row.is_group else UNSET,
        )
        return Raw(msgspec.json.encode(part))

    def _record(self, row: Conversation) -> ConversationRecord:
        users = self._team.users
        is_read = not row.unread
        return ConversationRecord(
            id=row.id,
            name=row.name,
            assigned=self._assigned(row),
            inbox=self._inbox(row),
            channel=row.channel,
            status="closed" if row.is_closed else "open",
            target=row.targets[0],
            targets=list(row.targets) if row.is_group else UNSET,
            members=[
                {"id": member, "name": users[member].name}
                for member in self._team.inboxes[row.inbox_id].members
            ],
            read=is_read if self._shows_objects(row) else int(is_read),
            unread=len(row.unread),
            unread_users=sorted(row.unread),
            replied=row.replied,
            last_inbound=row.last_inbound,
            snooze_till=_NEVER[self.readings.never],
            op="create" if row.rev == 1 else "update",
            created=self.written(row.created),
            updated=self.written(row.stamp),
        )

    def _shows_objects(self, row: Conversation) -> bool:
        shape = self.readings.conversation_shape
        return shape == "objects" or (shape == "mixed" and row.id % 2 == 1)

    def _inbox(self, row: Conversation) -> object:
        if not self._shows_objects(row):
            return row.inbox_id
        return {"id": row.inbox_id, "name": self._team.inboxes[row.inbox_id].name}

    def _assigned(self, row: Conversation) -> object:
        if not self._shows_objects(row):
            return row.assigned
        user = self._team.users.get(row.assigned)
        return None if user is None else {"id": user.id, "name": user.name, "email": user.email}

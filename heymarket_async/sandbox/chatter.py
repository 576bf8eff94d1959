"""Made-up messages between the team and its contacts, in both directions."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from msgspec import Raw

from heymarket_async.sandbox.contacts import Contacts, made_uuid
from heymarket_async.sandbox.conversation_table import Conversation, Conversations
from heymarket_async.sandbox.message_table import INBOUND, OUTBOUND, Message, MessageRecord
from heymarket_async.sandbox.people import earlier, made_up, pick
from heymarket_async.sandbox.stamps import BASE, unit, written
from heymarket_async.sandbox.team import Team

_STRANGERS = ("14155550180", "14155550181", "14155550182")
_STATUSES = ("delivered",) * 12 + ("sent", "sent", "seen", "failed", "undelivered")

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Chat:
    """A conversation that is being made up, with the stamp and the id of its newest message."""

    row: Conversation
    part: Raw
    newest: int
    newest_id: int


class Chatter:
    """Makes up messages and their conversations.

    Args:
        rng: Draws everything.
        contacts: The people who write; three strangers if there are none.
        conversations: Gets the conversations.
        team: Answers them.
    """

    def __init__(
        self,
        rng: random.Random,
        *,
        contacts: Contacts,
        conversations: Conversations,
        team: Team,
    ) -> None:
        self._rng = rng
        self._readings = conversations.readings
        self._conversations = conversations
        self._inboxes = team.inboxes
        self._users = list(team.users.values())
        self._contacts = contacts
        self._people: list[tuple[str, str]] = []
        self._chats: dict[int, _Chat] = {}

    def messages(self, count: int, ties: int) -> list[Message]:
        """Return made-up messages, newest first, and store their conversations."""
        if count == 0:
            return []
        self._people = self._contacts.names() or [(phone, phone) for phone in _STRANGERS]
        stamps = enumerate(_stamps(count, self._rng, ties, unit(self._readings)))
        made = [self._message(900_000 + count - number, stamp) for number, stamp in stamps]
        for chat in self._chats.values():
            self._finish(chat)
        return made

    def _message(self, message_id: int, stamp: int) -> Message:
        rng, readings = self._rng, self._readings
        chat = self._chat(message_id, stamp)
        row = chat.row
        row.created = stamp
        user, updated = None, stamp
        if rng.random() < 0.6:
            user = pick(self._users, rng)
            updated += int(rng.random() * 4_000_000) * 1000  # its status came later
        else:
            row.last_inbound = row.last_inbound or message_id
        record = MessageRecord(
            id=message_id,
            text=pick(made_up().asked if user is None else made_up().answered, rng),
            date=written(stamp, readings),
            updated=written(updated, readings),
            status="delivered" if user is None else pick(_STATUSES, rng),
            type=INBOUND if user is None else OUTBOUND,
            channel=row.channel,
            target=row.targets[0],
            phone=self._inboxes[row.inbox_id].phone,
            local_id=made_uuid(rng),
            conversation=chat.part,
            user=0 if user is None else user.id,
            author="" if user is None else user.name,
            media=[],
        )
        return Message(stamp, message_id, _encode(record), row.id, updated)

    def _chat(self, message_id: int, stamp: int) -> _Chat:
        """Return the conversation that a message belongs to; some people write more than others."""
        person = int(self._rng.random() ** 1.5 * len(self._people))
        if person not in self._chats:
            phone, name = self._people[person]
            inbox_id = list(self._inboxes)[person % len(self._inboxes)]
            row = self._conversations.open(inbox_id, (phone,), "sms", name, stamp)
            part = self._conversations.part(row)
            self._chats[person] = _Chat(row, part, stamp, message_id)
        return self._chats[person]

    def _finish(self, chat: _Chat) -> None:
        """Give a conversation its state, and the stamp of its newest message."""
        draw, row = self._rng.random(), chat.row
        row.replied = row.last_inbound != chat.newest_id
        row.is_closed = draw < 0.2
        row.assigned = pick(self._users, self._rng).id if draw > 0.5 else 0
        row.unread = {user.id for user in self._users} if 0.3 < draw < 0.4 else set()
        self._conversations.save(row, chat.newest)


def _stamps(count: int, rng: random.Random, ties: int, step: int) -> Iterator[int]:
    """Yield stamps from newest to oldest, in groups of `ties` equal ones, or of fewer."""
    stamp, left = BASE, 0
    for number in range(count):
        if left == 0:
            left = ties if ties >= count or rng.random() < 0.5 else rng.randint(1, ties)
            stamp = earlier(stamp, rng, step) if number else stamp
        left -= 1
        yield stamp

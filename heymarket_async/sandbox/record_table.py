"""A table of things that are written as a whole: templates, lists and scheduled messages."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from heymarket_async.sandbox.people import made_up
from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.records import TEAM_ID
from heymarket_async.sandbox.stamps import BASE, SECOND
from heymarket_async.sandbox.table import Stored, Table


def owner_id() -> int:
    """Return the id of the member who owns everything without another owner."""
    return made_up().members[0].id


class Written(Struct, kw_only=True):
    """The read fields that all of these things have; an `id` of 0 is a new thing's."""

    id: int = 0
    local_id: str = ""
    team_id: int = TEAM_ID
    created: str = ""
    updated: str = ""
    rev: int = 1


class Titled(Written, kw_only=True):
    """The read fields of a template or a list; the title is called `name`."""

    name: str
    creator_id: int = msgspec.field(default_factory=owner_id)
    shared: bool = True
    archived: bool = False


@dataclass(slots=True)
class Kept(Stored):
    """A stored thing with the keys that a repeated create is known by."""

    name: str
    local_id: str
    rev: int


R = TypeVar("R", bound=Written)


class Records(Table[Kept], Generic[R]):
    """Stored things of one kind.

    Args:
        kind: The struct that reads show.
        readings: The options for behaviour that the API docs leave open.
        seed: Seed of the order of ties.
        first_id: The id of the first thing.
        seeded: The things at the start, oldest first.
    """

    def __init__(
        self,
        kind: type[R],
        readings: Readings,
        seed: int,
        *,
        first_id: int,
        seeded: Sequence[R] = (),
    ) -> None:
        super().__init__(readings, random.Random(seed), first_id=first_id)  # noqa: S311 - no secret
        self._decode = msgspec.json.Decoder(kind).decode
        for place, record in enumerate(seeded):
            self.put(record, BASE // SECOND + place)

    def record(self, row: Kept) -> R:
        """Return a thing as a copy that can be changed."""
        return self._decode(row.line)

    def put(self, record: R, now_s: float) -> Kept:
        """Store a new thing, or a changed one under its next revision."""
        stamp = self.stamp(now_s)
        record.updated = self.written(stamp)
        if record.id:
            record.rev += 1
        else:
            record.id, record.created = self.new_id(), record.updated
        name = record.name if isinstance(record, Titled) else ""
        line = msgspec.json.encode(record)
        row = Kept(stamp, record.id, line, name, record.local_id, record.rev)
        self.add(row)
        return row

    def titled(self, title: str) -> Kept | None:
        """Return the oldest thing with this title."""
        return next((row for row in self._rows if row.name == title), None)

    def with_local_id(self, local_id: str) -> Kept | None:
        """Return the oldest thing that was created with this `local_id`."""
        return next((row for row in self._rows if row.local_id == local_id), None)

"""The tags of the account."""

import random
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.records import TEAM_ID
from heymarket_async.sandbox.stamps import BASE, SECOND, unit
from heymarket_async.sandbox.table import Stored, Table

COLOR = "#7B8794"
"""The color of tags that are created without one."""


class TagRecord(Struct, kw_only=True):
    """A tag as reads show it; `tag` is its label.

    https://developers.heymarket.com/api-reference/tags
    """

    id: int
    tag: str
    color: str
    team_id: int = TEAM_ID
    created: str
    updated: str
    rev: int = 1


class Tags(Table[Stored]):
    """The tags of the account; a new one may be unseen for a while, as the readings say."""

    def __init__(self, readings: Readings, seed: int, labels: Mapping[int, str]) -> None:
        super().__init__(readings, random.Random(seed))  # noqa: S311 - no secret
        for place, (tag_id, label) in enumerate(labels.items()):
            stamp = (BASE - (len(labels) - place) * SECOND) // unit(readings) * unit(readings)
            self.add(self._stored(tag_id, label, COLOR, stamp))
        self._next_id = max(labels, default=0) + 1
        self._newest = BASE

    @property
    def tags(self) -> list[dict[str, object]]:
        """Every tag, also those that cannot be seen yet, lowest id first."""
        return sorted(self.rows, key=lambda tag: int(str(tag["id"])))

    def create(self, label: str, *, color: str = COLOR, now_s: float = 0.0) -> int:
        """Store a new tag, whatever tags there are, and return its id.

        Args:
            label: Its label.
            color: Its color.
            now_s: Seconds since 1970; a tag is never older than the newest one.
        """
        delay_s = self.readings.tag_delay_s
        with self.lock:
            row = self._stored(self.new_id(), label, color, self.stamp(now_s))
            self.add(row, seen_from_s=now_s + delay_s if delay_s else None)
        return row.id

    def labelled(self, label: str) -> int | None:
        """Return the lowest id of the tags with this label, in any case."""
        same = (tag for tag in self.tags if str(tag["tag"]).casefold() == label.casefold())
        return next((int(str(tag["id"])) for tag in same), None)

    def _stored(self, tag_id: int, label: str, color: str, stamp: int) -> Stored:
        time = self.written(stamp)
        tag = TagRecord(id=tag_id, tag=label, color=color, created=time, updated=time)
        return Stored(stamp, tag_id, msgspec.json.encode(tag))

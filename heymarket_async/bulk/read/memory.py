"""What a job remembers of the contacts that it took, in little memory."""

from __future__ import annotations

from heymarket_async.bulk.read.id_set import IdSet
from heymarket_async.bulk.read.versions import UNPLACED, Batch, Version

_FEW = 1000


class Memory:
    """Who was taken, who more than once, and which versions the latest were.

    Versions are remembered of those alone that a catch-up can meet again: what was updated lately,
    and what has no time.

    Attributes:
        seen: Ids of all contacts that were taken.
        again: Ids of those that were taken more than once, because they were edited meanwhile.
        oldest: The oldest `updated`, as an instant, or None.
        newest: The newest.
        latest: The latest instant that an `updated` can have; see `Version.replaces`.
    """

    def __init__(self, *, latest: str = "") -> None:
        self.latest = latest
        self.seen = IdSet()
        self.again: set[int] = set()
        self.oldest: str | None = None
        self.newest: str | None = None
        self._latest: dict[int, Version] = {}
        self._most = _FEW

    def add(self, batch: Batch, *, since: str) -> None:
        """Remember contacts that were taken.

        Args:
            batch: The contacts.
            since: The instant from which on a catch-up would read.
        """
        if not batch.items:
            return
        self.again.update(self.seen.add_all(batch.rows.ids))
        stamps = batch.rows.stamps
        low, high = min(stamps), max(stamps)
        if low == UNPLACED:
            low = min(filter(None, stamps), default=high)
        if high:
            self.oldest = min(self.oldest or low, low)
            self.newest = max(self.newest or high, high)
        if high < since and not batch.rows.unplaced:
            return
        for place, stamp in enumerate(stamps):
            if stamp >= since or not stamp:
                contact_id, version = batch.rows.ids[place], batch.version(place)
                if not self.knows(contact_id, version):
                    self._latest[contact_id] = version
        if len(self._latest) > self._most:
            kept = {
                who: each
                for who, each in self._latest.items()
                if each.instant >= since or not each.instant
            }
            self._latest, self._most = kept, max(_FEW, 2 * len(kept))

    def knows(self, contact_id: int, version: Version) -> bool:
        """Whether a contact that was updated lately was taken in this version, or a newer one."""
        known = self._latest.get(contact_id)
        return known is not None and not version.replaces(known, latest=self.latest)

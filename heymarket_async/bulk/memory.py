"""What a job remembers of the contacts that it took, in little memory."""

from __future__ import annotations

from heymarket_async.bulk.id_set import IdSet
from heymarket_async.bulk.versions import Batch, Version
from heymarket_async.cursor import Key

_FEW = 1000


class Memory:
    """Who was taken, who more than once, and which versions the latest were.

    Versions are remembered of those alone that a catch-up can meet again.

    Attributes:
        seen: Ids of all contacts that were taken.
        again: Ids of those that were taken more than once, because they were edited meanwhile.
        oldest: The oldest `updated`, as an instant, or None.
        newest: The newest.
    """

    def __init__(self) -> None:
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
        low, high = min(batch.rows.stamps), max(batch.rows.stamps)
        self.oldest = min(self.oldest or low, low)
        self.newest = max(self.newest or high, high)
        if high < since:
            return
        for (contact_id, rev), stamp in zip(batch.rows.all_keys(), batch.rows.stamps, strict=True):
            if stamp >= since:
                version = Version(rev or 0, stamp)
                self._latest[contact_id] = max(version, self._latest.get(contact_id, version))
        if len(self._latest) > self._most:
            kept = {who: each for who, each in self._latest.items() if each.instant >= since}
            self._latest, self._most = kept, max(_FEW, 2 * len(kept))

    def knows(self, key: Key, stamp: str) -> bool:
        """Whether a contact that was updated lately was taken in this version, or a newer one."""
        known = self._latest.get(key[0])
        return known is not None and known >= Version(key[1] or 0, stamp)

"""Contacts as bulk jobs handle them: JSON as the server sent it, and what tells versions apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from heymarket_async.decoding import mending
from heymarket_async.walk.rows import Rows, rows_of_raw
from heymarket_async.walk.walk import Page

_AT_ONCE = 1000

UNPLACED = ""
"""The stamp of a contact whose `updated` is no time; it sorts before all others."""


class Version(NamedTuple):
    """What tells the versions of one contact apart.

    Attributes:
        instant: When it was updated, or `UNPLACED`.
        rev: 0 if it is not known.
        content: A hash of its JSON if one of the two is missing, else 0.
    """

    instant: str
    rev: int
    content: int = 0

    def replaces(self, old: Version, *, latest: str) -> bool:
        """Whether this version takes the place of one that was met before it.

        This is the one rule of all jobs; `schema.UPSERT` is the same in SQL. Its `updated` is
        later, or its `rev` is greater where both are known. So where a restored backup has lowered
        the `rev`, the later `updated` wins. If that does not tell, other content does. An `updated`
        that is still to come proves nothing.

        Args:
            old: The one that was met before.
            latest: The latest instant that an `updated` can have, by the server's clock.
        """
        if self.instant > old.instant or self.rev > old.rev > 0:
            return True
        if self.instant in {old.instant, UNPLACED}:
            return bool(self.content) and self.content != old.content
        return old.instant > latest


class Batch(NamedTuple):
    """Some contacts, in their order.

    Attributes:
        rows: Their `id`, `rev` and `updated`; the stamp of those without a time is `UNPLACED`.
        items: Their JSON.
    """

    rows: Rows
    items: Sequence[bytes | msgspec.Raw]

    def part(self, places: slice) -> Batch:
        """Return those that stand together at these places."""
        return Batch(self.rows.part(places), self.items[places])

    def only(self, places: list[int]) -> Batch:
        """Return those at these places."""
        return Batch(self.rows.only(places), [self.items[each] for each in places])

    def version(self, place: int) -> Version:
        """Return which version of its contact the one at a place is."""
        instant, rev = self.rows.stamps[place], self.rows.revs[place]
        if rev and instant:
            return Version(instant, rev)
        (line,), _ = lines_of([self.items[place]])
        return Version(instant, rev or 0, hash(text_of(line)))


def batch_of_page(page: Page[msgspec.Raw]) -> Batch:
    """Return the contacts of a page, without elements that are no contacts."""
    batch = _unplaced_marked(Batch(page.rows, page.items))
    if not batch.rows.unplaced:
        return batch
    kept = [place for place, item in enumerate(page.items) if _is_object(item)]
    return batch.only(kept) if len(kept) < len(page) else batch


def batch_of(lines: Sequence[bytes]) -> Batch:
    """Return contacts from their JSON."""
    return _unplaced_marked(Batch(rows_of_raw([msgspec.Raw(line) for line in lines]), lines))


def lines_of(sent: Iterable[bytes | msgspec.Raw]) -> tuple[list[bytes], int]:
    """Return JSON as the server sent it, each without line breaks, and how many were mended."""
    lines, mended = mending.without_marks(list(map(bytes, sent)))
    together = b"".join(lines)
    if b"\n" not in together and b"\r" not in together:
        return lines, mended
    return [_on_one_line(line) for line in lines], mended


def text_of(line: bytes) -> str:
    """Return JSON as text that every reader takes: one without lone surrogates."""
    has_surrogates = b"\\ud" in line or b"\\uD" in line
    return (mending.mended(line) if has_surrogates else line).decode()


def older(loaded: Iterable[tuple[int, bytes]], *, latest: str) -> Iterator[int]:
    """Give the places of contacts that others replace; they stand as they were met.

    Args:
        loaded: Contacts with their places.
        latest: See `Version.replaces`.
    """
    newest: dict[int, tuple[Version, int]] = {}
    for place, line in loaded:
        batch = batch_of([line])
        contact_id, version = batch.rows.ids[0], batch.version(0)
        kept = newest.get(contact_id)
        if kept is not None and not version.replaces(kept[0], latest=latest):
            yield place
            continue
        newest[contact_id] = version, place
        if kept is not None:
            yield kept[1]


def newest_versions(
    lines: Iterable[bytes], ids: frozenset[int], *, latest: str
) -> dict[int, Version]:
    """Return the newest version of each of these contacts; lines stand as they were met.

    Args:
        lines: Contacts.
        ids: Whose versions.
        latest: See `Version.replaces`.
    """
    newest: dict[int, Version] = {}
    for batch in _batches(lines):
        for place, contact_id in enumerate(batch.rows.ids):
            if contact_id in ids:
                version = batch.version(place)
                kept = newest.get(contact_id)
                if kept is None or version.replaces(kept, latest=latest):
                    newest[contact_id] = version
    return newest


def without_older(lines: Iterable[bytes], newest: dict[int, Version]) -> Iterator[bytes]:
    """Leave out what another line has in a newer version, or in the same one."""
    left = dict(newest)
    for batch in _batches(lines):
        for place, contact_id in enumerate(batch.rows.ids):
            if contact_id in newest:
                if left.get(contact_id) != batch.version(place):
                    continue
                del left[contact_id]
            yield bytes(batch.items[place])


def _batches(lines: Iterable[bytes]) -> Iterator[Batch]:
    iterator = iter(lines)
    while some := list(islice(iterator, _AT_ONCE)):
        yield batch_of(some)


def _unplaced_marked(batch: Batch) -> Batch:
    """Return contacts of which those without a time do not have their neighbour's any more."""
    rows = batch.rows
    if not rows.unplaced:
        return batch
    stamps = list(rows.stamps)
    for place in rows.unplaced:
        stamps[place] = UNPLACED
    return Batch(Rows(rows.ids, rows.revs, rows.updated, stamps, rows.unplaced), batch.items)


def _on_one_line(line: bytes) -> bytes:
    if b"\n" not in line and b"\r" not in line:
        return line
    try:
        return msgspec.json.format(line, indent=-1)
    except msgspec.DecodeError:
        # Half of an emoji. Lines are broken only between tokens, where the server did so.
        return b"".join(line.splitlines())


def _is_object(item: msgspec.Raw) -> bool:
    return bytes(item).lstrip().startswith(b"{")

"""Records as JSON from the server, which of two versions is newer, and the odd ones."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from heymarket_async.bulk.kind import CONTACT, Kind
from heymarket_async.decoding import mending
from heymarket_async.walk.rows import RowFields, Rows, reader
from heymarket_async.walk.walk import Page

_AT_ONCE = 1000
_IDS_NAMED = 20
_IDS_KEPT = 1000
_LF, _CR = b"\n\r"  # numbers: Python looks for them in bytes without raising an error first

UNPLACED = ""
"""The stamp of a record whose time is not one; it sorts before all others."""


class Version(NamedTuple):
    """A version of one record.

    Attributes:
        instant: When it was updated, or `UNPLACED`.
        rev: 0 if it is not known.
        content: A hash of its JSON if one of the two is missing, else 0.
    """

    instant: str
    rev: int
    content: int = 0

    def replaces(self, old: Version, *, latest: str) -> bool:
        """Return whether this version replaces one that was read before it.

        This is the one rule of all jobs; `schema.UPSERT` is the same in SQL. This version has the
        later `updated`, or the greater `rev` if both are known. So if a restored backup has lowered
        the `rev`, the later `updated` wins. If neither decides, different content does. An
        `updated` in the future proves nothing.

        Args:
            old: The version that was read before.
            latest: The latest instant that an `updated` can have, by the server's clock.
        """
        if self.instant > old.instant or self.rev > old.rev > 0:
            return True
        if self.instant in {old.instant, UNPLACED}:
            return bool(self.content) and self.content != old.content
        return old.instant > latest


class Batch(NamedTuple):
    """Some records of one kind, in their order.

    Attributes:
        rows: Their `id`, `rev` and time; the stamp of those without a time is `UNPLACED`.
        items: Their JSON.
        kind: Their kind.
    """

    rows: Rows
    items: Sequence[bytes | msgspec.Raw]
    kind: Kind = CONTACT

    def only(self, places: list[int]) -> Batch:
        """Return the records at these places."""
        if len(places) == len(self.items):
            return self
        return Batch(self.rows.only(places), [self.items[place] for place in places], self.kind)

    def version(self, place: int) -> Version:
        """Return the version of the record at a place."""
        instant, rev = self.rows.stamps[place], self.rows.revs[place]
        if rev and instant:
            return Version(instant, rev)
        (line,), _ = lines_of([self.items[place]])
        if self.kind.version is not self.kind.fields:
            instant = rows_of([line], self.kind.version).stamps[0]
        return Version(instant, rev or 0, hash(text_of(line)))


def batch_of_page(page: Page[msgspec.Raw], kind: Kind = CONTACT) -> Batch:
    """Return the records of a page, without elements that are not records."""
    batch = Batch(_unplaced_marked(page.rows), page.items, kind)
    if not batch.rows.unplaced:
        return batch
    return batch.only([place for place, item in enumerate(page.items) if _is_object(item)])


def batch_of(lines: Sequence[bytes], kind: Kind = CONTACT) -> Batch:
    """Return records from their JSON."""
    return Batch(rows_of(lines, kind.fields), lines, kind)


def rows_of(lines: Sequence[bytes], fields: RowFields) -> Rows:
    """Return these fields of records; the stamp of those without a time is `UNPLACED`."""
    return _unplaced_marked(reader(fields).of_raw([msgspec.Raw(line) for line in lines]))


def lines_of(sent: Iterable[bytes | msgspec.Raw]) -> tuple[list[bytes], int]:
    """Return JSON as the server sent it, without line breaks, and how many lines were mended."""
    lines, mended = mending.without_marks(list(map(bytes, sent)))
    together = b"".join(lines)  # the server sends no line breaks: one look for all is enough
    if _LF in together or _CR in together:
        lines = [_on_one_line(line) if _LF in line or _CR in line else line for line in lines]
    return lines, mended


def text_of(line: bytes) -> str:
    """Return JSON as text that every reader takes: one without lone surrogates."""
    has_surrogates = b"\\ud" in line or b"\\uD" in line
    return (mending.mended(line) if has_surrogates else line).decode()


def older(
    placed: Iterable[tuple[int, bytes]],
    ids: Container[int] | None = None,
    *,
    latest: str,
    kind: Kind = CONTACT,
) -> Iterator[int]:
    """Give the places of records that another line replaces.

    Args:
        placed: The lines with their places, in the order in which they were read.
        ids: The records to compare; None compares all.
        latest: See `Version.replaces`.
        kind: The kind of the records.
    """
    iterator = iter(placed)
    newest: dict[int, tuple[Version, int]] = {}
    while some := list(islice(iterator, _AT_ONCE)):
        batch = batch_of([line for _, line in some], kind)
        for number, record_id in enumerate(batch.rows.ids):
            if ids is not None and record_id not in ids:
                continue
            version, place = batch.version(number), some[number][0]
            kept = newest.get(record_id)
            if kept is not None and not version.replaces(kept[0], latest=latest):
                yield place
                continue
            newest[record_id] = version, place
            if kept is not None:
                yield kept[1]


class Ids(msgspec.Struct):
    """Ids of records: the first thousand, and how many there are."""

    shown: list[int] = msgspec.field(default_factory=list[int])
    count: int = 0

    def add(self, ids: Iterable[int]) -> None:
        """Add ids; an id that is kept counts once."""
        kept = set(self.shown)
        for each in ids:
            if each not in kept:
                self.count += 1
                if len(kept) < _IDS_KEPT:
                    kept.add(each)
                    self.shown.append(each)

    def doubts(self, noun: str, problem: str, known: Collection[int]) -> list[str]:
        """Return the doubt about ids that no earlier run has reported, if there are any."""
        before = set(known)
        news = [each for each in self.shown if each not in before]
        if not news:
            return []
        count = self.count - len(self.shown) + len(news)
        # The negative id of a record that came without one is of no use.
        named = ", ".join(str(each) for each in news[:_IDS_NAMED] if each > 0) or "none has an id"
        more = count - len(news[:_IDS_NAMED])
        have = f"1 {noun} has" if count == 1 else f"{count:,} {noun}s have"
        return [f"{have} {problem}: {named}{f' and {more:,} more' * (more > 0)}"]


class OddRows(msgspec.Struct):
    """Counts of odd rows, for the report. A job that resumes still has those of its earlier runs.

    Attributes:
        mended: Rows whose JSON had to be mended.
        no_records: How often an element of a list was not a record, such as null.
        unplaced: Records that have no time.
        ahead: Records whose time is in the future.
    """

    mended: int = 0
    no_records: int = msgspec.field(name="no_contacts", default=0)
    unplaced: Ids = msgspec.field(default_factory=Ids)
    ahead: Ids = msgspec.field(default_factory=Ids)

    def count(self, rows: Rows, latest: str) -> None:
        """Add the records that have no time, or one later than the latest possible."""
        self.unplaced.add(rows.ids[place] for place in rows.unplaced)
        if max(rows.stamps, default="") > latest:
            pairs = zip(rows.ids, rows.stamps, strict=True)
            self.ahead.add(record_id for record_id, stamp in pairs if stamp > latest)

    @property
    def ids(self) -> list[int]:
        """The ids that `doubts` reports; a later run passes them as `known`."""
        return self.unplaced.shown + self.ahead.shown

    def doubts(self, known: Collection[int] = (), kind: Kind = CONTACT) -> list[str]:
        """Return the doubts for the report.

        Args:
            known: Ids that earlier runs have reported.
            kind: The kind of the records.
        """
        noun, stamp = kind.noun, kind.fields.stamp
        article = "an" if stamp == "updated" else "a"
        doubts = self.unplaced.doubts(
            noun, f"no `{stamp}` that is a time, so an edit may be missed", known
        )
        doubts += self.ahead.doubts(
            noun,
            f"{article} `{stamp}` that is in the future by the server's clock; it will be read"
            " again each time",
            known,
        )
        if self.no_records:
            times = "once" if self.no_records == 1 else f"{self.no_records:,} times"
            doubts.append(f"a list element that is not a {noun} was skipped {times}")
        return doubts


def _unplaced_marked(rows: Rows) -> Rows:
    """Return rows with `UNPLACED` for those without a time, instead of a neighbour's time."""
    if not rows.unplaced:
        return rows
    stamps = list(rows.stamps)
    for place in rows.unplaced:
        stamps[place] = UNPLACED
    return Rows(rows.ids, rows.revs, rows.times, stamps, rows.unplaced)


def _on_one_line(line: bytes) -> bytes:
    try:
        return msgspec.json.format(line, indent=-1)
    except msgspec.DecodeError:
        # Half of an emoji. Lines are broken only between tokens, where the server did so.
        return b"".join(line.splitlines())


def _is_object(item: msgspec.Raw) -> bool:
    return bytes(item).lstrip().startswith(b"{")

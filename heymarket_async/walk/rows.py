"""The rows of a page, as a walk sees them: their ids, versions and timestamps."""

from __future__ import annotations

import functools
import hashlib
import zlib
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Optional, cast

import msgspec

from heymarket_async import timestamps
from heymarket_async.checks import Int64
from heymarket_async.decoding import mending

Key = tuple[int, int]
"""`id` and `rev`: names one version of one row."""


def key_of(row: int, rev: int | None, stamp: str) -> Key:
    """Return the key of one version of a row. Without a `rev`, its time takes that place."""
    return (row, -1 - zlib.crc32(stamp.encode()) if rev is None else rev)


class Rows(msgspec.Struct, frozen=True):
    """The rows of a page, in its order.

    A row is unplaced if its timestamp is not a time. It then takes the time of the next row that
    has one, or of the last row that has one at the end of a page. So it is given once, and does not
    move the walk.

    Attributes:
        ids: The id of each row. A row without an `id` gets a negative one, made of its content.
        revs: The revision of each row, or None.
        times: The timestamp of each row, as the server wrote it.
        stamps: The instants of that.
        unplaced: The places of the rows that are unplaced.
        left_out: How many elements of the page are not rows.
    """

    ids: list[int]
    revs: list[int | None]
    times: list[str]
    stamps: list[str]
    unplaced: tuple[int, ...] = ()
    left_out: int = 0

    def __len__(self) -> int:
        """How many elements the page has, rows or not."""
        return len(self.ids) + self.left_out

    def key(self, place: int) -> Key:
        """Return the key of the row at a place."""
        rev = self.revs[place]
        if rev is not None:
            return self.ids[place], rev
        # On another page, an unplaced row takes another time.
        is_placed = place not in self.unplaced and timestamps.is_time(self.times[place])
        return key_of(self.ids[place], rev, self.stamps[place] if is_placed else "")

    def all_keys(self) -> list[Key]:
        """Return the keys of all rows. On a large page this takes more time than the rest."""
        if None in self.revs:
            return [self.key(place) for place in range(len(self.ids))]
        return list(zip(self.ids, cast(list[int], self.revs), strict=True))

    def part(self, places: slice) -> Rows:
        """Return the rows of a slice."""
        if self.unplaced:
            return self.only(list(range(len(self.ids)))[places])
        return Rows(self.ids[places], self.revs[places], self.times[places], self.stamps[places])

    def only(self, places: list[int]) -> Rows:
        """Return the rows at these places."""
        return Rows(
            [self.ids[each] for each in places],
            [self.revs[each] for each in places],
            [self.times[each] for each in places],
            [self.stamps[each] for each in places],
            tuple(new for new, each in enumerate(places) if each in self.unplaced),
        )

    @property
    def cut_at(self) -> int:
        """The place of the last row before those with the last timestamp; -1 if all have it."""
        place = len(self.stamps) - 1
        while place >= 0 and self.stamps[place] == self.stamps[-1]:
            place -= 1
        return place

    @property
    def none_is_placed(self) -> bool:
        """Whether the page is not empty, and no row on it has a time."""
        return len(self.unplaced) == len(self.ids) and bool(len(self))

    def placed_at(self, time: str) -> Rows:
        """Return the rows as if all had the same time."""
        count = len(self.ids)
        stamps = [timestamps.instant(time)] * count
        times = [time] * count
        return Rows(self.ids, self.revs, times, stamps, self.unplaced, self.left_out)


_Integer = Optional[Int64]  # noqa: UP045 - a value of its own, which `|` does not make of this


_OPTIONAL_INT64: Any = Optional[Int64]  # noqa: UP045 - `|` does not take an Annotated


class RowFields(msgspec.Struct, frozen=True):
    """The fields of a row that a walk reads, besides its `id`.

    Attributes:
        stamp: The field that the list is sorted by.
        has_rev: Rows have a `rev`. Otherwise a row with another timestamp is another version of it.
    """

    stamp: str = "updated"
    has_rev: bool = True

    def can_be_read_from(self, kind: type[msgspec.Struct]) -> bool:
        """Whether a struct has these fields, with the types that a walk needs."""
        types = {field.name: field.type for field in msgspec.structs.fields(kind)}
        samples = {"id": 1, self.stamp: "2026-04-12T15:30:00Z"} | (
            {"rev": 1} if self.has_rev else {}
        )
        try:
            return all(msgspec.convert(each, types[name]) == each for name, each in samples.items())
        except (KeyError, msgspec.ValidationError):
            return False


class RowReader:
    """Reads the rows of pages.

    Args:
        fields: The fields of a row.
    """

    def __init__(self, fields: RowFields) -> None:
        self.fields = fields
        self._stamp = attrgetter(fields.stamp)
        names = ["id", "rev"] if fields.has_rev else ["id"]
        integers = [(name, _OPTIONAL_INT64, None) for name in names]
        self._row = msgspec.defstruct("Row", [*integers, (fields.stamp, str | None, None)])
        self._decode = msgspec.json.Decoder(self._row, strict=False).decode

    def of(self, items: Sequence[Any]) -> Rows:
        """Return the rows of a page, whose items are structs with these fields."""
        ids = [item.id for item in items]
        times = list(map(self._stamp, items))
        revs: list[int | None] = [None] * len(ids)
        if self.fields.has_rev:
            revs = [item.rev for item in items]
        try:
            # `sum` finds a None in a tenth of the time of `in`. A None in `times` raises too.
            sum(ids)
            stamps = timestamps.instants(times)
        except (TypeError, ValueError):
            return _with_unplaced(items, ids, revs, times)
        return Rows(ids, revs, times, stamps, left_out=_left_out(items))

    def of_raw(self, items: Sequence[object]) -> Rows:
        """Return the rows of a page, from its JSON as the server sent it.

        Their `id` and `rev` are 64-bit integers. A larger `rev` counts as missing. A larger `id`,
        or one of another type, is replaced by a negative number that is made of it.
        """
        try:
            return self.of([self._decode(cast(msgspec.Raw, item)) for item in items])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            rows = [self._odd_row(cast(msgspec.Raw, item)) for item in items]
        ids: list[int | None] = [row.id for row in rows]
        revs: list[int | None] = [getattr(row, "rev", None) for row in rows]
        return _with_unplaced(items, ids, revs, list(map(self._stamp, rows)))

    def _odd_row(self, item: msgspec.Raw) -> Any:
        try:
            return mending.decode(self._decode, item)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            row = mending.decode(_decode_anything, item)
        if not isinstance(row, dict):
            return self._row()
        sent = cast(dict[str, object], row)
        number, stamp = sent.get("id"), sent.get(self.fields.stamp)
        made_up = None if number is None else _made_up_id(str(number).encode())
        found: dict[str, object] = {"id": _integer(number, made_up)}
        found[self.fields.stamp] = stamp if isinstance(stamp, str) else None
        if self.fields.has_rev:
            found["rev"] = _integer(sent.get("rev"), None)
        return self._row(**found)


@functools.cache
def reader(fields: RowFields) -> RowReader:
    """Return the reader of rows with these fields."""
    return RowReader(fields)


_decode_anything = msgspec.json.Decoder(object).decode


def _integer(value: object, otherwise: int | None) -> int | None:
    try:
        return msgspec.convert(value, Int64, strict=False)
    except msgspec.ValidationError:
        return otherwise


def _with_unplaced(
    items: Sequence[object],
    ids: list[int | None],
    revs: list[int | None],
    times: list[str | None],
) -> Rows:
    names = [
        _made_up_id(msgspec.json.encode(item)) if name is None else name
        for item, name in zip(items, ids, strict=True)
    ]
    return _placed(Rows(names, revs, [], [], left_out=_left_out(items)), times)


def _placed(rows: Rows, sent: Sequence[str | None]) -> Rows:
    unplaced = tuple(
        place
        for place, text in enumerate(sent)
        if place in rows.unplaced or not timestamps.is_time(text)
    )
    texts = [None if place in unplaced else text for place, text in enumerate(sent)]
    times: list[str] = []
    time = next(filter(None, reversed(texts)), "")
    for text in reversed(texts):
        time = text or time
        times.append(time)
    times.reverse()
    stamps = [time and timestamps.instant(time) for time in times]
    return Rows(rows.ids, rows.revs, times, stamps, unplaced, rows.left_out)


def _left_out(items: object) -> int:
    return getattr(items, "left_out", 0)  # a list of our models has it, if there was a null


def _made_up_id(content: bytes) -> int:
    # Of 63 bits: an account may have a million of them.
    digest = hashlib.blake2b(content.strip(), digest_size=8).digest()
    return -1 - (int.from_bytes(digest) >> 1)

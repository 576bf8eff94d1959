"""The contacts, sorted by `updated`, with each one's JSON ready to be sent.

A list call is a bisection and a slice, whatever the number of contacts.
"""

import random
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import UNSET, Struct

from heymarket_async.sandbox.odd import KINDS, Look
from heymarket_async.sandbox.people import BASE, people
from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.records import Channel, OptionalText, Record
from heymarket_async.sandbox.stamps import unit, written

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode
_decode_plain = msgspec.json.Decoder(dict[str, object]).decode


USUAL = {"null": KINDS["rev_null"], "missing": KINDS["rev_missing"]}
"""How every contact looks, by the reading of `rev`."""


def made_uuid(rng: random.Random) -> str:
    """Return a random UUID of version 4; several times faster than `uuid.UUID`."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


@dataclass(slots=True)
class Row:
    """A stored contact: what is searched by, and the rest as the JSON that list calls send."""

    stamp: int
    id: int
    uuid: str
    line: bytes
    channels: list[Channel] | None = None
    blocked: bool = False


class _Reach(Struct):
    """The part of a line that channels are made from: decoding no more is several times faster."""

    phone: OptionalText = UNSET
    email: OptionalText = UNSET


_decode_reach = msgspec.json.Decoder(_Reach).decode


def _named(phone: OptionalText, email: OptionalText) -> list[tuple[str, str]]:
    pairs = (("phone", phone), ("email", email))
    return [(kind, value) for kind, value in pairs if isinstance(value, str) and value]


def _reach(row: Row) -> list[tuple[str, str]]:
    if row.channels is not None:
        return [(channel.channel_type, channel.channel_id) for channel in row.channels]
    reach = _decode_reach(row.line)
    return _named(reach.phone, reach.email)


def _note(row: Row, reached: dict[tuple[str, str], list[int]]) -> None:
    for pair in _reach(row):
        reached.setdefault(pair, []).append(row.id)


def _place(row: Row) -> tuple[int, int]:
    return row.stamp, row.id


def _stamp(row: Row) -> int:
    return row.stamp


class ContactStore:
    """The contacts of the sandbox.

    Attributes:
        readings: How the docs' gaps are settled; decides what a line holds.
    """

    def __init__(
        self, count: int, *, rng: random.Random, readings: Readings, ties: int, custom: bool
    ) -> None:
        self.readings = readings
        self._unit = unit(readings)
        self._rng = rng
        self._rows: list[Row] = []
        for stamp, record in people(count, rng, readings, ties=ties, custom=custom):
            key = made_uuid(rng)
            self._rows.append(Row(stamp, record.id, key, self._line(record, key, None)))
        self._rows.sort(key=_place)
        self._by_id = {row.id: row for row in self._rows}
        self._by_uuid = {row.uuid: row for row in self._rows}
        self._reached: dict[tuple[str, str], list[int]] | None = None
        self._newest = self._rows[-1].stamp + self._unit if self._rows else BASE
        self._next_id = max(self._by_id, default=10_000) + 1
        self._usual = USUAL.get(readings.rev)
        self._looks: dict[int, Look] = {}

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def contacts(self) -> list[dict[str, object]]:
        """Every contact in listing order, with its `uuid` and `contact_channels`."""
        return [self._whole(row) for row in self._listed()]

    def lines(self) -> list[bytes]:
        """Return each contact's JSON exactly as a list call sends it, in listing order."""
        return [self.shown(row) for row in self._listed()]

    def get(self, contact_id: int) -> dict[str, object] | None:
        """Return a contact with its `uuid` and `contact_channels`, or None if the id is unknown."""
        row = self._by_id.get(contact_id)
        return None if row is None else self._whole(row)

    def _listed(self) -> Sequence[Row]:
        return self._rows[::-1] if self.readings.newest_first else self._rows

    def _whole(self, row: Row) -> dict[str, object]:
        whole = _decode_plain(row.line)
        whole["uuid"] = row.uuid
        whole["contact_channels"] = msgspec.to_builtins(self.channels(row))
        return whole

    # Reading, for the handlers

    def by_id(self, contact_id: int) -> Row | None:
        """Return the contact with this id."""
        return self._by_id.get(contact_id)

    def by_uuid(self, contact_uuid: str) -> Row | None:
        """Return the contact with this UUID."""
        return self._by_uuid.get(contact_uuid)

    def reached_at(self, channel_type: str, channel_id: str) -> list[Row]:
        """Return the contacts that have this channel, oldest id first."""
        if self._reached is None:
            self._reached = {}
            for row in self._rows:
                _note(row, self._reached)
        return [self._by_id[i] for i in sorted(self._reached.get((channel_type, channel_id), ()))]

    def by_phone(self, phone: str) -> Row | None:
        """Return the contact with this phone, the one with the lowest id if there are several."""
        return next(iter(self.reached_at("phone", phone)), None)

    def shown(self, row: Row, *, channels: bool = False) -> bytes:
        """Return a contact's JSON as it is sent, however odd."""
        line = _encode(self.record(row, channels=True)) if channels else row.line
        line = self._usual.on(line) if self._usual else line
        look = self._looks.get(row.id)
        return look.on(line) if look else line

    def listed(self, rows: Iterable[Row]) -> list[bytes]:
        """Return the JSON of a list of contacts."""
        if not (self._looks or self._usual):
            return [row.line for row in rows]
        return [self.shown(row) for row in rows for _ in range(self._times(row))]

    def _times(self, row: Row) -> int:
        return self._looks[row.id].times if row.id in self._looks else 1

    def record(self, row: Row, *, channels: bool = False) -> Record:
        """Return a contact as a copy that can be changed."""
        record = _decode(row.line)
        record.contact_channels = self.channels(row, record) if channels else UNSET
        return record

    def channels(self, row: Row, record: Record | None = None) -> list[Channel]:
        """Return a contact's channels: those kept, or those that phone and e-mail imply."""
        if row.channels is None:
            return self._implied(record or _decode(row.line), row.uuid)
        return row.channels

    def count(self, after: int | None) -> int:
        """Count all contacts, or those updated after a stamp."""
        if after is None:
            return len(self._rows)
        return len(self._rows) - bisect_right(self._rows, after, key=_stamp)

    def page(
        self, *, newest_first: bool, before: int | None, after: int | None, start: int, size: int
    ) -> Sequence[Row]:
        """Return the contacts of one page: cut by date first, then ordered, then counted off."""
        low, high = 0, len(self._rows)
        left, right = bisect_left, bisect_right
        if self.readings.inclusive:
            left, right = right, left
        if before is not None:
            high = left(self._rows, before, key=_stamp)
        if after is not None:
            low = right(self._rows, after, key=_stamp)
        if newest_first:
            return self._span(max(low, high - start - size), max(low, high - start))[::-1]
        return self._span(min(high, low + start), min(high, low + start + size))

    def _span(self, low: int, high: int) -> Sequence[Row]:
        """Return the contacts between two places, after ties have changed theirs if they do."""
        if self.readings.ties == "stable" or low == high:
            return self._rows[low:high]
        first = bisect_left(self._rows, self._rows[low].stamp, key=_stamp)
        last = bisect_right(self._rows, self._rows[high - 1].stamp, key=_stamp)
        groups = sorted(self._rows[first:last], key=lambda row: (row.stamp, self._rng.random()))
        return groups[low - first : high - first]

    # Writing, for the handlers

    def new_id(self) -> int:
        """Return an id that no contact had before."""
        self._next_id += 1
        return self._next_id - 1

    def new_uuid(self) -> str:
        """Return a UUID for a new contact."""
        return made_uuid(self._rng)

    def stamp(self, now_s: float) -> int:
        """Return the stamp of a write: never before the newest stamp there is."""
        now = int(now_s * 1e9) // self._unit * self._unit
        self._newest = max(now, self._newest)
        return self._newest

    def put(
        self,
        record: Record,
        key: str,
        stamp: int,
        channels: Iterable[Channel] | None,
        *,
        blocked: bool = False,
    ) -> Row:
        """Store a contact, in the place of the one with its id if there is one."""
        if known := self._by_id.get(record.id):
            self.remove(known)
        listed = None if channels is None else list(channels)
        row = Row(stamp, record.id, key, self._line(record, key, listed), listed, blocked)
        insort(self._rows, row, key=_place)
        self._by_id[row.id] = self._by_uuid[row.uuid] = row
        if self._reached is not None:
            _note(row, self._reached)
        return row

    def restamp(self, contact_id: int, stamp: int, rev: int | None) -> None:
        """Change a contact's `updated`, and its `rev` if there is one, and nothing else."""
        row = self._by_id[contact_id]
        record = self.record(row)
        record.updated = self.written(stamp)
        record.rev = record.rev if rev is None else rev
        self.put(record, row.uuid, stamp, row.channels, blocked=row.blocked)

    def show_as(self, contact_id: int, look: Look | None) -> None:
        """Show a contact this way from now on; None: the usual way."""
        self._looks.pop(contact_id, None)
        if look is not None:
            self._looks[contact_id] = look

    def remove(self, row: Row) -> None:
        """Forget a contact."""
        del self._rows[bisect_left(self._rows, _place(row), key=_place)]
        del self._by_id[row.id], self._by_uuid[row.uuid]
        if self._reached is not None:
            for pair in _reach(row):
                self._reached[pair].remove(row.id)

    def _line(self, record: Record, key: str, channels: list[Channel] | None) -> bytes:
        record.uuid = key if self.readings.list_has_uuid else UNSET
        record.carrier_hint = "mobile" if self.readings.undocumented_keys else UNSET
        record.contact_channels = UNSET
        if self.readings.list_has_channels:
            record.contact_channels = self._implied(record, key) if channels is None else channels
        return _encode(record)

    def _implied(self, record: Record, key: str) -> list[Channel]:
        return list(self._made(record, key, _named(record.phone, record.email)))

    def _made(
        self, record: Record, key: str, known: Iterable[tuple[str, str]]
    ) -> Iterator[Channel]:
        for number, (kind, value) in enumerate(known, 1):
            yield self.channel(record, key, number, kind, value)

    def channel(self, record: Record, key: str, number: int, kind: str, value: str) -> Channel:
        """Make a channel; `number` tells it from the contact's others."""
        as_int = self.readings.channel_ids == "int"
        return Channel(
            id=record.id * 100 + number if as_int else f"{key}-{number}",
            contact_id=record.id if as_int else key,
            channel_type=kind,
            channel_id=value,
            channel_handle="",
            info_channel="",
            created=record.created,
            updated=record.updated,
        )

    def written(self, stamp: int) -> str:
        """Write a stamp the way reads show it."""
        return written(stamp, self.readings)

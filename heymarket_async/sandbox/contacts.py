"""The contacts of the account, with their channels and odd looks."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import UNSET

from heymarket_async.sandbox.odd import KINDS, Wanted, with_look
from heymarket_async.sandbox.people import people
from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.records import Channel, Record
from heymarket_async.sandbox.table import Content, Stored, Table

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode
_decode_plain = msgspec.json.Decoder(dict[str, object]).decode


def made_uuid(rng: random.Random) -> str:
    """Return a random UUID of version 4; several times faster than `uuid.UUID`."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


@dataclass(slots=True)
class Contact(Stored):
    """A stored contact.

    Attributes:
        line: Its JSON as lists show it.
        channels: Its channels; None: its phone and its e-mail address.
        blocked: Whether it is blocked.
    """

    uuid: str
    channels: list[Channel] | None = None
    blocked: bool = False


def own_channels(record: Record) -> list[tuple[str, str]]:
    """Return type and value of the channels that a contact's own fields name."""
    pairs = (("phone", record.phone), ("email", record.email))
    return [(kind, value) for kind, value in pairs if isinstance(value, str) and value]


class Contacts(Table[Contact]):
    """The contacts of the account."""

    def __init__(
        self, count: int, *, rng: random.Random, readings: Readings, ties: int, custom: bool
    ) -> None:
        self.readings = readings
        made = people(count, rng, readings, ties=ties, custom=custom)
        rows = [self._stored(record, made_uuid(rng), stamp) for stamp, record in made]
        super().__init__(readings, rng, rows, first_id=10_001)
        self._by_uuid = {row.uuid: row for row in self._rows}
        self._ids_by_channel: dict[tuple[str, str], list[int]] | None = None
        # Reads without a `rev` are a kind of odd contact; the option's other values are not.
        self._usual = KINDS.get(f"rev_{readings.rev}")

    @property
    def contacts(self) -> list[dict[str, object]]:
        """Every contact in listing order, with its `uuid` and `contact_channels`."""
        return [self._whole(row) for row in self._ordered()]

    def lines(self) -> list[bytes]:
        """Return the JSON of every contact exactly as a list call sends it, in listing order."""
        return [self.shown(row) for row in self._ordered()]

    def get(self, contact_id: int) -> dict[str, object] | None:
        """Return a contact with its `uuid` and `contact_channels`, or None if the id is unknown."""
        row = self.by_id(contact_id)
        return None if row is None else self._whole(row)

    def _ordered(self) -> Sequence[Contact]:
        return self._rows[::-1] if self.readings.newest_first else self._rows

    def _whole(self, row: Contact) -> dict[str, object]:
        channels = msgspec.to_builtins(self.channels(row))
        return {**_decode_plain(row.line), "uuid": row.uuid, "contact_channels": channels}

    def by_uuid(self, contact_uuid: str) -> Contact | None:
        """Return the contact with this UUID."""
        return self._by_uuid.get(contact_uuid)

    def by_channel(self, channel_type: str, channel_id: str) -> list[Contact]:
        """Return the contacts that have this channel, lowest id first."""
        if self._ids_by_channel is None:
            self._ids_by_channel = {}
            for row in self._rows:
                self._index(row, self._ids_by_channel)
        ids = self._ids_by_channel.get((channel_type, channel_id), ())
        return [self._by_id[contact_id] for contact_id in sorted(ids)]

    def names(self) -> list[tuple[str, str]]:
        """Return the phones and names of all contacts with a phone."""
        records = map(self.record, self._rows)
        return [(str(one.phone), str(one.display_name or "")) for one in records if one.phone]

    def by_phone(self, phone: str) -> Contact | None:
        """Return the contact with this phone, the one with the lowest id if there are several."""
        return next(iter(self.by_channel("phone", phone)), None)

    def shown(self, row: Contact, *, channels: bool = False) -> bytes:
        """Return a contact's JSON as it is sent, with its odd look if it has one."""
        line = row.line
        if channels:
            record = self.record(row)
            record.contact_channels = self.channels(row)
            line = _encode(record)
        for look in (self._usual, self.looks.get(row.id)):
            line = line if look is None else with_look(line, look)
        return line

    def listed(self, rows: Iterable[Contact]) -> list[bytes]:
        """Return the JSON of contacts as a list shows them."""
        return self._looked(rows) if self._usual else super().listed(rows)

    def show_as(self, row_id: int, wanted: Wanted | None) -> None:
        """Show a contact this way from now on; None: the usual way."""
        self._existing(row_id)
        super().show_as(row_id, wanted)

    def _existing(self, contact_id: int) -> Contact:
        if contact_id not in self._by_id:
            raise ValueError(f"no contact {contact_id}")
        return self._by_id[contact_id]

    def record(self, row: Contact) -> Record:
        """Return a contact as a copy that can be changed, without its channels."""
        record = _decode(row.line)
        record.contact_channels = UNSET
        return record

    def channels(self, row: Contact) -> list[Channel]:
        """Return a contact's channels: those kept, or those that phone and e-mail imply."""
        return self._implied(_decode(row.line), row.uuid) if row.channels is None else row.channels

    def _implied(self, record: Record, key: str) -> list[Channel]:
        dates = record.created, record.updated
        pairs = enumerate(own_channels(record), 1)
        return [self.channel(record.id, key, number, *pair, *dates) for number, pair in pairs]

    def channel(
        self, row_id: int, key: str, number: int, kind: str, value: str, created: str, updated: str
    ) -> Channel:
        """Make a channel; `number` is unique among the contact's channels."""
        as_int = self.readings.channel_ids == "int"
        return Channel(
            id=row_id * 100 + number if as_int else f"{key}-{number}",
            contact_id=row_id if as_int else key,
            channel_type=kind,
            channel_id=value,
            channel_handle="",
            info_channel="",
            created=created,
            updated=updated,
        )

    def new_uuid(self) -> str:
        """Return a UUID for a new contact."""
        return made_uuid(self._rng)

    def put(self, record: Record, key: str, stamp: int, channels: list[Channel] | None) -> Contact:
        """Store a contact, in the place of the one with its id if there is one."""
        row = self._stored(record, key, stamp, channels)
        known = self.by_id(record.id)
        row.blocked = known is not None and known.blocked
        self.add(row)
        self._by_uuid[key] = row
        if self._ids_by_channel is not None:
            self._index(row, self._ids_by_channel)
        return row

    def restamp(self, contact_id: int, stamp: int, rev: int | None) -> None:
        """Change a contact's `updated`, and its `rev` if there is one, and nothing else."""
        row = self._existing(contact_id)
        record = self.record(row)
        record.updated = self.written(stamp)
        record.rev = record.rev if rev is None else rev
        self.put(record, row.uuid, stamp, row.channels)

    def remove(self, row: Contact) -> None:
        """Delete a contact."""
        super().remove(row)
        del self._by_uuid[row.uuid]
        if self._ids_by_channel is not None:
            for pair in _pairs(row):
                self._ids_by_channel[pair].remove(row.id)

    def restore(self, content: Content[Contact]) -> None:
        """Hold the content of another table in place of its own."""
        super().restore(content)
        self._by_uuid = {row.uuid: row for row in self._rows}
        self._ids_by_channel = None

    def _index(self, row: Contact, ids: dict[tuple[str, str], list[int]]) -> None:
        for pair in _pairs(row):
            ids.setdefault(pair, []).append(row.id)

    def _stored(
        self, record: Record, key: str, stamp: int, channels: list[Channel] | None = None
    ) -> Contact:
        record.uuid = key if self.readings.list_has_uuid else UNSET
        record.carrier_hint = "mobile" if self.readings.undocumented_keys else UNSET
        record.contact_channels = UNSET
        if self.readings.list_has_channels:
            record.contact_channels = self._implied(record, key) if channels is None else channels
        return Contact(stamp, record.id, _encode(record), key, channels)


def _pairs(row: Contact) -> list[tuple[str, str]]:
    if row.channels is None:
        return own_channels(_decode(row.line))
    return [(channel.channel_type, channel.channel_id) for channel in row.channels]

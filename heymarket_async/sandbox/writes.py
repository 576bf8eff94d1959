"""How a write changes a contact, whichever endpoint it came through."""

import msgspec
from msgspec import UNSET, UnsetType

from heymarket_async.sandbox.answers import Refused
from heymarket_async.sandbox.bodies import ChannelIn, ContactIn
from heymarket_async.sandbox.contacts import Row
from heymarket_async.sandbox.records import Channel, Record, Tag
from heymarket_async.sandbox.routes import Call, check_phone

MAX_TAGS = 5  # https://developers.heymarket.com/api-reference/contacts/create
UNASSIGNED = -1

_PLAIN = ("phone", "first", "last", "display_name", "email", "avatar", "is_opted_out")
_BLANKS: dict[str, object] = {
    "first": "",
    "last": "",
    "email": "",
    "avatar": "",
    "is_opted_out": False,
    "assigned_user_id": None,
    "tags": [],
    "email_suppressions": [],
}


def create(call: Call, sent: ContactIn, channels: list[ChannelIn] | None = None) -> Row:
    """Make a new contact and store it."""
    stamp = call.store.stamp(call.now)
    record = Record(id=call.store.new_id(), first="", last="", email="", avatar="", custom={})
    record.tags, record.assigned_user_id, record.is_opted_out = [], None, False
    record.created, record.shared, record.type = call.store.written(stamp), True, "contact"
    key = call.store.new_uuid()
    _fill(call, record, sent, overwrite=True)
    if not sent.display_name:
        record.display_name = _full_name(record)
    record.updated = record.created
    listed = None
    if channels is not None:
        listed = _listed(call, record, key, channels)
        _mirror(record, listed)
    return call.store.put(record, key, stamp, listed)


def _listed(call: Call, record: Record, key: str, channels: list[ChannelIn]) -> list[Channel]:
    """Return the channels of a new contact: those sent, and those that its own fields name."""
    pairs = [pair(channel) for channel in channels]
    kinds = {kind for kind, _ in pairs}
    for kind, value in (("phone", record.phone), ("email", record.email)):
        if isinstance(value, str) and value and kind not in kinds:
            pairs.append((kind, value))
    return [call.store.channel(record, key, n, *sent) for n, sent in enumerate(pairs, 1)]


def update(call: Call, row: Row, sent: ContactIn, *, overwrite: bool) -> Row:
    """Write the fields that were sent, and what the readings say about those that were not."""
    record = call.store.record(row)
    if call.readings.omitted == "blank":
        _blank_omitted(record, sent)
    _fill(call, record, sent, overwrite=overwrite)
    if call.readings.omitted == "blank" and sent.display_name is UNSET:
        record.display_name = _full_name(record)
    return save(call, row, record)


def save(call: Call, row: Row, record: Record, channels: list[Channel] | None = None) -> Row:
    """Store a changed contact under a new revision and stamp."""
    stamp = call.store.stamp(call.now)
    record.rev += -1 if call.readings.rev == "falls" else 1
    record.op = "update"
    record.updated = call.store.written(stamp)
    if channels is None and row.channels is not None:
        channels = _follow(call, row, record)
    if channels is not None:
        _mirror(record, channels)
    return call.store.put(record, row.uuid, stamp, channels, blocked=row.blocked)


def delete(call: Call) -> None:
    """Forget the contact that the path names."""
    row = call.find()
    if row is not None:
        call.store.remove(row)
    elif not call.readings.delete_missing_ok:
        raise call.missing()


def add_channels(call: Call, row: Row, wanted: list[ChannelIn]) -> Row:
    """Add the channels that the contact does not have yet."""
    channels = call.store.channels(row)
    known = {(channel.channel_type, channel.channel_id) for channel in channels}
    record = call.store.record(row)
    for kind, value in dict.fromkeys(pair(channel) for channel in wanted):
        if (kind, value) not in known:
            channels = [*channels, _another(call, row, record, channels, kind, value)]
    return row if len(channels) == len(known) else save(call, row, record, channels)


def change_channel(call: Call, row: Row, old: Channel, value: str) -> Row:
    """Give one of a contact's channels another value."""
    channels = _exchanged(call, call.store.channels(row), old, value)
    return save(call, row, call.store.record(row), channels)


def pair(channel: ChannelIn) -> tuple[str, str]:
    """Return type and value of a channel that was sent, or refuse it with 400."""
    if channel.channel_type == "phone":
        check_phone(channel.channel_id, "channel_id")
    if not (channel.channel_type and channel.channel_id):
        raise Refused(400, "channel_type, channel_id: both are required")
    return channel.channel_type, channel.channel_id


def ref(call: Call, row: Row) -> dict[str, object]:
    """Return what a write answers: the contact's two ids and its revision."""
    return {"id": row.id, "rev": call.store.record(row).rev, "uuid": row.uuid}


def _fill(call: Call, record: Record, sent: ContactIn, *, overwrite: bool) -> None:
    null_clears = call.readings.null_write == "clear"
    if isinstance(sent.phone, str):
        check_phone(sent.phone)
    for name in _PLAIN:
        value: object = getattr(sent, name)
        if value is not UNSET and (value is not None or null_clears):
            setattr(record, name, value)
    _assign(record, sent, null_clears=null_clears)
    _tag(call, record, sent, null_clears=null_clears)
    if isinstance(sent.email_suppressions, list):
        record.email_suppressions = sent.email_suppressions
    if isinstance(sent.custom, dict):
        _customise(call, record, sent.custom, overwrite=overwrite)
    elif sent.custom is None and null_clears:
        record.custom = {}


def _assign(record: Record, sent: ContactIn, *, null_clears: bool) -> None:
    if sent.assignee_id == UNASSIGNED or (sent.assignee_id is None and null_clears):
        record.assigned_user_id = None
    elif isinstance(sent.assignee_id, int):
        record.assigned_user_id = sent.assignee_id


def _tag(call: Call, record: Record, sent: ContactIn, *, null_clears: bool) -> None:
    if isinstance(sent.tags, UnsetType) or (sent.tags is None and not null_clears):
        return
    chosen = [tag.tag_id for tag in sent.tags or ()]
    if not call.readings.tags_replace and isinstance(record.tags, list):
        chosen = [tag.tag_id for tag in record.tags] + chosen
    chosen = list(dict.fromkeys(chosen))
    if len(chosen) > MAX_TAGS:
        raise Refused(400, f"tags: a contact has at most {MAX_TAGS}")
    record.tags = [Tag(id=record.id * 10 + n, tag_id=tag) for n, tag in enumerate(chosen)]


def _customise(call: Call, record: Record, sent: dict[str, object], *, overwrite: bool) -> None:
    known = set(map(str, call.fields))
    unknown = [key for key in sent if key not in known]
    if unknown and call.readings.unknown_custom == "reject":
        raise Refused(400, f"custom.{unknown[0]}: is not the id of a custom field")
    values = {} if overwrite else dict(record.custom or {})
    values.update((key, value) for key, value in sent.items() if key not in unknown)
    if call.readings.custom_null == "remove":
        values = {key: value for key, value in values.items() if value is not None}
    record.custom = values


def _blank_omitted(record: Record, sent: ContactIn) -> None:
    for name, blank in _BLANKS.items():
        asked = "assignee_id" if name == "assigned_user_id" else name
        if getattr(sent, asked) is UNSET:
            setattr(record, name, blank)


def _full_name(record: Record) -> str:
    return " ".join(name for name in (record.first, record.last) if isinstance(name, str) and name)


def _follow(call: Call, row: Row, record: Record) -> list[Channel]:
    """Carry a changed phone or e-mail over to the first channel of its kind."""
    channels = call.store.channels(row)
    for kind, value in (("phone", record.phone), ("email", record.email)):
        old = next((channel for channel in channels if channel.channel_type == kind), None)
        if not isinstance(value, str) or not value:
            channels = [channel for channel in channels if channel is not old]
        elif old is None:
            channels = [*channels, _another(call, row, record, channels, kind, value)]
        else:
            channels = _exchanged(call, channels, old, value)
    return channels


def _exchanged(call: Call, channels: list[Channel], old: Channel, value: str) -> list[Channel]:
    if old.channel_id == value:
        return channels
    now = call.store.written(call.store.stamp(call.now))
    changed = msgspec.structs.replace(old, channel_id=value, updated=now)
    return [changed if channel is old else channel for channel in channels]


def _another(
    call: Call, row: Row, record: Record, channels: list[Channel], kind: str, value: str
) -> Channel:
    taken = [int(str(channel.id).rpartition("-")[2]) % 100 for channel in channels]
    now = call.store.written(call.store.stamp(call.now))
    number = 1 + max(taken, default=0)
    made = call.store.channel(record, row.uuid, number, kind, value)
    return msgspec.structs.replace(made, created=now, updated=now)


def _mirror(record: Record, channels: list[Channel]) -> None:
    """Show the first phone and the first e-mail channel as `phone` and `email`."""
    firsts = {channel.channel_type: channel.channel_id for channel in reversed(channels)}
    record.phone = firsts.get("phone", "")
    if "email" in firsts or record.email:
        record.email = firsts.get("email", "")

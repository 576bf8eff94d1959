"""Changes of contacts, shared by the endpoints of v1 and v2."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import UNSET

from heymarket_async.sandbox.contacts import Contact, own_channels
from heymarket_async.sandbox.records import Channel, ChannelIn, ContactIn, Record, Tag, TagIn
from heymarket_async.sandbox.routes import Call, Refused, check_phone

MAX_TAGS = 5  # https://developers.heymarket.com/api-reference/contacts/create
UNASSIGNED = -1

_PLAIN = ("phone", "first", "last", "display_name", "email", "avatar", "is_opted_out")
_BLANKS: dict[str, object] = {
    "first": "",
    "last": "",
    "email": "",
    "avatar": "",
    "is_opted_out": False,
    "tags": [],
    "email_suppressions": [],
}


def duplicate(call: Call, phones: Iterable[str], name: str) -> Contact | None:
    """Return the contact that a create with these phones updates; None: it creates a new one."""
    if call.readings.duplicate_phone == "create":
        return None
    known = next(filter(None, map(call.contacts.by_phone, phones)), None)
    if known is not None and call.readings.duplicate_phone == "reject":
        raise Refused(400, f"{name} belongs to a contact already")
    return known


def create(call: Call, sent: ContactIn, channels: Sequence[ChannelIn] | None = None) -> Contact:
    """Make a new contact and store it."""
    contacts = call.contacts
    stamp, key = contacts.stamp(call.now), contacts.new_uuid()
    record = Record(id=contacts.new_id(), first="", last="", email="", avatar="", custom={})
    record.tags, record.assigned_user_id, record.is_opted_out = [], None, False
    record.created = record.updated = call.contacts.written(stamp)
    record.shared, record.type = True, "contact"
    _fill(call, record, sent, overwrite=True)
    if not sent.display_name:
        record.display_name = _full_name(record)
    kept = None
    if channels is not None:
        pairs = [pair(channel) for channel in channels]
        kinds = {kind for kind, _ in pairs}
        pairs += [own for own in own_channels(record) if own[0] not in kinds]
        now = record.created
        kept = [
            contacts.channel(record.id, key, number, kind, value, now, now)
            for number, (kind, value) in enumerate(pairs, 1)
        ]
        _mirror(record, kept)
    return contacts.put(record, key, stamp, kept)


def update(call: Call, contact: Contact, sent: ContactIn, *, overwrite: bool) -> Contact:
    """Write the sent fields, and treat omitted ones as the readings say."""
    record = call.contacts.record(contact)
    if call.readings.omitted == "blank":
        for name, blank in _BLANKS.items():
            if getattr(sent, name) is UNSET:
                setattr(record, name, blank)
        if sent.assignee_id is UNSET:
            record.assigned_user_id = None
    _fill(call, record, sent, overwrite=overwrite)
    if call.readings.omitted == "blank" and sent.display_name is UNSET:
        record.display_name = _full_name(record)
    return save(call, contact, record)


def save(
    call: Call, contact: Contact, record: Record, channels: list[Channel] | None = None
) -> Contact:
    """Store a changed contact under a new revision and stamp."""
    stamp = call.contacts.stamp(call.now)
    if bool(record.is_opted_out) != bool(call.contacts.record(contact).is_opted_out):
        _tell_of_opt_out(call, record)
    record.rev += -1 if call.readings.rev == "falls" else 1
    record.op = "update"
    record.updated = call.contacts.written(stamp)
    if channels is None and contact.channels is not None:
        channels = _follow(call, contact, record)
    if channels is not None:
        _mirror(record, channels)
    return call.contacts.put(record, contact.uuid, stamp, channels)


def delete(call: Call) -> None:
    """Delete the contact that the path names."""
    contact = call.find()
    if contact is not None:
        call.contacts.remove(contact)
    elif not call.readings.delete_missing_ok:
        raise call.missing()


def add_channels(call: Call, contact: Contact, wanted: Iterable[ChannelIn]) -> Contact:
    """Add the channels that the contact does not have yet."""
    channels = call.contacts.channels(contact)
    known = {(channel.channel_type, channel.channel_id) for channel in channels}
    for kind, value in dict.fromkeys(map(pair, wanted)):
        if (kind, value) not in known:
            channels = _extended(call, contact, channels, kind, value)
    if len(channels) == len(known):
        return contact
    return save(call, contact, call.contacts.record(contact), channels)


def change_channel(call: Call, contact: Contact, old: Channel, value: str) -> Contact:
    """Give one of a contact's channels another value."""
    channels = _exchanged(call, call.contacts.channels(contact), old, value)
    return save(call, contact, call.contacts.record(contact), channels)


def pair(channel: ChannelIn) -> tuple[str, str]:
    """Return type and value of a channel that was sent, or refuse it with 400."""
    if channel.channel_type == "phone":
        check_phone(channel.channel_id, "channel_id")
    if not (channel.channel_type and channel.channel_id):
        raise Refused(400, "channel_type, channel_id: both are required")
    return channel.channel_type, channel.channel_id


def ref(call: Call, contact: Contact) -> dict[str, object]:
    """Return the answer of a write: the contact's two ids and its revision."""
    return {"id": contact.id, "rev": call.contacts.record(contact).rev, "uuid": contact.uuid}


def _fill(call: Call, record: Record, sent: ContactIn, *, overwrite: bool) -> None:
    """Write the fields that were sent; `null` clears a field, unless it counts as not sent."""
    if call.readings.null_write == "keep":
        nulls = [name for name in sent.__struct_fields__ if getattr(sent, name) is None]
        sent = msgspec.structs.replace(sent, **dict.fromkeys(nulls, UNSET))
    if isinstance(sent.phone, str):
        check_phone(sent.phone)
    for name in _PLAIN:
        value: object = getattr(sent, name)
        if value is not UNSET:
            setattr(record, name, value)
    if sent.assignee_id is not UNSET:
        record.assigned_user_id = None if sent.assignee_id == UNASSIGNED else sent.assignee_id
    if sent.tags is not UNSET:
        _tag(call, record, sent.tags or [])
    if isinstance(sent.email_suppressions, list):
        record.email_suppressions = sent.email_suppressions
    if isinstance(sent.custom, dict):
        _customise(call, record, sent.custom, overwrite=overwrite)
    elif sent.custom is None:
        record.custom = {}


def _tag(call: Call, record: Record, sent: list[TagIn]) -> None:
    chosen = [tag.tag_id for tag in sent]
    if not call.readings.tags_replace and isinstance(record.tags, list):
        chosen = [tag.tag_id for tag in record.tags] + chosen
    chosen = list(dict.fromkeys(chosen))
    if len(chosen) > MAX_TAGS:
        raise Refused(400, f"tags: a contact has at most {MAX_TAGS}")
    record.tags = [Tag(id=record.id * 10 + n, tag_id=tag) for n, tag in enumerate(chosen)]


def _customise(call: Call, record: Record, sent: dict[str, object], *, overwrite: bool) -> None:
    known = set(map(str, call.account.fields))
    unknown = [key for key in sent if key not in known]
    if unknown and call.readings.unknown_custom == "reject":
        raise Refused(400, f"custom.{unknown[0]}: is not the id of a custom field")
    values = {} if overwrite else dict(record.custom or {})
    values.update((key, value) for key, value in sent.items() if key in known)
    if call.readings.custom_null == "remove":
        values = {key: value for key, value in values.items() if value is not None}
    record.custom = values


def _full_name(record: Record) -> str:
    return " ".join(name for name in (record.first, record.last) if isinstance(name, str) and name)


def _tell_of_opt_out(call: Call, record: Record) -> None:
    """Tell the webhooks of an opt-out or an opt-in; lists may lose people who opt out."""
    phone = str(record.phone or "")
    if record.is_opted_out and call.readings.opt_out_leaves_lists:
        call.account.lists.leave(phone, call.now)
    kind = "target_opt_out" if record.is_opted_out else "target_opt_in"
    told = {"id": record.id, "phone": phone, "unsubscribed": bool(record.is_opted_out)}
    call.account.webhooks.emit(kind, told)


def _follow(call: Call, contact: Contact, record: Record) -> list[Channel]:
    """Carry a changed phone or e-mail over to the first channel of its kind."""
    channels = call.contacts.channels(contact)
    for kind, value in (("phone", record.phone), ("email", record.email)):
        old = next((channel for channel in channels if channel.channel_type == kind), None)
        if not isinstance(value, str) or not value:
            channels = [channel for channel in channels if channel is not old]
        elif old is None:
            channels = _extended(call, contact, channels, kind, value)
        else:
            channels = _exchanged(call, channels, old, value)
    return channels


def _exchanged(call: Call, channels: list[Channel], old: Channel, value: str) -> list[Channel]:
    if old.channel_id == value:
        return channels
    now = call.contacts.written(call.contacts.stamp(call.now))
    changed = msgspec.structs.replace(old, channel_id=value, updated=now)
    return [changed if channel is old else channel for channel in channels]


def _extended(
    call: Call, contact: Contact, channels: list[Channel], kind: str, value: str
) -> list[Channel]:
    taken = [int(str(channel.id).rpartition("-")[2]) % 100 for channel in channels]
    number = 1 + max(taken, default=0)
    now = call.contacts.written(call.contacts.stamp(call.now))
    made = call.contacts.channel(contact.id, contact.uuid, number, kind, value, now, now)
    return [*channels, made]


def _mirror(record: Record, channels: list[Channel]) -> None:
    """Show the first phone and the first e-mail channel as `phone` and `email`."""
    firsts = {channel.channel_type: channel.channel_id for channel in reversed(channels)}
    record.phone = firsts.get("phone", "")
    if "email" in firsts or record.email:
        record.email = firsts.get("email", "")

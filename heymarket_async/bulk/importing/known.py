"""A contact of the account as an import's look sees it: any field may be of any type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import msgspec

from heymarket_async.checks import Int64
from heymarket_async.decoding import mending


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A contact that the account has. One odd field of it must not end an import.

    Attributes:
        id: None if it is no integer of 64 bits.
        rev: None if it is no integer of 64 bits.
        phone: As it was sent, like all that follows.
    """

    id: Int64 | None = None
    rev: Int64 | None = None
    phone: object = None
    first: object = None
    last: object = None
    display_name: object = None
    email: object = None
    custom: object = None
    avatar: object = None
    assigned_user_id: object = None
    tags: object = None
    is_opted_out: object = None
    contact_channels: object = None


def known_of(sent: Sequence[msgspec.Raw]) -> tuple[list[Known], bool]:
    """Return the contacts of an answer, and whether it holds something that is no contact.

    A contact has a positive id, or a phone if its id is odd or missing. One that is listed twice
    is one, in its newer version. Null and {} are nothing at all.
    """
    contacts: dict[int | bytes, Known] = {}
    has_others = False
    for each in sent:
        if (contact := _known(each)) is None:
            has_others = has_others or b"".join(bytes(each).split()) not in _NOTHING
            continue
        key = contact.id or bytes(each)
        if key not in contacts or (contact.rev or 0) > (contacts[key].rev or 0):
            contacts[key] = contact
    return list(contacts.values()), has_others


def phones_of(contact: Known) -> Iterator[str]:
    """Give the phones of a contact, as digits."""
    yield _digits(contact.phone)
    for channel in listed(contact.contact_channels):
        if isinstance(channel, dict):
            fields = cast(dict[str, object], channel)
            if fields.get("channel_type") == "phone":
                yield _digits(fields.get("channel_id"))


def listed(value: object) -> list[object]:
    """Return the elements of what should be a list; a value that is none is its only element."""
    if isinstance(value, list):
        return cast(list[object], value)
    return [value] if value else []


def _known(sent: msgspec.Raw) -> Known | None:
    try:
        contact = mending.decode(_decode, sent)
    except msgspec.MsgspecError:
        fields = mending.decode(_decode_any, sent)
        if not isinstance(fields, dict):
            return None
        contact = _odd(cast(dict[str, object], fields))
    is_one = any(phones_of(contact)) if contact.id is None else contact.id > 0
    return contact if is_one else None


def _odd(fields: dict[str, object]) -> Known:
    for name in ("id", "rev"):
        try:
            fields[name] = msgspec.convert(fields.get(name), Int64 | None, strict=False)
        except msgspec.ValidationError:
            fields[name] = None
    return msgspec.convert(fields, Known)


def _digits(phone: object) -> str:
    return str(phone or "").removeprefix("+")


_NOTHING = frozenset({b"null", b"{}"})
_decode = msgspec.json.Decoder(Known, strict=False).decode
_decode_any = msgspec.json.Decoder().decode

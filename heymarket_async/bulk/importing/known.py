"""A contact of the account as an import's look sees it: any field may be of any type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import msgspec

from heymarket_async import mending
from heymarket_async.checks import is_int


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A contact that the account has. One odd field of it must not end an import.

    Attributes:
        id: None if it is no integer.
        rev: None if it is no integer.
        phone: As it was sent, like all that follows.
    """

    id: int | None = None
    rev: int | None = None
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


def known_of(sent: Sequence[msgspec.Raw]) -> list[Known]:
    """Return contacts from their JSON; an element that is no object is no contact."""
    return [each for each in map(_known, sent) if each is not None]


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
        return mending.decode(_decode, sent)
    except msgspec.MsgspecError:
        fields = mending.decode(_decode_any, sent)
    if not isinstance(fields, dict):
        return None
    given = cast(dict[str, object], fields)
    for name in ("id", "rev"):
        if not is_int(given.get(name)):
            given[name] = None
    return msgspec.convert(given, Known)


def _digits(phone: object) -> str:
    return str(phone or "").removeprefix("+")


_decode = msgspec.json.Decoder(Known, strict=False).decode
_decode_any = msgspec.json.Decoder().decode

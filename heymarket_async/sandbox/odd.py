"""Odd contacts: JSON that the docs do not mention, by kind."""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec
from msgspec import UNSET, Raw, UnsetType

Change: TypeAlias = bytes | UnsetType | Callable[[bytes], bytes]
"""A field's JSON, UNSET to leave the field out, or a function that makes it from the usual JSON."""

Look: TypeAlias = bytes | Mapping[str, Change]
"""The JSON that is sent in place of a thing, or its changed fields."""

Wanted: TypeAlias = str | bytes | Mapping[str, object]
"""A kind of look, the JSON that is sent in place of a thing, or fields with other values."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Raw]).decode


def look(wanted: Wanted) -> Look:
    """Return the look of a kind, of bytes in place of a contact, or of fields with other values.

    Raises:
        ValueError: There is no such kind.
    """
    if isinstance(wanted, bytes):
        return wanted
    if not isinstance(wanted, str):
        return {
            name: value if isinstance(value, bytes | UnsetType) else _encode(value)
            for name, value in wanted.items()
        }
    if wanted not in KINDS:
        raise ValueError(f"no kind {wanted!r}; known: {', '.join(KINDS)}")
    return KINDS[wanted]


def with_look(line: bytes, look: Look) -> bytes:
    """Return the JSON that is sent for a contact whose usual JSON is `line`."""
    if isinstance(look, bytes):
        return look
    fields = _decode(line)
    for name, change in look.items():
        if isinstance(change, UnsetType):
            fields.pop(name, None)
        elif isinstance(change, bytes):
            fields[name] = Raw(change)
        else:
            fields[name] = Raw(change(bytes(fields.get(name, b'""'))))
    return _encode(fields)


def _replaced(pattern: bytes, text: bytes) -> Callable[[bytes], bytes]:
    return lambda stamp: re.sub(pattern, text, stamp, count=1)


_HUGE = str(2**63).encode()

TWICE: Look = {}
"""The look of a contact that lists hold twice; it changes no field."""

KINDS: Mapping[str, Look] = {
    # JSON that strict parsers refuse
    "lone_surrogate": {"display_name": rb'"Jo \ud83d"'},
    "raw_tab": {"first": b'"Jo\tAnn"'},
    "raw_newline": {"first": b'"Jo\nAnn"'},
    "invalid_utf8": {"last": b'"Ib\xe1\xf1ez"'},
    "nan": {"custom": b'{"1305":NaN}'},
    "infinity": {"custom": b'{"1305":-Infinity}'},
    # A field of another type
    "uuid_empty": {"uuid": b'""'},
    "external_id_number": {"external_id": b"42"},
    "phone_number": {"phone": lambda text: text.strip(b'"') or b"null"},
    "custom_array": {"custom": b"[]"},
    "tags_object": {"tags": b"{}"},
    "note_text": {"note": b'"Prefers texts"'},
    "assignee_text": {"assigned_user_id": b'""'},
    "created_number": {"created": b"1712935800"},
    "channels_null": {"contact_channels": b"[null]"},
    # An `updated` that is not a time, or long before any contact
    "updated_null": {"updated": b"null"},
    "updated_empty": {"updated": b'""'},
    "updated_without_zone": {"updated": _replaced(rb'(Z|\+00:00)"$', b'"')},
    "updated_zero": {"updated": b'"0000-00-00T00:00:00Z"'},
    "updated_year_0": {"updated": b'"0000-01-01T00:00:00Z"'},
    "updated_year_1": {"updated": b'"0001-01-01T00:00:00Z"'},  # Go's zero time
    "updated_year_10000": {"updated": b'"10000-01-01T00:00:00Z"'},
    "updated_month_13": {"updated": _replaced(rb"-\d\d-", b"-13-")},
    "updated_february_30": {"updated": _replaced(rb"-\d\d-\d\dT", b"-02-30T")},
    "updated_hour_24": {"updated": _replaced(rb"T\d\d:\d\d:\d\d", b"T24:00:00")},
    "updated_second_60": {"updated": _replaced(rb"(T\d\d:\d\d):\d\d", rb"\1:60")},
    # Ids and revisions
    "id_huge": {"id": _HUGE},
    "rev_huge": {"rev": _HUGE},
    "rev_fraction": {"rev": b"1.5"},
    "rev_null": {"rev": b"null"},
    "rev_missing": {"rev": UNSET},
    # The element as a whole
    "null": b"null",
    "twice": TWICE,
}
"""Every kind by name. The place in a list stays that of the contact's own `updated`."""

"""Odd contacts: JSON that the docs do not mention, by kind."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec
from msgspec import UNSET, Raw

Change: TypeAlias = bytes | Callable[[bytes], bytes] | None
"""A field's JSON, a function that makes it from the usual JSON, or None to leave the field out."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Raw]).decode


@dataclass(frozen=True, slots=True)
class Look:
    """The look of a contact in answers.

    Attributes:
        changes: The changed JSON, by field.
        whole: Sent in place of the contact.
        times: How often a list holds the contact.
    """

    changes: Mapping[str, Change] = field(default_factory=dict[str, Change])
    whole: bytes | None = None
    times: int = 1

    def on(self, line: bytes) -> bytes:
        """Return the JSON that is sent for a contact whose usual JSON is `line`."""
        if self.whole is not None:
            return self.whole
        fields = _decode(line)
        for name, change in self.changes.items():
            usual = bytes(fields.get(name, b'""'))
            if change is None:
                fields.pop(name, None)
            else:
                fields[name] = Raw(change(usual) if callable(change) else change)
        return _encode(fields)


def look(wanted: str | bytes | Mapping[str, object]) -> Look:
    """Return the look of a kind, of bytes in place of a contact, or of fields with other values.

    Raises:
        ValueError: There is no such kind.
    """
    if isinstance(wanted, bytes):
        return Look(whole=wanted)
    if not isinstance(wanted, str):
        return Look({name: _json(value) for name, value in wanted.items()})
    if wanted not in KINDS:
        raise ValueError(f"no kind {wanted!r}; known: {', '.join(KINDS)}")
    return KINDS[wanted]


def _json(value: object) -> bytes | None:
    if value is UNSET:
        return None
    return value if isinstance(value, bytes) else _encode(value)


def _replaced(pattern: bytes, text: bytes) -> Callable[[bytes], bytes]:
    return lambda stamp: re.sub(pattern, text, stamp, count=1)


_HUGE = str(2**63).encode()

KINDS: Mapping[str, Look] = {
    # JSON that strict parsers refuse
    "lone_surrogate": Look({"display_name": rb'"Jo \ud83d"'}),
    "raw_tab": Look({"first": b'"Jo\tAnn"'}),
    "raw_newline": Look({"first": b'"Jo\nAnn"'}),
    "invalid_utf8": Look({"last": b'"Ib\xe1\xf1ez"'}),
    "nan": Look({"custom": b'{"1305":NaN}'}),
    "infinity": Look({"custom": b'{"1305":-Infinity}'}),
    # A field of another type
    "uuid_empty": Look({"uuid": b'""'}),
    "external_id_number": Look({"external_id": b"42"}),
    "phone_number": Look({"phone": lambda text: text.strip(b'"') or b"null"}),
    "custom_array": Look({"custom": b"[]"}),
    "tags_object": Look({"tags": b"{}"}),
    "note_text": Look({"note": b'"Prefers texts"'}),
    "assignee_text": Look({"assigned_user_id": b'""'}),
    "created_number": Look({"created": b"1712935800"}),
    "channels_null": Look({"contact_channels": b"[null]"}),
    # An `updated` that is no moment, or long before any contact
    "updated_null": Look({"updated": b"null"}),
    "updated_empty": Look({"updated": b'""'}),
    "updated_without_zone": Look({"updated": _replaced(rb'(Z|\+00:00)"$', b'"')}),
    "updated_zero": Look({"updated": b'"0000-00-00T00:00:00Z"'}),
    "updated_year_0": Look({"updated": b'"0000-01-01T00:00:00Z"'}),
    "updated_year_1": Look({"updated": b'"0001-01-01T00:00:00Z"'}),  # Go's zero time
    "updated_year_10000": Look({"updated": b'"10000-01-01T00:00:00Z"'}),
    "updated_month_13": Look({"updated": _replaced(rb"-\d\d-", b"-13-")}),
    "updated_february_30": Look({"updated": _replaced(rb"-\d\d-\d\dT", b"-02-30T")}),
    "updated_hour_24": Look({"updated": _replaced(rb"T\d\d:\d\d:\d\d", b"T24:00:00")}),
    "updated_second_60": Look({"updated": _replaced(rb"(T\d\d:\d\d):\d\d", rb"\1:60")}),
    # Ids and revisions
    "id_huge": Look({"id": _HUGE}),
    "rev_huge": Look({"rev": _HUGE}),
    "rev_fraction": Look({"rev": b"1.5"}),
    "rev_null": Look({"rev": b"null"}),
    "rev_missing": Look({"rev": None}),
    # The element as a whole
    "null": Look(whole=b"null"),
    "twice": Look(times=2),
}
"""Every kind by name. The place in a list stays that of the contact's own `updated`."""

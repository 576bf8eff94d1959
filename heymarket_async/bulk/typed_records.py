"""Records as dlt loads them: typed as their columns are."""

from __future__ import annotations

import re
from typing import TypeAlias, cast

import msgspec

from heymarket_async import timestamps
from heymarket_async.bulk.read.versions import Batch, rows_of
from heymarket_async.checks import Int64
from heymarket_async.decoding import mending
from heymarket_async.walk.rows import Rows

# A record that they refuse has an integer of more than 64 bits, or is nested deeper than that.
_Plain: TypeAlias = Int64 | float | str | bool | None
_Nested: TypeAlias = _Plain | list[_Plain] | dict[str, _Plain]
_Deep: TypeAlias = _Plain | list[_Nested] | dict[str, _Nested]

_decode = msgspec.json.Decoder(dict[str, _Deep]).decode
_decode_any = msgspec.json.Decoder(dict[str, object]).decode


def typed_records(batch: Batch) -> dict[int, dict[str, object]]:
    """Return records by their ids, typed as their columns are."""
    kind, rows = batch.kind, batch.rows
    columns: dict[str, list[object]] = {"id": [*rows.ids], kind.fields.stamp: _moments(rows)}
    if kind.fields.has_rev:
        columns["rev"] = [*rows.revs]
    if kind.version is not kind.fields:
        lines = [bytes(item) for item in batch.items]
        columns[kind.version.stamp] = _moments(rows_of(lines, kind.version))
    records: dict[int, dict[str, object]] = {}
    for place, item in enumerate(batch.items):
        record = _record(item)
        typed = {name: values[place] for name, values in columns.items()}
        for name, value in typed.items():
            sent = record.get(name)
            if sent is not None and (value is None or (name == "id" and str(sent) != str(value))):
                record[f"{name}_as_sent"] = sent if isinstance(sent, str) else str(sent)
        records[rows.ids[place]] = record | typed
    return records


def _moments(rows: Rows) -> list[object]:
    """Return the times of records as datetimes, or None."""
    # A stamp may name a day that no calendar has; dlt needs a real time.
    return [
        timestamps.parse(time) if stamp and timestamps.is_time(time) else None
        for time, stamp in zip(rows.times, rows.stamps, strict=True)
    ]


# Behind an even number of backslashes; behind an odd one, it is a text of six characters.
_nul = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000").sub


def _record(item: bytes) -> dict[str, object]:
    """Return a contact with integers of more than 64 bits as text, for dlt and databases.

    Such a text gets a column of its own, or dlt would make it an integer again. In `custom`, which
    is one column of JSON, it stays in its place. U+0000, which PostgreSQL refuses, becomes U+FFFD.
    """
    if b"\\u0000" in (line := bytes(item)):
        item = _nul(rb"\1\\ufffd", line)
    try:
        return cast(dict[str, object], mending.decode(_decode, item))
    except msgspec.ValidationError:
        record = mending.decode(_decode_any, item)
    custom = _with_texts(record.pop("custom", None), renames=False)
    return cast(dict[str, object], _with_texts(record, renames=True)) | {"custom": custom}


def _with_texts(value: object, *, renames: bool) -> object:
    """Return JSON with large integers as text, if asked for under names of their own."""
    if isinstance(value, dict):
        fields = cast(dict[str, object], value)
        return {
            f"{name}_as_sent" if renames and _is_too_large(each) else name: _with_texts(
                each, renames=renames
            )
            for name, each in fields.items()
        }
    if isinstance(value, list):
        elements = cast(list[object], value)
        # To dlt, an element that is not an object has the one column `value`.
        return [
            _with_texts(
                {"value": each} if renames and _is_too_large(each) else each, renames=renames
            )
            for each in elements
        ]
    return str(value) if _is_too_large(value) else value


def _is_too_large(value: object) -> bool:
    return isinstance(value, int) and not -(2**63) <= value < 2**63

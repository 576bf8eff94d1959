"""Reads the rows of an import from JSON Lines, a row at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import cast

import msgspec

from heymarket_async.bulk.importing.columns import CUSTOM, READ_NAMES, Columns, Target
from heymarket_async.bulk.importing.intake import RejectedRow
from heymarket_async.bulk.importing.lines import (
    NOT_UTF_8,
    Text,
    contact_with,
    is_utf_8,
    rejected,
    tag_ids,
)
from heymarket_async.decoding import mending
from heymarket_async.models import NewContact

_Given = list[tuple[Target, object]]
_NO_CUSTOM: dict[str, object] = {}
_decode = msgspec.json.Decoder(dict[str, object]).decode


def json_rows(
    lines: Iterable[bytes], columns: Columns, phone: Callable[[str], str]
) -> Iterator[NewContact | RejectedRow]:
    """Read contacts from JSON Lines: the fields of `NewContact`, `custom` by title or by id.

    A field that is null is sent as null. Blank lines are no rows. JSON that strict readers refuse
    is read as answers are: half an emoji as U+FFFD, NaN and Infinity as null.

    Args:
        lines: UTF-8, with a byte order mark or without.
        columns: Says what the names mean.
        phone: Makes E.164 digits of a phone; see `phone_reader`.

    Raises:
        ValueError: The file is other JSON, or UTF-16, or its first row has names that mean
            nothing. In a later one they reject it.
    """
    text = Text(lines)
    is_first, is_begin = True, True
    for line in text:
        if not line.strip():
            continue
        if is_begin:
            is_begin = False
            _check_begin(line)
        try:
            row = _decoded(line)
        except ValueError as error:
            yield rejected(error, text.number)
            continue
        try:
            given = _given(row, columns)
        except ValueError as error:
            if is_first:
                raise ValueError(f"the first row: {error}") from None
            yield rejected(error, text.number)
            continue
        is_first = False
        yield _contact(given, phone, text.number)


def _check_begin(line: str) -> None:
    # Else each line of it would be a bad row.
    if line.lstrip().startswith("[") or line.strip() == "{":
        raise ValueError(
            "the file is JSON, but not JSON Lines, which has one whole object in each line and no"
            " array around them"
        )


def _decoded(line: str) -> dict[str, object]:
    if not is_utf_8(line):
        raise ValueError(NOT_UTF_8)
    try:
        row = mending.decode(_decode, line.encode())  # exports keep half an emoji as it was sent
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except msgspec.ValidationError:
        raise ValueError("is JSON, but no object") from None
    except msgspec.MsgspecError as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not isinstance(row.get("custom"), dict | None):
        raise ValueError("custom must be an object or null")
    return row


def _given(row: dict[str, object], columns: Columns) -> _Given:
    """Return the values of a row with what they mean.

    Raises:
        ValueError: A name means nothing.
    """
    custom = cast("dict[str, object] | None", row.pop("custom", _NO_CUSTOM))
    named = [*row.items(), *((f"{CUSTOM}{key}", value) for key, value in (custom or {}).items())]
    targets = columns.of_names(tuple(name for name, _ in named))
    given: _Given = [
        (target, value)
        for (name, value), target in zip(named, targets, strict=True)
        # That nobody is assigned is null to read, and -1 to write.
        if target is not None and not (value is None and name in READ_NAMES)
    ]
    if custom is None:
        given.append((Target("custom"), None))
    return given


def _contact(given: _Given, phone: Callable[[str], str], line: int) -> NewContact | RejectedRow:
    try:
        made = contact_with((target, _value(target, value, phone)) for target, value in given)
    except ValueError as error:
        return rejected(error, line)
    return rejected(made.reason, line) if isinstance(made, RejectedRow) else made


def _value(target: Target, value: object, phone: Callable[[str], str]) -> object:
    if target.field == "phone" and isinstance(value, str | int | float):
        # A program may hold a phone as a number, and a table even as a float.
        return phone(str(value))
    if target.field == "tags" and isinstance(value, list):
        return tag_ids(cast(list[object], value))
    return value

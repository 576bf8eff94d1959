"""Lines of a file as text, and what CSV and JSON Lines make of a row alike."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Self, cast

from heymarket_async.bulk.importing.columns import Target
from heymarket_async.bulk.importing.intake import RejectedRow, contact_of
from heymarket_async.models import NewContact

NOT_UTF_8 = "is not UTF-8; save the file as UTF-8"

_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_KEPT = "surrogateescape"
_SURROGATE = re.compile("[\udc80-\udcff]")


class Text:
    """The lines as text; bytes that are not UTF-8 are kept as lone surrogates.

    Attributes:
        number: Lines given so far.
        line: The last of them.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.number = 0
        self.line = ""
        self._lines = iter(lines)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        if self.number == 1 and line.startswith(_UTF_16):
            raise ValueError('the file is UTF-16, as "Unicode text" is; save it as UTF-8')
        whole = line.removeprefix(_BOM) if self.number == 1 else line
        self.line = whole.decode(errors=_KEPT)
        return self.line


def is_utf_8(text: str) -> bool:
    """Whether a text has no bytes in it that are not UTF-8."""
    return text.isascii() or not _SURROGATE.search(text)


def contact_with(given: Iterable[tuple[Target, object]]) -> NewContact | RejectedRow:
    """Return the contact that has these values, or why there can be none.

    Raises:
        ValueError: Two are of the same field.
    """
    fields: dict[str, object] = {}
    custom: dict[str, object] = {}
    for target, value in given:
        place, key = (custom, target.custom_id) if target.custom_id else (fields, target.field)
        if key in place:
            raise ValueError(f"names {key} twice")
        place[key] = value
    return contact_of({**fields, "custom": custom} if custom else fields)


def rejected(reason: object, line: int, end: int = 0) -> RejectedRow:
    """Return what is wrong with a row, and in which line it begins, or which lines it took."""
    where = f"lines {line} to {end}" if end > line else f"line {line}"
    return RejectedRow(f"{reason} ({where})")


def tag_ids(tags: list[object]) -> list[object]:
    """Return the ids of tags as exports have them, which is objects; others as they are."""
    return [
        cast(dict[str, object], tag).get("tag_id") if isinstance(tag, dict) else tag for tag in tags
    ]

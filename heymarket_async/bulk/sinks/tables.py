"""Contacts as rows of a table: which columns there are, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import cast

import msgspec

from heymarket_async.decoding import mending
from heymarket_async.models import ContactField

Kind = type[int] | type[bool] | type[str]

COLUMNS: dict[str, Kind] = {
    "id": int,
    "uuid": str,
    "display_name": str,
    "first": str,
    "last": str,
    "email": str,
    "phone": str,
    "is_opted_out": bool,
    "assigned_user_id": int,
    "tags": str,
    "avatar": str,
    "team_id": int,
    "creator_id": int,
    "shared": bool,
    "created": str,
    "updated": str,
    "rev": int,
    "op": str,
    "external_id": str,
    "external_ref": str,
    "inbox_id": int,
    "parent_id": int,
    "note": str,
    "type": str,
    "contact_channels": str,
}
"""The documented fields of a contact, in the order of the columns; lists are kept as JSON."""

OTHER = "other"
"""The column for all that has no column of its own, as JSON."""

_KNOWN = frozenset({*COLUMNS, "custom"})
_LISTS = frozenset({"tags", "note", "contact_channels"})
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001 - a spreadsheet takes both widths
"""The beginnings of cells that a spreadsheet would run."""

_STARTS = r"\"*[=+\-@＝＋－＠]"  # noqa: RUF001 - as above; a quote that is no text's is left out
_DIVIDED = re.compile(rf"([;\t\r\n])(?={_STARTS})")
_UNDIVIDED = re.compile(rf"(?<=[;\t\r\n])'(?={_STARTS})")

_WHOLE = re.compile(r"0|-?[1-9]\d*", re.ASCII)
_LARGEST = 2**63 - 1
"""What fits in a column of numbers, of either sign."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)

Cell = str | int | bool | None

_decode = msgspec.json.Decoder(dict[str, object]).decode


class Table:
    """The columns for contacts of one account.

    Attributes:
        columns: Their headings with their kinds: the documented fields, the account's custom
            fields by title in the order of their ids, and `other`.
    """

    def __init__(self, fields: Sequence[ContactField]) -> None:
        self._titles = _titles(fields)
        customs: dict[str, Kind] = dict.fromkeys(self._titles.values(), str)
        self.columns: dict[str, Kind] = {**COLUMNS, **customs, OTHER: str}

    @property
    def paths(self) -> list[tuple[str, str]]:
        """The headings that stand for one value, each with its JSON path."""
        own = [(name, f'$."{name}"') for name in COLUMNS]
        return own + [(title, f'$.custom."{key}"') for key, title in self._titles.items()]

    def row(self, line: bytes) -> list[Cell]:
        """Return what stands in the columns for one contact, given as JSON."""
        contact = mending.decode(_decode, line)
        cells: dict[str, Cell] = {}
        other: dict[str, object] = {}
        for name, value in contact.items():
            if name == "custom" and isinstance(value, dict):
                self._spread(cast("dict[str, object]", value), cells, other)
            elif value is None and name in _KNOWN:
                continue
            elif (cell := _cell(name, value)) is None:
                other[name] = value
            else:
                cells[name] = cell
        if other:
            cells[OTHER] = _json(other)
        return [cells.get(name) for name in self.columns]

    def _spread(
        self, custom: dict[str, object], cells: dict[str, Cell], other: dict[str, object]
    ) -> None:
        unknown: dict[str, object] = {}
        for key, value in custom.items():
            if key not in self._titles:
                unknown[key] = value
            elif value is not None:
                cells[self._titles[key]] = value if isinstance(value, str) else _json(value)
        if unknown:
            other["custom"] = unknown


def _cell(name: str, value: object) -> Cell:
    """Return what stands in the column of a key, or None if it has none or does not fit it."""
    if name in _LISTS:
        return _json(value)
    kind = COLUMNS.get(name)
    if kind is int and isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    elif kind is str and type(value) in {int, float}:
        value = str(value)
    # A bool is an int to Python, and to nobody else.
    if type(value) is not kind or (type(value) is int and abs(value) > _LARGEST):
        return None
    return cast("Cell", value)


def harmless(cells: Iterable[Cell], *, is_dividable: bool = True) -> list[Cell]:
    """Return cells of which a spreadsheet runs none as a formula: an apostrophe stands before it.

    So it does behind what divides cells for other spreadsheets, those of Europe above all: they
    divide at semicolons, and by their rules the quotes around our cell are none.

    Args:
        cells: The cells of a row.
        is_dividable: There may be semicolons, tabs or line breaks in them.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    if is_dividable:
        cells = [_DIVIDED.sub(r"\1'", cell) if isinstance(cell, str) else cell for cell in cells]
    return [f"'{cell}" if isinstance(cell, str) and _is_formula(cell) else cell for cell in cells]


def as_it_was(cell: str) -> str:
    """Return a cell without white space around, and without the apostrophes of `harmless`."""
    if "'" in cell:
        # The white space comes off after that: what divides cells is part of it.
        cell = _UNDIVIDED.sub("", cell).lstrip()
        cell = cell[1:] if cell[0] == "'" and _FORMULA.match(cell, 1) else cell
    return cell.strip()


def is_dividable(line: bytes) -> bool:
    """Whether the cells of a contact, given as JSON, may have semicolons, tabs or line breaks."""
    return b";" in line or b"\\" in line or b"\t" in line


def _is_formula(text: str) -> bool:
    return bool(_FORMULA.match(text)) and not _NUMBER.fullmatch(text)


def _titles(fields: Sequence[ContactField]) -> dict[str, str]:
    """Return headings by field id; a title that is taken, in any case, is told apart by its id.

    The oldest field keeps its title, so that no heading changes when another field is made.
    """
    taken = {*COLUMNS, OTHER, ""}  # all in lower case; to SQLite, names are the same in any
    titles: dict[str, str] = {}
    for field in sorted(fields, key=lambda each: each.id):
        title = field.title
        while title.casefold() in taken:
            title = f"{title} ({field.id})".lstrip()
        taken.add(title.casefold())
        titles[str(field.id)] = title
    return titles


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()

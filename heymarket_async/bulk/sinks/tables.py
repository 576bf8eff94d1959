"""Contacts as rows of a table: its columns, and their cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, cast

import msgspec

from heymarket_async.bulk.headings import OTHER, headings_of
from heymarket_async.decoding import mending
from heymarket_async.models.contact import ContactField

CellType = type[int] | type[bool] | type[str]

COLUMNS: dict[str, CellType] = {
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
"""The documented fields of a contact, in the order of the columns. Lists are kept as JSON."""

_KNOWN = frozenset({*COLUMNS, "custom"})
_LISTS = frozenset({"tags", "note", "contact_channels"})
_RUN = r"=+\-@\t\r\n＝＋－＠"  # noqa: RUF001 - a spreadsheet takes both widths
_FORMULA = re.compile(rf"'*[{_RUN}]")
"""The beginning of cells that a spreadsheet would run, after any apostrophes."""

_MAYBE_FORMULA = re.compile(rf",[{_RUN}']")
"""The same in a row, quickly found: the comma before such a cell, and one character of it."""

_DIVIDERS = r";\t\r\n"
_STARTS = r"'*\"*[=+\-@＝＋－＠]"  # noqa: RUF001 - as above; a spreadsheet drops a stray quote
_DIVIDED = re.compile(rf"[{_DIVIDERS}](?={_STARTS})")
_UNDIVIDED = re.compile(rf"(?<=[{_DIVIDERS}])'(?={_STARTS})")

_WHOLE = re.compile(r"0|-?[1-9]\d*", re.ASCII)
_LARGEST = 2**63 - 1
"""The largest number that fits in a column, of either sign."""

_Fitting = cast("type[int]", Annotated[int, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)])

_NUMBER = re.compile(r"'*[+-]?\d+(\.\d+)?", re.ASCII)

Cell = str | int | bool | None

_decode = msgspec.json.Decoder(dict[str, object]).decode

_LIST_PLACES = [place for place, name in enumerate(COLUMNS) if name in _LISTS]


class Table:
    """The columns for contacts of one account.

    Attributes:
        columns: The headings with the types of their cells: the documented fields, the account's
            custom fields as `headings_of` names them, and `other`.
    """

    def __init__(self, fields: Sequence[ContactField]) -> None:
        self._headings = headings_of(fields)
        customs: dict[str, CellType] = dict.fromkeys(self._headings.values(), str)
        self.columns: dict[str, CellType] = {**COLUMNS, **customs, OTHER: str}
        self._decode_usual = _decoder_of_usual(self._headings)
        self._no_custom = (None,) * len(self._headings)

    @property
    def paths(self) -> list[tuple[str, str]]:
        """The headings of all columns but `other`, each with its path in the JSON."""
        own = [(name, f'$."{name}"') for name in COLUMNS]
        return own + [(heading, f'$.custom."{key}"') for key, heading in self._headings.items()]

    def row(self, line: bytes) -> list[Cell]:
        """Return the cells of one contact, which is given as JSON.

        The usual ones are decoded right into cells, because that takes a quarter of the time.
        """
        return self._usual_row(line) or self._odd_row(line)

    def _usual_row(self, line: bytes) -> list[Cell] | None:
        """Return the cells if all values have a column and are of its type, or None."""
        try:
            *cells, custom = msgspec.structs.astuple(self._decode_usual(line))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        for place in _LIST_PLACES:
            if cells[place] is not None:
                cells[place] = _json(cells[place])
        cells += self._no_custom if custom is None else msgspec.structs.astuple(custom)
        cells.append(None)  # nothing is left over for `other`
        return cells

    def _odd_row(self, line: bytes) -> list[Cell]:
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
            if key not in self._headings:
                unknown[key] = value
            elif value is not None:
                cells[self._headings[key]] = value if isinstance(value, str) else _json(value)
        if unknown:
            other["custom"] = unknown


def _decoder_of_usual(custom: Iterable[str]) -> Callable[[bytes], msgspec.Struct]:
    """Return a decoder into the columns, in their order, with those in `custom` as the last one.

    It refuses values that have no column or are not of its type. Lists are decoded as well, because
    their cells are JSON without the white space and the escapes of the server.
    """
    types: dict[CellType, object] = {int: _Fitting | None, bool: bool | None, str: str | None}
    fields = [
        (name, cast("type[object]", object if name in _LISTS else types[kind]), None)
        for name, kind in COLUMNS.items()
    ]
    keys = {f"field_{number}": key for number, key in enumerate(custom)}
    in_custom = msgspec.defstruct(
        "_Custom",
        [(name, str | None, None) for name in keys],
        rename=keys,
        forbid_unknown_fields=True,
        gc=False,
    )
    usual = msgspec.defstruct(
        "_Usual",
        [*fields, ("custom", cast("type[object]", in_custom | None), None)],
        forbid_unknown_fields=True,
        gc=False,
    )
    return msgspec.json.Decoder(usual).decode


def _cell(name: str, value: object) -> Cell:
    """Return the cell for a value, or None if it has no column or does not fit it."""
    if name in _LISTS:
        return _json(value)
    kind = COLUMNS.get(name)
    if kind is int and isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    elif kind is str and type(value) in {int, float}:
        value = str(value)
    # In Python a bool is an int, but not in a table.
    if type(value) is not kind or (type(value) is int and abs(value) > _LARGEST):
        return None
    return cast("Cell", value)


def harmless(cells: Iterable[Cell]) -> list[Cell]:
    """Return cells with an apostrophe before each text that a spreadsheet would run as a formula.

    Some spreadsheets, above all in Europe, divide cells at semicolons or tabs and then ignore the
    quotes around a cell. So an apostrophe is also put behind these dividers. A formula that has
    apostrophes before it already gets one more, so that `as_it_was` gives every text back.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return [_harmless(cell) if isinstance(cell, str) else cell for cell in cells]


def _harmless(text: str) -> str:
    # A template instead of a function would be parsed again for each cell.
    text = _DIVIDED.sub(lambda divider: f"{divider[0]}'", text)
    return f"'{text}" if _is_formula(text) else text


def may_be_run(row: str) -> bool:
    """Whether `harmless` may change a cell of a row, in which a comma is before each cell."""
    is_dividable = ";" in row or "\t" in row or "\n" in row or "\r" in row
    return is_dividable or bool(_MAYBE_FORMULA.search(row))


def as_it_was(cell: str) -> str:
    """Return a text that was made harmless: without the apostrophes of `harmless`."""
    if "'" not in cell:
        return cell
    if cell[0] == "'" and _is_formula(cell):
        cell = cell[1:]
    return _UNDIVIDED.sub("", cell)


def reversible(text: str) -> str:
    """Return a text that `as_it_was` gives back, with an apostrophe only where that needs one.

    For spreadsheets, whose texts are never run. An import cannot know whether it was CSV once.
    """
    if "'" not in text or as_it_was(text) == text:
        return text
    return str(harmless([text])[0])


def _is_formula(text: str) -> bool:
    """Whether a text is a formula, with or without apostrophes before it."""
    return bool(_FORMULA.match(text)) and not _NUMBER.fullmatch(text)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()

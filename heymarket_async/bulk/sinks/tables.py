"""Records as rows of a table: its columns, and their cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from types import GenericAlias
from typing import Annotated, cast

import msgspec

from heymarket_async.bulk.headings import OTHER, headings_of
from heymarket_async.bulk.kind import CONTACT, CellType, Kind
from heymarket_async.decoding import mending
from heymarket_async.models.contact import ContactField

_RUN = r"=+\-@\t\r\n＝＋－＠"  # noqa: RUF001 - a spreadsheet takes both widths
_FORMULA = re.compile(rf"'*[{_RUN}]")
"""The beginning of cells that a spreadsheet would run, after any apostrophes."""

_MAYBE_FORMULA = re.compile(rf",[{_RUN}']")
"""The same in a row, quickly found: the comma before such a cell, and one character of it."""

_DIVIDERS = r";\t\r\n"
_STARTS = r"'*\"*[=+\-@＝＋－＠]"  # noqa: RUF001 - as above; a spreadsheet drops a stray quote
_DIVIDED = re.compile(rf"[{_DIVIDERS}](?={_STARTS})")
_UNDIVIDED = re.compile(rf"(?<=[{_DIVIDERS}])'(?={_STARTS})")

_CUSTOM = "custom"
_WHOLE = re.compile(r"0|-?[1-9]\d*", re.ASCII)
_LARGEST = 2**63 - 1
"""The largest number that fits in a column, of either sign."""

_Fitting = cast("type[int]", Annotated[int, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)])

_NUMBER = re.compile(r"'*[+-]?\d+(\.\d+)?", re.ASCII)

Cell = str | int | bool | None

_decode = msgspec.json.Decoder(dict[str, object]).decode


class Table:
    """The columns for records of one account.

    Args:
        fields: The account's custom fields; none unless the records are contacts.
        kind: The kind of the records.
        kept: The fields that are lists whose cells are lists, instead of JSON: of the type of
            their elements in the usual case, or as they were sent.

    Attributes:
        columns: The headings with the types of their cells: the documented fields, the account's
            custom fields as `headings_of` names them, and `other`.
    """

    def __init__(
        self,
        fields: Sequence[ContactField],
        kind: Kind = CONTACT,
        kept: Collection[str] = (),
    ) -> None:
        self._kind = kind
        self._headings = headings_of(fields)
        customs: dict[str, CellType] = dict.fromkeys(self._headings.values(), str)
        self.columns: dict[str, CellType] = {**kind.columns, **customs, OTHER: str}
        self._known = {*kind.columns, _CUSTOM}
        self._in_json = kind.nested - {*kept}
        self._nested = [place for place, name in enumerate(kind.columns) if name in self._in_json]
        self._decode_usual = _decoder_of_usual(kind, self._headings, kept)
        self._no_custom = (None,) * len(self._headings)

    @property
    def paths(self) -> list[tuple[str, str]]:
        """The headings of all columns but `other`, each with its path in the JSON."""
        own = [(name, f'$."{name}"') for name in self._kind.columns]
        return own + [(heading, f'$.custom."{key}"') for key, heading in self._headings.items()]

    def row(self, line: bytes) -> list[Cell]:
        """Return the cells of one record, which is given as JSON.

        The usual ones are decoded right into cells, because that takes a quarter of the time.
        """
        return self._usual_row(line) or self._odd_row(line)

    def _usual_row(self, line: bytes) -> list[Cell] | None:
        """Return the cells if all values have a column and are of its type, or None."""
        try:
            cells: list[Cell] = list(msgspec.structs.astuple(self._decode_usual(line)))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        custom = cast(
            "msgspec.Struct | None", cells.pop() if self._kind.has_custom_fields else None
        )
        for place in self._nested:
            if cells[place] is not None:
                cells[place] = _json(cells[place])
        cells += self._no_custom if custom is None else msgspec.structs.astuple(custom)
        cells.append(None)  # nothing is left over for `other`
        return cells

    def _odd_row(self, line: bytes) -> list[Cell]:
        record = mending.decode(_decode, line)
        cells: dict[str, Cell] = {}
        other: dict[str, object] = {}
        for name, value in record.items():
            if name == _CUSTOM and self._kind.has_custom_fields and isinstance(value, dict):
                self._spread(cast("dict[str, object]", value), cells, other)
            elif value is None and name in self._known:
                continue
            elif (cell := self._cell(name, value)) is None:
                other[name] = value
            else:
                cells[name] = cell
        if other:
            cells[OTHER] = _json(other)
        return [cells.get(name) for name in self.columns]

    def _cell(self, name: str, value: object) -> Cell:
        """Return the cell for a value, or None if it has no column or does not fit it."""
        if name in self._in_json:
            return _json(value)
        if name in self._kind.nested:
            return cast("Cell", value)  # one of those that are kept
        kind = self._kind.columns.get(name)
        if kind is int and isinstance(value, str) and _WHOLE.fullmatch(value):
            value = int(value)
        elif kind is str and type(value) in {int, float}:
            value = str(value)
        # In Python a bool is an int, but not in a table.
        if type(value) is not kind or (type(value) is int and abs(value) > _LARGEST):
            return None
        return cast("Cell", value)

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
            other[_CUSTOM] = unknown


def _decoder_of_usual(
    kind: Kind, custom: Iterable[str], kept: Collection[str]
) -> Callable[[bytes], msgspec.Struct]:
    """Return a decoder into the columns, in their order, with custom fields as the last one.

    It refuses values that have no column or are not of its type. Lists are decoded as well, because
    their cells are JSON without the white space and the escapes of the server.
    """
    types: dict[CellType, object] = {int: _Fitting | None, bool: bool | None, str: str | None}
    nested: dict[str, object] = dict.fromkeys(kind.nested, object)
    nested |= {name: GenericAlias(list, (kind.lists[name],)) | None for name in kept}
    fields = [
        (name, cast("type[object]", nested.get(name) or types[cell]), None)
        for name, cell in kind.columns.items()
    ]
    keys = {f"field_{number}": key for number, key in enumerate(custom)}
    in_custom = msgspec.defstruct(
        "_Custom",
        [(name, str | None, None) for name in keys],
        rename=keys,
        forbid_unknown_fields=True,
        gc=False,
    )
    if kind.has_custom_fields:
        fields.append((_CUSTOM, cast("type[object]", in_custom | None), None))
    usual = msgspec.defstruct("_Usual", fields, forbid_unknown_fields=True, gc=False)
    return msgspec.json.Decoder(usual).decode


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

"""The typed columns of a table in Arrow, which Parquet files are made of; needs pyarrow.

A time is a timestamp in UTC with microseconds. The elements of a list have the types of their
fields. Where such a column has less than what was sent, such as nanoseconds or a key that is not
documented, `other` has the value as it was sent too. A number in place of a time is there as text.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportMissingTypeStubs=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow comes without types, and makes some functions at run time.

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any, cast, get_args, get_type_hints

import msgspec
import pyarrow as pa  # type: ignore[import-untyped] # has no types
import pyarrow.compute as pc  # type: ignore[import-untyped] # has no types

from heymarket_async import timestamps
from heymarket_async.bulk.kind import CellType, Kind

_TIME = pa.timestamp("us", tz="UTC")
_TYPES: dict[object, pa.DataType] = {int: pa.int64(), bool: pa.bool_(), str: pa.string()}
_LARGEST = 2**63 - 1
_YEAR_2: int = pa.scalar(timestamps.parse("0002-01-01T00:00:00Z"), _TIME).value
_LATEST: int = pa.scalar(timestamps.parse("9999-12-31T23:59:59.999999Z"), _TIME).value

_Left = dict[int, object]
"""Values that a column does not have as they were sent, by their rows."""

_Make = Callable[[Any], tuple[pa.Array, _Left]]
"""Returns the array of a column, from its cells, and what it does not hold."""


class ArrowTable:
    """Makes tables of Arrow from columns of cells.

    Args:
        columns: The headings with the types of their cells.
        kind: The kind of the records.

    Attributes:
        schema: The names and types of the columns.
    """

    def __init__(self, columns: Mapping[str, CellType], kind: Kind) -> None:
        self._columns: list[tuple[str, pa.DataType, _Make]] = []
        for name, cell in columns.items():
            if name in kind.stamps and name in kind.columns:
                self._columns.append((name, _TIME, _times))
            elif name in kind.lists:
                column = _Lists(kind.lists[name])
                self._columns.append((name, column.type, column.make))
            else:
                self._columns.append((name, _TYPES[cell], _plain(_TYPES[cell])))
        self.schema = pa.schema([(name, type_) for name, type_, _ in self._columns])

    def of_columns(self, columns: Sequence[Sequence[object]]) -> pa.Table:
        """Return a table. The last column is `other`, and gets what the others do not hold."""
        arrays, left_over = list[pa.Array](), dict[int, dict[str, object]]()
        for (name, _, make), values in zip(self._columns[:-1], columns, strict=False):
            array, left = make(values)
            arrays.append(array)
            for row, value in left.items():
                left_over.setdefault(row, {})[name] = value
        others = list(columns[-1])
        for row, sent in left_over.items():
            known = cast("str | None", others[row])
            found: dict[str, object] = {} if known is None else msgspec.json.decode(known)
            others[row] = msgspec.json.encode({**found, **sent}).decode()
        arrays.append(pa.array(others, pa.string()))
        return pa.Table.from_arrays(arrays, schema=self.schema)


def _plain(type_: pa.DataType) -> _Make:
    def make(values: Sequence[object]) -> tuple[pa.Array, _Left]:
        return pa.array(values, type_), {}

    return make


def _times(texts: Sequence[str | None]) -> tuple[pa.Array, _Left]:
    try:
        array = pa.array(texts, pa.string()).cast(_TIME)
        ends = pc.min_max(array)
        earliest, latest = ends["min"].value, ends["max"].value
        # Year 1 means "never". A zone can lead into the year 10000, which readers fail at.
        if earliest is None or (earliest >= _YEAR_2 and latest <= _LATEST):
            return array, {}
    except pa.ArrowInvalid:
        pass  # one is finer than microseconds, or is not a time
    left, moments = _Left(), list[object]()
    for row, text in enumerate(texts):
        is_time = text is not None and timestamps.is_time(text)
        moments.append(timestamps.parse(text) if text is not None and is_time else None)
        if text is not None and not (is_time and _is_whole(text)):
            left[row] = text
    return pa.array(moments, _TIME), left


def _is_whole(text: str) -> bool:
    """Whether a time has no more than microseconds."""
    return len(timestamps.instant(text).partition(".")[2]) <= 6


class _Lists:
    """A column of lists.

    Attributes:
        type: The type of the column.
    """

    def __init__(self, element: type[object]) -> None:
        self._element = element
        self._fields: dict[str, pa.DataType] = {}
        if issubclass(element, msgspec.Struct):
            hints = get_type_hints(element)
            self._fields = {name: _type_of(hints[name]) for name in element.__struct_fields__}
            self._struct = pa.struct(list(self._fields.items()))
        self.type = pa.list_(self._struct if self._fields else _TYPES[element])

    def make(self, values: Sequence[object]) -> tuple[pa.Array, _Left]:
        """Return the array, and the values that it does not hold as they were sent."""
        left, lists = _Left(), list[list[Any] | None]()
        for row, value in enumerate(values):
            elements = value if isinstance(value, list) else None
            if elements and not self._are_usual(elements):
                elements = [made for each in elements if (made := self._fitted(each)) is not None]
                if [self._sent(each) for each in elements] != value:
                    left[row] = value
            elif elements is None and value is not None:
                left[row] = value
            lists.append(elements)
        if not self._fields:
            return pa.array(lists, self.type), left
        elements = list(chain.from_iterable(filter(None, lists)))
        children = [
            pa.array(_alike([getattr(each, name) for each in elements], kind), kind)
            for name, kind in self._fields.items()
        ]
        structs = pa.StructArray.from_arrays(children, fields=list(self._struct))
        ends = accumulate((len(each) if each else 0 for each in lists), initial=0)
        missing = pa.array([each is None for each in lists])
        offsets = pa.array(ends, pa.int32())
        return pa.ListArray.from_arrays(offsets, structs, self.type, mask=missing), left

    def _are_usual(self, elements: list[Any]) -> bool:
        """Whether the elements have their type, as in a row that was decoded as usual."""
        if self._fields:
            return type(elements[0]) is self._element
        return all(type(each) is self._element and not _is_large(each) for each in elements)

    def _fitted(self, value: object) -> object:
        """Return what an element has that fits, or None."""
        if self._fields and isinstance(value, dict):
            fields = cast("dict[str, object]", value)
            known = {name: fields[name] for name in self._fields if name in fields}
            return msgspec.convert(dict(filter(self._is_fit, known.items())), self._element)
        return value if type(value) is self._element and not _is_large(value) else None

    def _sent(self, element: object) -> object:
        """Return an element as it was sent, if all of it fitted and no field was null."""
        if not self._fields:
            return element
        fields = cast("dict[str, object]", msgspec.structs.asdict(cast(msgspec.Struct, element)))
        return {name: value for name, value in fields.items() if value is not None}

    def _is_fit(self, field: tuple[str, object]) -> bool:
        try:
            msgspec.convert(dict([field]), self._element)
        except msgspec.ValidationError:
            return False
        return True


def _type_of(hint: object) -> pa.DataType:
    kinds = get_args(hint)
    return _TYPES[str if str in kinds else bool if bool in kinds else int]


def _alike(values: list[Any], kind: pa.DataType) -> list[Any]:
    """Return values with integers as text where a column is text."""
    if kind != pa.string() or int not in set(map(type, values)):
        return values
    return [str(value) if type(value) is int else value for value in values]


def _is_large(value: object) -> bool:
    return type(value) is int and abs(value) > _LARGEST

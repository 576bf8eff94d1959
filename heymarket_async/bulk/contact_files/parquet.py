"""Reads contacts from Parquet, as exports and table tools write it; needs the extra `parquet`."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportMissingTypeStubs=false, reportUnknownParameterType=false
# pyarrow comes without types.

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

from heymarket_async.bulk.contact_files.export_marks import OF_EXPORT, was_csv
from heymarket_async.bulk.contact_files.table import Row, Table
from heymarket_async.bulk.contact_files.values import text_of
from heymarket_async.extras import needs

if TYPE_CHECKING:
    from pyarrow import Array, RecordBatch, Scalar, Schema  # type: ignore[import-untyped] # has no types

_ROWS_AT_ONCE = 5000
_DAMAGED = "The Parquet file is damaged. Write it again."
_INDEX = re.compile(r"__index_level_\d+__")
"""The column in which pandas keeps the numbers of the rows."""


def read(file: BinaryIO) -> Table:
    """Return the table of a Parquet file; a row is numbered from 1, without the headings.

    Rows are read a few thousand at a time. The index of pandas is left out.

    Args:
        file: The file; it can seek.

    Raises:
        ValueError: The file is damaged or empty, or the extra is missing.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # type: ignore[import-untyped] # noqa: PLC0415 - has no types
    except ImportError:
        raise ValueError(needs("a Parquet file", "parquet")) from None
    damage = (pa.ArrowException, OSError, UnicodeDecodeError)
    try:
        parquet = pq.ParquetFile(file)
        schema = parquet.schema_arrow
        names: list[str] = schema.names
    except damage:
        raise ValueError(_DAMAGED) from None
    kept = [place for place, name in enumerate(names) if not _INDEX.fullmatch(name)]
    if not kept:
        raise ValueError("The Parquet file has no columns.")
    rows = _rows(parquet.iter_batches(_ROWS_AT_ONCE), kept, damage)
    return Table(
        [names[place] for place in kept], rows, unit="row", has_apostrophes=_was_csv(schema)
    )


def _was_csv(schema: Schema) -> bool:
    from pyarrow import types  # noqa: PLC0415 - an extra

    if not {*OF_EXPORT, "phone"} <= set(schema.names):
        return False
    phone, row_id = schema.field("phone").type, schema.field("id").type
    return was_csv(
        has_text_ids=not types.is_integer(row_id) and not types.is_floating(row_id),
        has_numeric_phones=types.is_integer(phone) or types.is_floating(phone),
    )


def _rows(
    batches: Iterator[RecordBatch], kept: Sequence[int], damage: tuple[type[Exception], ...]
) -> Iterator[Row]:
    number = 0
    try:
        for batch in batches:
            columns = [_texts(batch.column(place)) for place in kept]
            for cells in zip(*columns, strict=True):
                number += 1
                yield Row(number, cells)
    except damage:
        raise ValueError(_DAMAGED) from None


def _texts(column: Array) -> list[str]:
    try:
        values: list[object] = column.to_pylist()
    except (OverflowError, ValueError):
        values = [_value(cell) for cell in column]
    return [value if isinstance(value, str) else text_of(value) for value in values]


def _value(cell: Scalar) -> object:
    try:
        return cell.as_py()
    except (OverflowError, ValueError):
        # Arrow writes a time that Python does not have, such as one of the year 10000.
        return cell.cast("string").as_py()

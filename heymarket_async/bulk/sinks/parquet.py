"""The sink that is a Parquet file; it needs pyarrow, which comes with the extra `parquet`."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyarrow comes without types.

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from heymarket_async.bulk.sinks.files import StagedFile, in_batches
from heymarket_async.bulk.sinks.tables import Table
from heymarket_async.extras import needs
from heymarket_async.models.contact import ContactField

_ROWS_AT_ONCE = 5_000
"""As Python's objects, rows take many times the memory that they take in Arrow."""
_ROWS_IN_A_GROUP = 8 * _ROWS_AT_ONCE
"""The description of each group stays in memory until the end, so there should be few."""


class Parquet(StagedFile):
    """A table with a column for each documented field, and of contacts for each custom field.

    Numbers, booleans, times and lists are typed, as `sinks.arrow` describes; phones are text. All
    other columns are text, even if a number came for one. Values that have no column of their own,
    or do not fit it, are kept as JSON in the last one, `other`.

    Args:
        path: The file.

    Raises:
        ValueError: The extra `parquet` is not installed.
    """

    format = "Parquet"

    def __init__(self, path: Path | str) -> None:
        super().__init__(path, ".parquet")
        try:
            import pyarrow.parquet as pq  # type: ignore[import-untyped] # noqa: PLC0415 - has no types
        except ImportError:
            raise ValueError(needs("a Parquet file", "parquet")) from None
        self._pq = pq

    def _render(
        self, lines: Iterable[bytes], fields: Sequence[ContactField], file: BinaryIO
    ) -> Iterator[int]:
        import pyarrow as pa  # noqa: PLC0415 - as below

        from heymarket_async.bulk.sinks.arrow import ArrowTable  # noqa: PLC0415 - needs pyarrow

        table = Table(fields, self.kind, kept=self.kind.lists)
        arrow = ArrowTable(table.columns, self.kind)
        with self._pq.ParquetWriter(file, arrow.schema, compression="zstd") as writer:
            group = list[pa.Table]()
            for done, some in in_batches(lines, _ROWS_AT_ONCE):
                columns = zip(*(table.row(line) for line in some), strict=True)
                group.append(arrow.of_columns(list(columns)))
                if done % _ROWS_IN_A_GROUP == 0:
                    writer.write_table(pa.concat_tables(group))
                    group.clear()
                yield done
            if group:
                writer.write_table(pa.concat_tables(group))

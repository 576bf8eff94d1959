"""The sink that is a Parquet file; it needs pyarrow, which comes with the extra `parquet`."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyarrow comes without types.

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from heymarket_async.bulk.sinks.files import StagedFile, in_batches
from heymarket_async.bulk.sinks.tables import Table
from heymarket_async.models.contact import ContactField

_ROWS_IN_A_GROUP = 20_000


class Parquet(StagedFile):
    """A table with a column for each documented field, and of contacts for each custom field.

    Numbers and booleans are typed. All other columns are text, even if a number came for one.
    Values that have no column of their own, or do not fit it, are kept as JSON in the last one,
    `other`.

    Args:
        path: The file.

    Raises:
        ValueError: The extra `parquet` is not installed.
    """

    def __init__(self, path: Path | str) -> None:
        super().__init__(path, ".parquet")
        try:
            import pyarrow as pa  # type: ignore[import-untyped] # noqa: PLC0415 - an extra
            import pyarrow.parquet as pq  # type: ignore[import-untyped] # noqa: PLC0415 - has no types
        except ImportError:
            raise ValueError(
                "a Parquet file needs a package: pip install 'heymarket-async[parquet]'"
            ) from None
        self._pa, self._pq = pa, pq

    def _render(
        self, lines: Iterable[bytes], fields: Sequence[ContactField], file: BinaryIO
    ) -> Iterator[int]:
        table, pa = Table(fields, self.kind), self._pa
        kinds = {int: pa.int64(), bool: pa.bool_(), str: pa.string()}
        schema = pa.schema([(name, kinds[kind]) for name, kind in table.columns.items()])
        with self._pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for done, some in in_batches(lines, _ROWS_IN_A_GROUP):
                columns = list(zip(*(table.row(line) for line in some), strict=True))
                arrays = [
                    pa.array(column, type=field.type)
                    for column, field in zip(columns, schema, strict=True)
                ]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
                yield done

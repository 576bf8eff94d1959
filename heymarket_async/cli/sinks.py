"""The sink for the PATH of an export."""

from __future__ import annotations

import stat
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from typer import BadParameter

from heymarket_async.bulk import Csv, JsonLines, Parquet, Sink, Sqlite, Stream, Xlsx
from heymarket_async.bulk.sinks.stream import open_pipe
from heymarket_async.cli.options import DATABASES


@asynccontextmanager
async def sink_of(path: Path, *, bom: bool, defuse: bool) -> AsyncGenerator[Sink]:
    """Open the sink for the PATH of an export; the end of the name gives the format."""
    if str(path) == "-":
        yield Stream(sys.stdout.buffer)
    elif _is_pipe_or_device(path):
        with await open_pipe(path) as device:
            yield Stream(device)
    elif path.suffix == ".csv":
        yield Csv(path, bom=bom, defuse=defuse)
    else:
        yield _format_of(path)(path)


def _format_of(path: Path) -> Callable[[Path], Sink]:
    is_compressed = path.suffix in {".gz", ".zst"}
    name = path.with_suffix("").suffix if is_compressed else path.suffix
    if name in {"", ".json", ".jsonl", ".ndjson"}:
        return JsonLines
    if name == ".xlsx" and not is_compressed:
        return Xlsx
    if name == ".parquet" and not is_compressed:
        return Parquet
    if name in DATABASES and not is_compressed:
        return Sqlite
    raise BadParameter(
        "PATH must end in .jsonl, .jsonl.gz, .jsonl.zst, .csv, .xlsx, .parquet or .db."
    )


def _is_pipe_or_device(path: Path) -> bool:
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False

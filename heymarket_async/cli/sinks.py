"""Which sink the PATH of an export means."""

from __future__ import annotations

import stat
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import typer

from heymarket_async.bulk import Csv, JsonLines, Parquet, Sink, Sqlite, Stream
from heymarket_async.bulk.sinks.stream import open_pipe


@asynccontextmanager
async def sink_of(path: Path, *, bom: bool, defuse: bool) -> AsyncGenerator[Sink]:
    """Give the sink that a path means, by its end."""
    if str(path) == "-":
        yield Stream(sys.stdout.buffer)
    elif _is_pipe_or_device(path):
        with await open_pipe(path) as device:
            yield Stream(device)
    elif path.suffix == ".csv":
        yield Csv(path, bom=bom, defuse=defuse)
    else:
        yield _kind_of(path)(path)


def _kind_of(path: Path) -> Callable[[Path], Sink]:
    name = path.with_suffix("").suffix if path.suffix in {".gz", ".zst"} else path.suffix
    kinds: dict[str, Callable[[Path], Sink]] = {
        "": JsonLines,
        ".json": JsonLines,
        ".jsonl": JsonLines,
        ".ndjson": JsonLines,
        ".parquet": Parquet,
        ".db": Sqlite,
        ".sqlite": Sqlite,
        ".sqlite3": Sqlite,
    }
    if name not in kinds or (name != path.suffix and kinds[name] is not JsonLines):
        raise typer.BadParameter(
            "PATH must end in .jsonl, .jsonl.gz, .jsonl.zst, .csv, .parquet or .db"
        )
    return kinds[name]


def _is_pipe_or_device(path: Path) -> bool:
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False

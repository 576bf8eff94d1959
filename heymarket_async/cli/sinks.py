"""The sink for the PATH of an export."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from typer import BadParameter

from heymarket_async.bulk import Csv, JsonLines, Sink, Stream
from heymarket_async.bulk.sinks.endings import ENDINGS
from heymarket_async.bulk.sinks.given import sink_type
from heymarket_async.bulk.sinks.stream import open_pipe
from heymarket_async.cli.kept import is_pipe_or_device


@asynccontextmanager
async def sink_of(path: Path, *, bom: bool, defuse: bool) -> AsyncGenerator[Sink]:
    """Open the sink for the PATH of an export; the end of the name gives the format."""
    if str(path) == "-":
        yield Stream(sys.stdout.buffer)
    elif is_pipe_or_device(path):
        with await open_pipe(path) as device:
            yield Stream(device)
    else:
        kind = JsonLines if not path.suffix else sink_type(path)
        if kind is None:
            raise BadParameter(f"PATH must end in {ENDINGS}.")
        yield Csv(path, bom=bom, defuse=defuse) if kind is Csv else kind(path)

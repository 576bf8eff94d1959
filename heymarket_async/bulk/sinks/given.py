"""The sink of an export, from what the caller gives: a path or a sink."""

from __future__ import annotations

import os
from pathlib import Path

from heymarket_async.bulk.sinks.endings import ENDINGS, format_of
from heymarket_async.bulk.sinks.files import Csv, JsonLines
from heymarket_async.bulk.sinks.parquet import Parquet
from heymarket_async.bulk.sinks.sink import Sink
from heymarket_async.bulk.sinks.sqlite import Sqlite
from heymarket_async.bulk.sinks.xlsx import Xlsx
from heymarket_async.checks import kind_of

_TYPES = (JsonLines, Csv, Xlsx, Parquet, Sqlite)
_METHODS = ("open", "stored", "write", "finish", "close")


def sink_type(path: Path) -> type[JsonLines | Csv | Xlsx | Parquet | Sqlite] | None:
    """Return the class of the sink for a file, or None if its name has no ending that is known."""
    named = format_of(path)
    return next((each for each in _TYPES if each.format == named), None)


def as_sink(sink: Sink | Path | str) -> Sink:
    """Return a sink, or the one for a path.

    Raises:
        ValueError: It is neither, or the path has no ending that is known.
    """
    if isinstance(sink, str | os.PathLike):
        kind = sink_type(Path(sink))
        if kind is None:
            raise ValueError(
                f"the path for an export must end in {ENDINGS}; for another name, pass a sink such"
                " as JsonLines(path)"
            )
        return kind(sink)
    if isinstance(sink, type):
        raise ValueError(f"sink must be an object: pass {sink.__name__}(path), not the class")
    if not all(callable(getattr(sink, each, None)) for each in _METHODS):
        raise ValueError(
            "sink must be a path, a sink such as Csv(path), or Stream(file) for an open binary"
            f" file, not {kind_of(sink)}"
        )
    return sink

"""The formats of exported files, by the endings of their names."""

from __future__ import annotations

import os
from pathlib import Path

from heymarket_async.checks import kind_of

DATABASES = frozenset({".db", ".sqlite", ".sqlite3"})
"""The endings of SQLite files."""

_FORMATS = {
    ".json": "JsonLines",
    ".jsonl": "JsonLines",
    ".ndjson": "JsonLines",
    ".csv": "Csv",
    ".xlsx": "Xlsx",
    ".parquet": "Parquet",
    **dict.fromkeys(DATABASES, "Sqlite"),
}
ENDINGS = ".jsonl, .jsonl.gz, .jsonl.zst, .csv, .xlsx, .parquet or .db"
"""The usual ones, for messages."""

_COMPRESSED = frozenset({".gz", ".zst"})


def format_of(path: Path) -> str | None:
    """Return the name of the sink whose files end like this one, or None for another ending.

    Only JSON Lines can be compressed.
    """
    ending = path.suffix.lower()
    if ending not in _COMPRESSED:
        return _FORMATS.get(ending)
    inner = path.with_suffix("").suffix.lower()
    return "JsonLines" if _FORMATS.get(inner, "JsonLines") == "JsonLines" else None


def path_of(path: Path | str, own: str, remedy: str = "", *, may_exist: bool = False) -> Path:
    """Return the path of a file.

    Args:
        path: The path, as it was given.
        own: The name of the sink that the file has the format of.
        remedy: Words to follow the remedy for a wrong ending, with `{}` for the name of its sink.
        may_exist: A file that is there may have any name: its content shows the format.

    Raises:
        ValueError: It is not a path, or it ends like a file of another format.
    """
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"path must be text or a Path, not {kind_of(path)}")
    found = Path(path)
    if may_exist and found.is_file():
        return found
    named, ending = format_of(found), found.suffix
    if named not in {None, own}:
        raise ValueError(
            f"{found.name} ends in {ending}, as a file of {named} does, and {own} writes another"
            f" format. Give it another ending{remedy.format(named)}"
        )
    if own != "JsonLines" and ending.lower() in _COMPRESSED:
        raise ValueError(
            f"{found.name} cannot be compressed: only JsonLines can do that. Leave out {ending}"
        )
    return found

"""Prints results: a table for people, JSON for machines."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

_UNLIMITED = 100_000


def print_json(value: object) -> None:
    """Print one value as JSON on one line, in UTF-8 whatever the terminal speaks."""
    sys.stdout.flush()
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")


def print_record(fields: Mapping[str, object]) -> None:
    """Print one thing as a table of its fields; those that are null are left out."""
    table = Table(show_header=False, box=None)
    for name, value in fields.items():
        if value is not None:
            table.add_row(Text(name, style="bold"), Text(_text(value)))
    _print(table)


def print_table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Print several things as a table with these columns."""
    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(Text(_text(row.get(column))) for column in columns))
    _print(table)


def counted(number: int, what: str) -> str:
    """Return a number with what it counts, such as "1 page" or "2,000 pages"."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _print(table: Table) -> None:
    # Only a terminal has a width to which values may be cut.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _UNLIMITED)
    with console.capture() as shown:
        console.print(table)
    sys.stdout.write(shown.get())


def _text(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return "".join(each if each.isprintable() else " " for each in text)

"""Prints results: a table for people, JSON for machines."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import cast

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

out = Console(highlight=False)


def print_json(value: object) -> None:
    """Print one value as JSON on one line; `msgspec.Raw` as the server sent it."""
    sys.stdout.write(one_line(value).decode() + "\n")


def print_record(value: object) -> None:
    """Print one thing as a table of its fields; those that are null are left out."""
    table = Table(show_header=False, box=None)
    for name, each in _fields(value).items():
        if each is not None:
            table.add_row(Text(name, style="bold"), Text(_text(each)))
    out.print(table)


def print_table(values: Sequence[object], columns: Sequence[str]) -> None:
    """Print several things as a table with these columns."""
    table = Table(*columns, box=None, header_style="bold")
    for value in values:
        fields = _fields(value)
        table.add_row(*(Text(_text(fields.get(column))) for column in columns))
    out.print(table)


def one_line(value: object) -> bytes:
    """Return a value as JSON without a line break; `msgspec.Raw` as the server sent it."""
    if not isinstance(value, msgspec.Raw):
        return msgspec.json.encode(value)
    sent = bytes(value)
    # Break lines only where the server did so between tokens; inside a text, JSON has none.
    return msgspec.json.format(sent, indent=-1) if b"\n" in sent or b"\r" in sent else sent


def _fields(value: object) -> Mapping[str, object]:
    if isinstance(value, msgspec.Raw):
        value = cast(object, msgspec.json.decode(value))
    return cast(Mapping[str, object], msgspec.to_builtins(value))


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()

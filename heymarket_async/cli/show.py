"""All that a command prints apart from bulk jobs: errors, JSON and tables."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from heymarket_async.bulk.errors import JobError
from heymarket_async.cli import remedies

err = Console(stderr=True, highlight=False)

Fields = Mapping[str, object]

_UNLIMITED = 100_000


def say(text: str, style: str | None = None) -> None:
    """Print a text to stderr as it is, and do not wrap its lines."""
    err.print(text, style=style, soft_wrap=True, markup=False)


def print_error(error: Exception) -> None:
    """Print an error to stderr in one line, and its notes in a line each."""
    if isinstance(error, JobError):
        text = remedies.message_of(error)
    else:
        text = remedies.message_of_os(error) if isinstance(error, OSError) else str(error)
    say(f"Error: {text}", style="red")
    print_notes(error)


def print_notes(error: BaseException) -> None:
    """Print the notes of an error to stderr: a hint, or how to resume."""
    for note in getattr(error, "__notes__", ()):
        say(note)


def print_json(value: object) -> None:
    """Print one value as JSON on one line, in UTF-8 whatever the encoding of the terminal."""
    sys.stdout.flush()
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")


def print_count(number: int, *, json: bool) -> None:
    """Print a number, with its thousands marked for people."""
    if json:
        print_json(number)
    else:
        sys.stdout.write(f"{number:,}\n")


def print_check(state: str, style: str, name: str, text: str) -> None:
    """Print how a check ended, on one line however long it is."""
    line = Text.assemble((f"{state:<8}", style), f"{name:<12}", one_line(text))
    with (console := Console(highlight=False)).capture() as shown:
        console.print(line, soft_wrap=True)
    sys.stdout.write(shown.get())


def print_result(
    result: Fields | Sequence[Fields], *, json: bool, columns: Sequence[str] = ()
) -> None:
    """Print one object as a table of its fields that are not null, or several by these columns."""
    if json:
        print_json(result)
        return
    # Only a terminal has a width to which values may be cut.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _UNLIMITED)
    with console.capture() as shown:
        console.print(_fields(result) if isinstance(result, Mapping) else _rows(result, columns))
    sys.stdout.write(shown.get())


def _fields(fields: Fields) -> Table:
    table = Table(show_header=False, box=None)
    for name, value in fields.items():
        if value is not None:
            table.add_row(Text(name, style="bold"), _cell(value))
    return table


def _rows(rows: Sequence[Fields], columns: Sequence[str]) -> Table:
    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    return table


def _cell(value: object) -> Text:
    if value is None:
        return Text()
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return Text(one_line(text))


def one_line(text: str) -> str:
    """Return a text for one line of a terminal: characters that it cannot show become spaces."""
    return "".join(each if each.isprintable() else " " for each in text)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as "1 page" or "2,000 pages"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"

"""All that a command prints: errors, JSON, tables, progress, and the reports of bulk jobs."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from heymarket_async.bulk.errors import JobError
from heymarket_async.cli import remedies
from heymarket_async.pacing.window import DOCUMENTED_LIMIT

if TYPE_CHECKING:
    from heymarket_async.bulk import OnProgress, Progress, ReadReport, SyncReport

err = Console(stderr=True, highlight=False)

Fields = Mapping[str, object]

_UNLIMITED = 100_000
_LINE_EVERY_S = 5.0


def say(text: str, style: str | None = None) -> None:
    """Print a text to stderr as it is, and do not wrap its lines."""
    err.print(text, style=style, soft_wrap=True, markup=False)


def print_error(error: Exception) -> None:
    """Print an error to stderr in one line, and its notes in a line each."""
    text = remedies.message_of(error) if isinstance(error, JobError) else str(error)
    if isinstance(error, OSError):
        text = text.removeprefix(f"[Errno {error.errno}] ")
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


# Progress


@contextmanager
def progress_of_job(*, quiet: bool) -> Generator[OnProgress]:
    """Show the progress of a bulk job: a bar on a terminal, else a line every few seconds.

    Gives the `on_progress` for the job, which shows nothing if quiet.
    """
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bar() as bar:
            yield lambda progress: _show_in_bar(bar, progress)
    else:
        yield _Lines().show


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")


def _bar() -> Bar:
    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="yellow"),
        console=err,
    )
    bar.add_task("starting", total=None, note="")
    return bar


def _show_in_bar(bar: Bar, progress: Progress) -> None:
    task = bar.tasks[0]
    if progress.stage != task.description:
        # Another stage has another speed.
        bar.reset(task.id, description=progress.stage, total=progress.total, note="")
    note = f"waiting: {progress.waiting}" if progress.waiting else _requests(progress)
    bar.update(task.id, completed=progress.done, total=progress.total, note=note)


class _Lines:
    def __init__(self) -> None:
        self._stage_began = self._shown = time.monotonic()
        self._stage = ""
        self._done_before = 0

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.stage != self._stage:
            # Another stage has another speed, and what an earlier run has done does not count.
            self._stage, self._stage_began = progress.stage, now
            self._done_before = progress.done
        if now - self._shown < _LINE_EVERY_S:
            return
        self._shown = now
        of_total = "" if progress.total is None else f" of {progress.total:,}"
        speed = (progress.done - self._done_before) / max(now - self._stage_began, 0.001)
        line = f"{progress.stage}: {progress.done:,}{of_total}, {speed:,.0f}/s"
        waiting = f"; waiting: {progress.waiting}" if progress.waiting else ""
        say(f"{line}, {_requests(progress)}{waiting}")


def _requests(progress: Progress) -> str:
    return f"{progress.requests_lately} of {DOCUMENTED_LIMIT.limit} requests/min"


# The reports of bulk jobs


def lines_of_export(report: ReadReport, path: Path, noun: str) -> list[str]:
    """Return the lines that say how an export of such records ended."""
    where = "standard output" if str(path) == "-" else path
    number, changed = int(getattr(report, f"{noun}s")), int(getattr(report, "changed", 0))
    added = int(getattr(report, "added", number))
    parts = [
        f"{counted(number, noun)} to {where}",
        f"{added:,} added" if added != number else "",
        f"{changed:,} changed" if changed else "",
        counted(report.pages, "page") if report.pages else "",  # a later run has none
        counted(report.requests, "request"),
        f"{report.repeated:,} of them repeated" if report.repeated else "",
        f"{report.seconds:.1f} s",
        f"{counted(report.edited, noun)} edited meanwhile" if report.edited else "",
        f"{counted(report.mended, noun)} mended" if report.mended else "",
        "resumed" if report.resumed else "",
    ]
    notes = [f"Not proved to be complete: {doubt}" for doubt in report.doubts]
    if not notes and report.counted_after is None:
        notes = [f"Read to the end of the list. Heymarket does not count such {noun}s."]
    return [", ".join(filter(None, parts)), *notes]


def lines_of_sync(report: SyncReport, path: Path) -> list[str]:
    """Return the lines that say how a sync ended."""
    parts = [
        f"{counted(report.contacts, 'contact')} in {path}",
        f"{report.added:,} added",
        f"{report.changed:,} changed",
        f"{report.deleted:,} deleted",
        counted(report.requests, "request"),
        f"{report.seconds:.1f} s",
        f"{report.mended:,} mended" if report.mended else "",
        "resumed" if report.resumed else "",
    ]
    doubts = [f"Something may be missing: {doubt}" for doubt in report.doubts]
    return [", ".join(filter(None, parts)), *doubts]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as "1 page" or "2,000 pages"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"

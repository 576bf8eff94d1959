"""Shows how an import understands the columns of a file, and asks whether to begin."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from rich.cells import cell_len, set_cell_size

from heymarket_async.bulk.contact_files.meanings import Column
from heymarket_async.bulk.contact_files.plan import Plan
from heymarket_async.bulk.thread import run_unwatched
from heymarket_async.cli import show

_WIDEST = 40


def print_plan(
    plan: Plan,
    titles: Mapping[str, str],
    rows: Sequence[Sequence[str]],
    notes: Sequence[str],
) -> None:
    """Print the fields that columns mean, the columns that are not imported, and remarks.

    Args:
        plan: The meanings of the columns.
        titles: The titles of custom fields by their ids.
        rows: The first rows. In a terminal, the first cell of a column that is filled is shown as
            an example. In a log it would be personal data in the wrong place.
        notes: Remarks on the file.
    """
    taken = [column for column in plan.columns if column.target is not None]
    cells = [
        (show.one_line(each.heading), f"→ {field_of(each, titles)}", _example(each, rows))
        for each in taken
    ]
    widths = [
        min(max(map(cell_len, column)), _WIDEST) for column in list(zip(*cells, strict=True))[:2]
    ]
    for heading, meaning, example in cells:
        line = f"{set_cell_size(heading, widths[0])} {set_cell_size(meaning, widths[1])}"
        show.say(f"{line}  {example}".rstrip())
    if plan.left_out:
        show.say(f"Not imported: {', '.join(map(show.one_line, plan.left_out))}")
    for line in notes:
        show.say(line)


def field_of(column: Column, titles: Mapping[str, str]) -> str:
    """Return the field that a column means, in words."""
    if column.target is None:
        return "not imported"
    if key := column.target.custom_id:
        return f"custom field {titles.get(key, '')} ({key})"
    return "not is_opted_out" if column.is_inverse else column.target.field


async def is_confirmed(question: str = "Import this?", *, needs_yes: bool = False) -> bool:
    """Ask whether to begin. Without a terminal to ask in, the answer is yes.

    Args:
        question: The question, without the answers.
        needs_yes: Whether an empty line means no; else it means yes.
    """
    if not is_terminal():
        return True
    show.err.print(f"{question} {'[y/N]' if needs_yes else '[Y/n]'} ", end="", markup=False)
    answer = await run_unwatched(_answer)
    # The end of the input never means yes.
    return answer.strip().casefold() in {"y", "yes"} or (answer.isspace() and not needs_yes)


def is_terminal() -> bool:
    """Whether there is a terminal to ask in, and somebody to read the question."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stderr.isatty())


def _example(column: Column, rows: Sequence[Sequence[str]]) -> str:
    if not sys.stderr.isatty():
        return ""
    cells = (row[column.number - 1].strip() for row in rows)
    return show.one_line(next(filter(None, cells), ""))[:_WIDEST]


def _answer() -> str:
    # Not `sys.stdin`: its lock would be held at the end of the process by a thread that waits.
    with open(sys.stdin.fileno(), closefd=False) as terminal:
        return terminal.readline()

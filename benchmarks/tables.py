"""Medians of interleaved rounds, and the tables that show them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.measuring import Rounds, Values


class Table(NamedTuple):
    """A table, with notes for its reader."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: str = ""


def as_text(table: Table) -> str:
    """Return a table for a terminal."""
    rows = [table.columns, *table.rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    notes = f"{table.notes}\n" if table.notes else ""
    return f"\n{table.title}\n" + "\n".join(lines) + f"\n{notes}"


def as_markdown(table: Table) -> str:
    """Return a table for a document."""
    head = ["", *table.columns[1:]] if not table.columns[0] else list(table.columns)
    marks = ["---", *("---:" for _ in table.columns[1:])]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in (head, marks, *table.rows))
    notes = f"\n{table.notes}\n" if table.notes else ""
    return f"### {table.title}\n\n{lines}\n{notes}"


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Show the median, and the minimum and maximum behind it."""
    low, middle, high = min(values), statistics.median(values), max(values)
    if len(values) == 1:
        return f"{middle:,.{digits}f}"
    return f"{middle:,.{digits}f} ({low:,.{digits}f}-{high:,.{digits}f})"


def column(taken: Sequence[Values], key: str, digits: int = 0) -> str:
    """Show one value of all rounds."""
    return spread([each[key] for each in taken], digits)


def paired(rounds: Rounds, name: str, to: str, key: str = "cpu_us") -> list[float]:
    """Return the ratio of each round to another's value of the same round."""
    pairs = zip(rounds[name], rounds[to], strict=True)
    return [mine[key] / other[key] for mine, other in pairs]


def ratios(rounds: Rounds, name: str, to: str, key: str = "cpu_us", digits: int = 2) -> str:
    """Show the ratios of one to another, or nothing if the other did not run."""
    return spread(paired(rounds, name, to, key), digits) if to in rounds else ""

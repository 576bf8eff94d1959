"""Medians of interleaved runs, and the tables that show them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from benchmarks.bulk.child import Spent

Run = Callable[[], Spent]
Name = TypeVar("Name")


def interleaved(runs: Mapping[Name, Run], rounds: int) -> dict[Name, list[Spent]]:
    """Run A B C A B C ..., and return the cost of each run, by round."""
    taken: dict[Name, list[Spent]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            taken[name].append(run())
    return taken


def title(text: str) -> None:
    print(f"\n{text}")


def line(name: str, *cells: str) -> None:
    print(f"{name:34}", *(f"{cell:>24}" for cell in cells), flush=True)


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Show the median, and the minimum and maximum behind it."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f}-{high:,.{digits}f})"


def ratios(values: Sequence[float], to: Sequence[float], digits: int = 2) -> str:
    """Show the ratio of each round to another value of the same round."""
    return spread([value / of for value, of in zip(values, to, strict=True)], digits)

"""The goals, and whether they were reached."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from benchmarks.measuring import Results
from benchmarks.rivals import (
    BARE,
    BY_CONTACT,
    BY_PAGE,
    GENERATED,
    HTTPX,
    RIVALS,
    SCRIPT,
    STAINLESS,
)
from benchmarks.tables import Table, paired, spread
from benchmarks.works import creates, growth, imports, instructions, memory, walks


class Goal(NamedTuple):
    """A value that must not be larger than another.

    Attributes:
        what: The thing that was measured.
        most: The largest value that reaches the goal.
        ways: The best way to measure it, and what stands for it where that was not done. Each
            returns its value for each round; it raises KeyError if it was not measured.
        unit: Of the value; a ratio has none.
    """

    what: str
    most: float
    ways: Mapping[str, Callable[[Results], list[float]]]
    unit: str = ""

    def row(self, results: Results) -> list[str]:
        most = f"{self.most:g}{self.unit}"
        for way, taken in self.ways.items():
            with suppress(KeyError):
                values = taken(results)
                over = statistics.median(values) - self.most
                verdict = "reached" if over <= 0 else f"missed by {over:.2g}{self.unit}"
                return [self.what, most, spread(values) + self.unit, way, verdict]
        return [self.what, most, "not measured", "", ""]


def ratio(what: str, most: float, work: str, mine: str, to: str, key: str = "cpu_us") -> Goal:
    """A ratio of instructions, or of CPU where they were not counted."""

    def counted(results: Results) -> list[float]:
        return paired(results[instructions.name(work)], mine, to, instructions.KEY)

    def clocked(results: Results) -> list[float]:
        return paired(results[work], mine, to, key)

    return Goal(what, most, {"instructions": counted, "CPU": clocked})


def walk(limit: int, most: float, to: str, mine: str = BY_PAGE, over: str = "") -> Goal:
    how = "contact" if mine == BY_CONTACT else "page"
    what = f"walk by {how}, {limit:,} a page{over}, to {RIVALS[to].title}"
    return ratio(what, most, walks.name(limit) + over, mine, to)


def create(at_once: int, most: float, to: str, over: str = "") -> Goal:
    what = f"{creates.name(at_once)}{over}, to {RIVALS[to].title}"
    return ratio(what, most, creates.name(at_once) + over, BY_PAGE, to)


def _added_mb(limit: int, results: Results) -> list[float]:
    return memory.added_mb(results[memory.name(limit)], BY_PAGE)


GOALS = (
    create(1, 0.52, BARE),
    create(10, 0.48, BARE),
    create(100, 0.47, BARE),
    create(1000, 1.03, BARE),
    walk(30, 0.86, BARE),
    walk(100, 0.97, BARE),
    walk(1000, 0.95, BARE),
    walk(30, 0.91, BARE, BY_CONTACT),
    walk(1000, 1.05, BARE, BY_CONTACT),
    create(1, 0.58, BARE, ", TLS"),
    walk(30, 0.89, BARE, over=", TLS"),
    create(1, 0.45, SCRIPT),
    walk(30, 0.4, SCRIPT),
    walk(100, 0.54, SCRIPT),
    walk(1000, 0.51, SCRIPT),
    *(walk(limit, 0.22, to) for to in (HTTPX, *GENERATED) for limit in (30, 1000)),
    walk(30, 0.05, STAINLESS),
    create(1, 0.22, HTTPX),
    create(10, 0.16, HTTPX),
    ratio(
        f"import of {imports.OURS}, to {imports.NEEDED}",
        1.05,
        imports.NAME,
        imports.OURS,
        imports.NEEDED,
        "cpu_ms",
    ),
    *(
        Goal(
            f"peak memory over an idle client, 1,000,000 contacts, {limit:,} a page",
            4,
            {"memory": partial(_added_mb, limit)},
            " MB",
        )
        for limit in memory.LIMITS
    ),
    *(
        ratio(
            f"growth from 10 to 10,000 pages, {RIVALS[mine].title}",
            1.05,
            growth.name(mine),
            growth.PAGES[-1],
            growth.PAGES[0],
        )
        for mine in (BY_PAGE, BY_CONTACT)
    ),
)


def table(results: Results) -> Table:
    """Show the goals beside the measured values."""
    columns = ["ratio of the client's process", "at most", "measured", "in", ""]
    return Table("Goals", columns, [goal.row(results) for goal in GOALS])

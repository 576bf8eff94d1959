"""The goals, and whether they were reached."""

from __future__ import annotations

import statistics
from collections.abc import Callable
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
from benchmarks.works import creates, growth, imports, memory, walks


class Goal(NamedTuple):
    """A value that must not be larger than another.

    Attributes:
        what: The thing that was measured.
        most: The largest value that reaches the goal.
        taken: Returns it for each round; raises KeyError if it was not measured.
        unit: Of the value; a ratio has none.
    """

    what: str
    most: float
    taken: Callable[[Results], list[float]]
    unit: str = ""

    def row(self, results: Results) -> list[str]:
        most = f"{self.most:g}{self.unit}"
        try:
            values = self.taken(results)
        except KeyError:
            return [self.what, most, "not measured", ""]
        over = statistics.median(values) - self.most
        verdict = "reached" if over <= 0 else f"missed by {over:.2g}{self.unit}"
        return [self.what, most, spread(values) + self.unit, verdict]


def ratio(what: str, most: float, work: str, mine: str, to: str, key: str = "cpu_us") -> Goal:
    return Goal(what, most, lambda results: paired(results[work], mine, to, key))


def walk(limit: int, most: float, to: str, mine: str = BY_PAGE) -> Goal:
    how = "contact" if mine == BY_CONTACT else "page"
    what = f"walk by {how}, {limit:,} a page, to {RIVALS[to].title}"
    return ratio(what, most, walks.name(limit), mine, to)


def create(at_once: int, most: float, to: str) -> Goal:
    what = f"{creates.name(at_once)}, to {RIVALS[to].title}"
    return ratio(what, most, creates.name(at_once), BY_PAGE, to)


def _added_mb(limit: int, results: Results) -> list[float]:
    return memory.added_mb(results[memory.name(limit)], BY_PAGE)


GOALS = (
    walk(30, 1.03, BARE),
    walk(100, 1.02, BARE),
    walk(1000, 1.02, BARE),
    walk(30, 1.08, BARE, BY_CONTACT),
    walk(1000, 1.05, BARE, BY_CONTACT),
    *(create(at_once, 1.03, BARE) for at_once in creates.AT_ONCE),
    walk(30, 0.67, SCRIPT),
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
            partial(_added_mb, limit),
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
    columns = ["CPU of the client's process, as a ratio", "at most", "measured", ""]
    return Table("Goals", columns, [goal.row(results) for goal in GOALS])

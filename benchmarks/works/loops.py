"""(g) The gain from uvloop."""

from __future__ import annotations

from functools import partial

from benchmarks.measuring import Lab, Results, interleaved
from benchmarks.rivals import BARE, BY_PAGE, RIVALS
from benchmarks.tables import Table, column, ratios

TITLE = "with uvloop and without"
UVLOOP = " uvloop"
_RIVALS = (BY_PAGE, BARE)
NAMES = ("loops, walk of 30 a page", "loops, create, 1 at once", "loops, create, 100 at once")


def measure(lab: Lab) -> Results:
    pages = 10 if lab.small else 200
    works = (
        partial(lab.walk, limit=30, pages=pages),
        partial(lab.create, at_once=1),
        partial(lab.create, at_once=100),
    )
    return {
        name: interleaved(
            name,
            {
                f"{each}{UVLOOP if uvloop else ''}": partial(work, each, uvloop=uvloop)
                for each in _RIVALS
                for uvloop in (False, True)
            },
            lab.rounds,
        )
        for name, work in zip(NAMES, works, strict=True)
    }


def tables(results: Results) -> list[Table]:
    rows = [
        [
            f"{name.removeprefix('loops, ')}: {RIVALS[each].title}",
            ratios(rounds, each + UVLOOP, each),
            column(rounds[each], "cpu_us"),
            column(rounds[each + UVLOOP], "cpu_us"),
        ]
        for name in NAMES
        if (rounds := results.get(name))
        for each in _RIVALS
    ]
    columns = ["", "CPU, ratio to asyncio's loop", "CPU µs, asyncio", "CPU µs, uvloop"]
    return [Table("(g) uvloop", columns, rows)] if rows else []

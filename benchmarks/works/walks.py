"""(a) Walking over all contacts of an account."""

from __future__ import annotations

from functools import partial

from benchmarks.measuring import Lab, Results, available, interleaved
from benchmarks.rivals import BARE, RIVALS
from benchmarks.tables import Table, column, ratios

TITLE = "walks of 30, 100 and 1,000 contacts a page"
PAGES = {30: 200, 100: 80, 1000: 12}
"""The length of a walk, by contacts on a page; it is repeated until it has taken long enough."""


def name(limit: int) -> str:
    return f"walk of {limit:,} a page"


def measure(lab: Lab) -> Results:
    return {
        name(limit): interleaved(
            name(limit),
            {
                each: partial(lab.walk, each, limit=limit, pages=10 if lab.small else pages)
                for each in available()
            },
            lab.rounds,
        )
        for limit, pages in PAGES.items()
        if limit == 1000 or not lab.small
    }


def tables(results: Results) -> list[Table]:
    columns = ["", "CPU, ratio to bare", "CPU µs a page", "contacts a second", "server µs a page"]
    return [
        Table(
            f"(a) {name(limit).capitalize()}",
            columns,
            [
                [
                    RIVALS[each].title,
                    ratios(rounds, each, BARE),
                    column(taken, "cpu_us"),
                    column(taken, "per_s"),
                    column(taken, "server_us"),
                ]
                for each, taken in rounds.items()
            ],
        )
        for limit in PAGES
        if (rounds := results.get(name(limit)))
    ]

"""(b) Creating contacts, one call each, many calls at once."""

from __future__ import annotations

from functools import partial

from benchmarks.measuring import Lab, Results, available, interleaved
from benchmarks.rivals import BARE, BY_CONTACT, BY_PAGE, RIVALS
from benchmarks.tables import Table, column, ratios

TITLE = "creates, 1, 10, 100 and 1,000 calls at once"
AT_ONCE = (1, 10, 100, 1000)


def name(at_once: int) -> str:
    return f"create, {at_once:,} at once"


def title(rival: str) -> str:
    # The way to walk does not matter here.
    return "heymarket_async" if rival == BY_PAGE else RIVALS[rival].title


def measure(lab: Lab) -> Results:
    rivals = [each for each in available() if each != BY_CONTACT]
    return {
        name(at_once): interleaved(
            name(at_once),
            {each: partial(lab.create, each, at_once=at_once) for each in rivals},
            lab.rounds,
        )
        for at_once in (AT_ONCE[:2] if lab.small else AT_ONCE)
    }


def tables(results: Results) -> list[Table]:
    columns = [
        *("", "CPU, ratio to bare", "CPU µs a call", "calls a second"),
        *("p50 ms", "p99 ms", "server µs a call"),
    ]
    return [
        Table(
            f"(b) {name(at_once).capitalize()}",
            columns,
            [
                [
                    title(each),
                    ratios(rounds, each, BARE),
                    column(taken, "cpu_us"),
                    column(taken, "per_s"),
                    column(taken, "p50_ms", 2),
                    column(taken, "p99_ms", 2),
                    column(taken, "server_us"),
                ]
                for each, taken in rounds.items()
            ],
        )
        for at_once in AT_ONCE
        if (rounds := results.get(name(at_once)))
    ]

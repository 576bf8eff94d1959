"""(d) Peak memory of a walk over a large account."""

from __future__ import annotations

import resource
import sys
from functools import partial

from benchmarks.measuring import Lab, Results, Rounds, interleaved
from benchmarks.rivals import BARE, BY_CONTACT, BY_PAGE, RIVALS
from benchmarks.tables import Table, column, spread

TITLE = "peak memory of walking 1,000,000 contacts"
IDLE = " idle"
LIMITS = (100, 1000)
_RIVALS = (BARE, BY_PAGE, BY_CONTACT)


def name(limit: int) -> str:
    return f"memory, {limit:,} a page"


def measure(lab: Lab) -> Results:
    contacts = 20_000 if lab.small else 1_000_000
    results = {
        name(limit): interleaved(
            name(limit),
            {
                f"{each}{IDLE if idle else ''}": partial(
                    lab.memory, each, limit=limit, contacts=contacts, idle=idle
                )
                for each in _RIVALS
                for idle in (True, False)
            },
            min(7, lab.rounds),  # a peak hardly differs from one run to the next
        )
        for limit in LIMITS
    }
    # Linux lets a process begin with the peak of the one that started it.
    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    least = min(each["peak_mb"] for rounds in results.values() for each in _all(rounds))
    assert mine < least or sys.platform != "linux", "this process is larger than those it measures"
    return results


def added_mb(rounds: Rounds, rival: str) -> list[float]:
    """Return the memory of each round above that of an idle client."""
    pairs = zip(rounds[rival], rounds[rival + IDLE], strict=True)
    return [walked["peak_mb"] - idle["peak_mb"] for walked, idle in pairs]


def tables(results: Results) -> list[Table]:
    columns = ["", "more than idle, MB", "peak MB", "idle MB"]
    return [
        Table(
            f"(d) Peak memory (ru_maxrss) of walking 1,000,000 contacts, {limit:,} a page",
            columns,
            [
                [
                    RIVALS[each].title,
                    spread(added_mb(rounds, each), 1),
                    column(rounds[each], "peak_mb", 1),
                    column(rounds[each + IDLE], "peak_mb", 1),
                ]
                for each in _RIVALS
            ],
            "Idle is a client that was opened and has sent nothing.",
        )
        for limit in LIMITS
        if (rounds := results.get(name(limit)))
    ]


def _all(rounds: Rounds) -> list[dict[str, float]]:
    return [each for taken in rounds.values() for each in taken]

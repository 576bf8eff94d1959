"""Clients of many accounts at once in one process: each page costs what it costs one account."""

from __future__ import annotations

import json

from benchmarks import callgrind
from benchmarks.measuring import Lab
from endurance.run import Figures, Run, small
from endurance.versions import versions

ACCOUNTS = 6 if small() else 200
FEWEST = 100 if small() else 500
"""Contacts of the smallest account; the next one has one more, and so on."""
MOST = 1.1
"""The instructions for a page, as a ratio to those of one account."""


def work(seed: int) -> Figures:
    """Let all accounts walk at once, and one as often alone; count the instructions of both."""
    sizes = [FEWEST + seed + number for number in range(ACCOUNTS)]
    one = sizes[ACCOUNTS // 2]
    try:
        with Lab() as lab, callgrind.counter() as counter:
            together, pages = _count(counter, lab.url, sizes, None)
            alone, pages_alone = _count(counter, lab.url, sizes, one)
    except callgrind.CannotCountError as error:
        raise LookupError(f"there is no way to count instructions: {error}") from None
    ratio = together / pages / (alone / pages_alone)
    assert ratio <= MOST, f"instructions for a page: {ratio:.3f} of those of one account"
    return Figures(
        total={"pages": pages + pages_alone},
        most={
            "instructions for a page, as a ratio to one account": ratio,
            "instructions for a page": together / pages,
        },
        versions=versions(),
    )


def _count(
    counter: callgrind.Counter, url: str, sizes: list[int], one: int | None
) -> tuple[int, int]:
    """Return the instructions, and the pages that were read with them."""
    arguments = ["-m", "endurance.walking", url, json.dumps(sizes), json.dumps(one)]
    instructions, pages = counter.count(arguments)
    return instructions, int(pages)


RUNS = [
    Run(
        name="accounts",
        title="Two hundred accounts in one process",
        unit="processes",
        goal=5,
        holds="Clients of 200 accounts walk at once in one process, and get all contacts. A page"
        f" takes at most {MOST} times the instructions that it takes when one client alone makes"
        " as many walks. Callgrind counts them, so other work on the machine has no effect. They"
        " stand in for CPU time, but leave out misses of the caches.",
        work=work,
    )
]

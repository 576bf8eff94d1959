"""Walks over random servers: the properties of the tests, from random bytes."""

from __future__ import annotations

import random
from collections.abc import Callable

from endurance.run import Figures, Run
from endurance.versions import versions
from tests.walk import test_walk_properties

WALKS = 500
BYTES = 4096
"""Enough for nearly every server; the few that need more do not walk, and do not count."""
PROPERTIES: list[Callable[[bytes], bytes | None]] = [
    each.hypothesis.fuzz_one_input
    for _, each in sorted(vars(test_walk_properties).items())
    if hasattr(each, "hypothesis")
]


def work(seed: int) -> Figures:
    """Check the properties in turn, over servers, edits and cuts that the seed decides."""
    chance = random.Random(seed)
    held = sum(
        PROPERTIES[number % len(PROPERTIES)](chance.randbytes(BYTES)) is not None
        for number in range(WALKS)
    )
    return Figures(units=held, versions=versions("hypothesis"))


RUNS = [
    Run(
        name="walks",
        title="Walks over random servers",
        unit="walks",
        goal=1_000_000,
        holds="A walk gives every contact once, or raises with a cursor where the server cannot"
        " be walked. The servers are all that the documentation allows: in either order, with"
        " groups of equal times, odd rows, and limits that are reduced, refused or ignored."
        " About one walk in five raises. In one property, the server is then put right, and a"
        " second walk from the cursor gives the rest. Walks are also interrupted, and resumed. If"
        " contacts are edited or"
        " deleted meanwhile, a walk may raise. If it completes, every contact that was not"
        " changed has come once. No version comes twice in any case. Servers, edits and"
        " interruptions are drawn from Hypothesis' strategies with random bytes. No coverage"
        " guides them: the strategies prefer the places where walks could go wrong, such as"
        " groups larger than a page.",
        work=work,
        seeds=10,
    )
]

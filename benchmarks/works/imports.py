"""(c) Importing, in a process that has done nothing else."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec

from benchmarks.measuring import Lab, Results, interleaved
from benchmarks.tables import Table, column, ratios

TITLE = "import time"
NAME = "import"
OURS, NEEDED = "heymarket_async", "aiohttp, msgspec, jwt, tenacity"
COUNTED = (OURS, NEEDED)
_IMPORTS = (*COUNTED, "aiohttp", "httpx, pydantic", "openai")


def measure(lab: Lab) -> Results:
    found = [each for each in _IMPORTS if all(map(find_spec, each.split(", ")))]
    runs = {each: partial(lab.imports, each) for each in found}
    # They are short, so there can be more of them.
    rounds = lab.rounds if lab.small else 2 * lab.rounds
    return {NAME: interleaved(NAME, runs, rounds, drop_first=True)}


def tables(results: Results) -> list[Table]:
    rounds = results.get(NAME)
    if rounds is None:
        return []
    columns = ["", "CPU, ratio to what it needs", "CPU ms", "wall ms"]
    rows = [
        [
            each,
            ratios(rounds, each, NEEDED, "cpu_ms"),
            column(taken, "cpu_ms"),
            column(taken, "wall_ms"),
        ]
        for each, taken in rounds.items()
    ]
    return [Table("(c) Import, each in fresh processes", columns, rows)]

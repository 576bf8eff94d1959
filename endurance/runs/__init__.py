"""The runs, by name, in the order of the page."""

from __future__ import annotations

from endurance.run import Run
from endurance.runs import fuzz, hours, pools, walks

RUNS: dict[str, Run] = {run.name: run for part in (walks, pools, fuzz, hours) for run in part.RUNS}

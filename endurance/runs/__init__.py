"""The runs, by name, in the order of the page."""

from __future__ import annotations

from endurance.run import Run
from endurance.runs import gateways, walks

RUNS: dict[str, Run] = {run.name: run for part in (walks, gateways) for run in part.RUNS}

"""The runs, by name, in the order of the page."""

from __future__ import annotations

from endurance.run import Run
from endurance.runs import accounts, calls, large_exports, walks

RUNS: dict[str, Run] = {
    run.name: run for part in (walks, calls, accounts, large_exports) for run in part.RUNS
}

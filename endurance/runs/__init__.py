"""The runs, by name, in the order of the page."""

from __future__ import annotations

from endurance.run import Run
from endurance.runs import power_loss, system_calls, walks

RUNS: dict[str, Run] = {
    run.name: run for part in (walks, system_calls, power_loss) for run in part.RUNS
}

"""The runs, by name, in the order of the page."""

from __future__ import annotations

from endurance.run import Run
from endurance.runs import (
    accounts,
    budget,
    calls,
    fuzz,
    gateways,
    hours,
    kills,
    large_exports,
    network_calls,
    pools,
    power_loss,
    system_calls,
    walks,
)

PARTS = (
    calls,
    walks,
    kills,
    power_loss,
    system_calls,
    network_calls,
    budget,
    pools,
    gateways,
    fuzz,
    hours,
    large_exports,
    accounts,
)
RUNS: dict[str, Run] = {run.name: run for part in PARTS for run in part.RUNS}

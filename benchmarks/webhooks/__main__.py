"""Measure receiving webhooks: `python -m benchmarks.webhooks [--rounds N] [--small]`."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from functools import partial

from benchmarks import callgrind
from benchmarks.bulk.tables import ratios
from benchmarks.measuring import ROOT, Values, environment, interleaved

RIVALS = {
    "aiohttp_bare": "aiohttp.web, json.loads and 200",
    "aiohttp_by_hand": "aiohttp.web, with token, dedupe and task",
    "aiohttp_ours": "heymarket_async.webhooks.aiohttp",
    "fastapi_bare": "FastAPI, json.loads and 200",
    "fastapi_ours": "heymarket_async.webhooks.fastapi",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.webhooks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="rounds with a clock")
    parser.add_argument("--small", action="store_true", help="does it still run?")
    asked = parser.parse_args()
    deliveries, rounds = (100, 1) if asked.small else (4_000, asked.rounds)
    runs = {each: partial(_clocked, each, deliveries) for each in RIVALS}
    taken, counts = interleaved("webhooks", runs, rounds), _counts(deliveries // 10)
    print(
        f"{'deliveries per CPU second, to bare':40}{'by CPU':>24}{'by instructions':>18}"
        f"{'CPU us':>10}{'instructions':>16}"
    )
    for rival, title in RIVALS.items():
        bare = f"{rival.partition('_')[0]}_bare"
        cpu_us = [each["cpu_us"] for each in taken[rival]]
        speed = ratios([each["cpu_us"] for each in taken[bare]], cpu_us)
        counted = f"{counts[bare] / counts[rival]:18.2f}" if counts else f"{'-':>18}"
        count = f"{counts[rival]:16,.0f}" if counts else ""
        print(f"{title:40}{speed:>24}{counted}{statistics.median(cpu_us):10.0f}{count}")


def _clocked(rival: str, deliveries: int) -> Values:
    asked = json.dumps([rival, deliveries, False])
    command = [sys.executable, "-m", "benchmarks.webhooks.receiving", asked]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment(), cwd=ROOT)
    values: Values = json.loads(done.stdout)
    return values


def _counts(deliveries: int) -> dict[str, float]:
    """Return the instructions of a delivery, where they can be counted."""
    try:
        with callgrind.counter() as counter:
            asked = {each: json.dumps([each, deliveries, True]) for each in RIVALS}
            return {
                each: counter.count(["-m", "benchmarks.webhooks.receiving", text])[0] / deliveries
                for each, text in asked.items()
            }
    except callgrind.CannotCountError as error:
        print(f"instructions are not counted: {error}")
        return {}


if __name__ == "__main__":
    main()

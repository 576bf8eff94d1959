"""Runs a job in a process of its own, so that only the job is measured."""

from __future__ import annotations

import asyncio
import importlib
import json
import resource
import subprocess
import sys
import time
from typing import Any, NamedTuple


class Spent(NamedTuple):
    """The cost of a job.

    `cpu_s` and `wall_s` are of the job alone, from making the client to the finished file, all
    threads included. `process_cpu_s` and `peak_mb` are of the process, with its start and imports.
    """

    cpu_s: float
    wall_s: float
    process_cpu_s: float
    peak_mb: float
    result: Any


def run(job: str, **arguments: object) -> Spent:
    """Run `module.function` of this package in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.bulk.child", job, json.dumps(arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Spent(*json.loads(done.stdout))


def main(job: str, arguments: dict[str, object]) -> None:
    module, _, function = job.partition(".")
    work = getattr(importlib.import_module(f"benchmarks.bulk.{module}"), function)
    cpu, wall = time.process_time(), time.perf_counter()
    result = asyncio.run(work(**arguments))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    used = resource.getrusage(resource.RUSAGE_SELF)
    process_cpu = used.ru_utime + used.ru_stime
    print(json.dumps(Spent(cpu, wall, process_cpu, used.ru_maxrss / 1024, result)))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))

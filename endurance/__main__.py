"""Do the runs, from where they were left: `python -m endurance`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec

from endurance import page, record
from endurance.piece import Done
from endurance.record import Kept
from endurance.run import Run
from endurance.runs import RUNS

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-W", "error", "-m", "endurance.piece"]


def main() -> None:
    """Do what the command line asks for, and write the page."""
    parser = _parser()
    asked = parser.parse_args()
    if unknown := set(asked.runs) - set(RUNS):
        parser.error(f"there is no run {', '.join(sorted(unknown))}; there are {', '.join(RUNS)}")
    runs = [] if asked.show else [RUNS[name] for name in asked.runs or RUNS]
    ends = time.monotonic() + asked.minutes * 60
    for run in runs:
        if asked.again:
            _do_again(run, asked.processes)
        else:
            _resume(run, asked.until or run.goal, ends, asked.processes)
    page.write(record.load())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m endurance",
        description=__doc__,
        epilog="Ctrl-C ends it; the same command resumes. The record is in endurance/record;"
        " docs/endurance.md is written from it.",
    )
    runs = "; ".join(f"{run.name}: {run.title}" for run in RUNS.values())
    parser.add_argument("runs", nargs="*", metavar="run", help=f"default: all. {runs}")
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="begin nothing after so many minutes"
    )
    parser.add_argument("--until", type=int, help="units in all; default: the goal of each run")
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, help="at once; default: the cores"
    )
    parser.add_argument("--again", action="store_true", help="only do what failed once more")
    parser.add_argument("--show", action="store_true", help="only write the page")
    return parser


def _resume(run: Run, until: int, ends: float, processes: int) -> None:
    """Do further seeds, several processes at a time, until the goal or the time is reached."""
    kept = record.load().get(run.name, Kept())
    at_once = min(run.at_once or processes, processes)
    pieces = deque[Future[tuple[list[Done], float]]]()
    begun = kept.seeds
    with ThreadPoolExecutor(at_once) as threads:
        while True:
            while len(pieces) < at_once and kept.figures.units < until and time.monotonic() < ends:
                seeds = range(begun, begun := begun + run.seeds)
                pieces.append(threads.submit(_piece, run, seeds))
            if not pieces:
                return
            # In the order of the seeds, so that a kill leaves no gap.
            _keep(run, kept, *pieces.popleft().result())


def _do_again(run: Run, processes: int = 1) -> None:
    """Do the seeds that failed once more, and forget the errors of those that hold now."""
    kept = record.load().get(run.name, Kept())
    failed = list(kept.errors)
    with ThreadPoolExecutor(min(run.at_once or processes, processes)) as threads:
        pieces = threads.map(lambda seed: _piece(run, [seed]), failed)
        for seed, piece in zip(failed, pieces, strict=True):
            del kept.errors[seed]
            _keep(run, kept, *piece)


def _piece(run: Run, seeds: Sequence[int]) -> tuple[list[Done], float]:
    """Do some seeds in a process; one that dies or hangs is an error of the seed it was at."""
    command = [*COMMAND, run.name, *map(str, seeds)]
    began = time.monotonic()
    try:
        ended = subprocess.run(
            command, stdout=subprocess.PIPE, timeout=run.limit_s, cwd=ROOT, check=False
        )
        output, end = ended.stdout, f"the process ended with {ended.returncode}"
    except subprocess.TimeoutExpired as error:
        output, end = error.stdout or b"", f"the process was not done after {run.limit_s:g} s"
    done = [msgspec.json.decode(line, type=Done) for line in output.splitlines()]
    done += [Done(seed, error=end) for seed in seeds[len(done) :]]
    return done, time.monotonic() - began


def _keep(run: Run, kept: Kept, pieces: list[Done], seconds: float) -> None:
    for done in pieces:
        kept.seeds = max(kept.seeds, done.seed + 1)
        if done.figures is None:
            kept.errors[done.seed] = done.error
            print(f"{run.name}, seed {done.seed}:\n{done.error}", file=sys.stderr)
        else:
            kept.figures = kept.figures.with_those_of(done.figures)
    kept.seconds += seconds
    record.save(run.name, kept)
    print(
        f"{run.name}: {kept.figures.units:,} of {run.goal:,} {run.unit},"
        f" {len(kept.errors)} failed, {kept.seconds:,.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()

"""Do the runs, from where they were left: `python -m endurance`."""

from __future__ import annotations

import argparse
import os
import signal
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
MOST_FAILURES = 5
"""After so many failures in a row, a run ends: the next ones would say the same."""
ENDED_S = 20.0
"""So long a process may take to end its servers."""
MISSING = "LookupError: there is no "
"""The beginning of an error for a program that is missing."""
COMMAND = [sys.executable, "-W", "error", "-m", "endurance.piece"]


def main() -> int:
    """Do what the command line asks for, and write the page."""
    parser = _parser()
    asked = parser.parse_args()
    if unknown := set(asked.runs) - set(RUNS):
        parser.error(f"there is no run {', '.join(sorted(unknown))}; there are {', '.join(RUNS)}")
    runs = [] if asked.show else [RUNS[name] for name in asked.runs or RUNS]
    ends = time.monotonic() + asked.minutes * 60
    is_well = True
    try:
        for run in runs:
            if asked.anew:
                record.drop(run.name)
            if asked.again:
                is_well &= _do_again(run, ends, asked.processes)
            else:
                is_well &= _resume(run, asked.until or run.goal, ends, asked.processes)
    except KeyboardInterrupt:
        print("Ended. The same command resumes, without --anew.", file=sys.stderr)
        return 130
    finally:
        page.write(record.load())
    return 0 if is_well else 1


def _parser() -> argparse.ArgumentParser:
    runs = "\n".join(f"  {run.name:22} {run.title}" for run in RUNS.values())
    parser = argparse.ArgumentParser(
        prog="python -m endurance",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
        epilog=f"The runs:\n{runs}\n\n"
        "Ctrl-C ends it; the same command resumes. It ends with 1 if a piece has failed, or if a\n"
        "program is missing. The record is in endurance/record, and\n"
        "docs/endurance.md is written from it. One seed: python -m endurance.piece RUN SEED",
    )
    parser.add_argument("runs", nargs="*", metavar="run", help="default: all, one after another")
    parser.add_argument(
        "--minutes",
        type=float,
        default=float("inf"),
        metavar="M",
        help="begin nothing after so many minutes",
    )
    parser.add_argument(
        "--until", type=_positive, metavar="N", help="units in all; default: the goal of each run"
    )
    parser.add_argument(
        "--processes",
        type=_positive,
        default=os.cpu_count() or 1,
        metavar="P",
        help="at once; default: the cores",
    )
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--anew", action="store_true", help="drop the record, and begin at seed 0")
    ways.add_argument("--again", action="store_true", help="only do what failed once more")
    ways.add_argument("--show", action="store_true", help="only write the page")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _resume(run: Run, until: int, ends: float, processes: int) -> bool:
    """Do further seeds, several processes at a time, until the goal or the time is reached.

    Returns:
        Whether all that was done holds, and no program is missing.
    """
    kept = record.load().get(run.name, Kept())
    if kept.figures.units >= until:
        print(f"{run.name} has {kept.figures.units:,} {run.unit}. --anew begins at seed 0.")
        return not kept.errors
    at_once = min(run.at_once or processes, processes)
    pieces = deque[Future[tuple[list[Done], float]]]()
    begun, failed = kept.seeds, 0
    with ThreadPoolExecutor(at_once) as threads:
        while True:
            goes_on = kept.figures.units < until and failed < MOST_FAILURES
            while goes_on and len(pieces) < at_once and time.monotonic() < ends:
                seeds = range(begun, begun := begun + run.seeds)
                pieces.append(threads.submit(_piece, run, seeds))
            if not pieces:
                break
            # In the order of the seeds, so that a kill leaves no gap.
            done, seconds = pieces.popleft().result()
            if missing := _missing(done):
                print(f"{run.name}: {missing}", file=sys.stderr)
                return False
            failed = failed + 1 if all(each.figures is None for each in done) else 0
            _keep(run, kept, done, seconds)
    if failed >= MOST_FAILURES:
        print(f"{run.name} has failed {failed} times in a row.", file=sys.stderr)
    return not kept.errors


def _do_again(run: Run, ends: float, processes: int = 1) -> bool:
    """Do the seeds that failed once more, and forget the errors of those that hold now.

    Returns:
        Whether all hold now.
    """
    kept = record.load().get(run.name, Kept())
    if not kept.errors:
        print(f"{run.name}: nothing has failed.")
    failed = list(kept.errors)
    with ThreadPoolExecutor(min(run.at_once or processes, processes)) as threads:
        pieces = threads.map(lambda seed: _piece(run, [seed], ends), failed)
        for seed, (done, seconds) in zip(failed, pieces, strict=True):
            if missing := _missing(done):
                print(f"{run.name}: {missing}", file=sys.stderr)
            elif done:
                del kept.errors[seed]
                _keep(run, kept, done, seconds)
    return not kept.errors


def _missing(pieces: list[Done]) -> str:
    """Return which program is missing, and the line that installs it, or nothing."""
    for done in pieces:
        _, found, missing = done.error.rpartition(MISSING)
        if found:
            return f"there is no {missing}"
    return ""


def _piece(run: Run, seeds: Sequence[int], ends: float = float("inf")) -> tuple[list[Done], float]:
    """Do some seeds in a process; one that dies or hangs is an error of the seed it was at."""
    began = time.monotonic()
    if began > ends:
        return [], 0.0
    command = [*COMMAND, run.name, *map(str, seeds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            output, _ = process.communicate(timeout=run.limit_s)
            end = f"the process ended with {process.returncode}"
        except subprocess.TimeoutExpired:
            output = _ended(process)
            end = f"the process was not done after {run.limit_s:g} s"
    *lines, _cut = output.split(b"\n")
    done = [msgspec.json.decode(line, type=Done) for line in lines]
    done += [Done(seed, error=end) for seed in seeds[len(done) :]]
    return done, time.monotonic() - began


def _ended(process: subprocess.Popen[bytes]) -> bytes:
    """End a process, so that it can end its own, and return its output."""
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=ENDED_S)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0]


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
    sys.exit(main())

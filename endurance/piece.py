"""The process that does some seeds of a run: `python -m endurance.piece NAME SEED...`.

It prints one line of JSON for each seed that it has done, whatever else the work prints.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import msgspec

from endurance.run import Figures

LINES = 12
"""The last lines of a traceback say enough to find the place."""


class Done(msgspec.Struct):
    """A seed that was done: its figures, or its error."""

    seed: int
    figures: Figures | None = None
    error: str = ""


def main(name: str, *seeds: str) -> None:
    """Do the seeds, one after the other."""
    from endurance.runs import RUNS  # noqa: PLC0415 - it takes long, and may be interrupted

    run = RUNS[name]
    with os.fdopen(os.dup(1), "wb", buffering=0) as output:
        os.dup2(2, 1)
        for seed in map(int, seeds):
            try:
                done = Done(seed, figures=run.work(seed))
            except Exception:  # noqa: BLE001 - whatever it is, it is the result
                text = traceback.format_exc()
                for folder in (Path.cwd(), sys.prefix):
                    text = text.replace(f"{folder}{os.sep}", "")
                done = Done(seed, error="\n".join(text.splitlines()[-LINES:]))
            output.write(msgspec.json.encode(done) + b"\n")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:  # the one who pressed Ctrl-C needs no traceback
        sys.exit(130)

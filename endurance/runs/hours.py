"""One process for hours: `sync --every 5m`, and a client that calls all the time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from endurance.run import Figures, Run, small
from endurance.versions import versions

RUNS_OF_SYNC = 100
COMMAND = [sys.executable, "-W", "error", "-m", "endurance.hours.process"]


def work(seed: int) -> Figures:
    """Run a process for eight hours of its clock, and more."""
    runs = 3 if small() else RUNS_OF_SYNC
    done = subprocess.run(
        [*COMMAND, str(seed), str(runs)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    if done.returncode:
        raise AssertionError(done.stderr[-4000:])
    figures = msgspec.json.decode(done.stdout, type=Figures)
    figures.versions = versions()
    return figures


RUNS = [
    Run(
        name="hours",
        title="One process for hours",
        unit="runs of sync",
        goal=RUNS_OF_SYNC,
        holds="`heymarket sync account.db --every 5m` runs for more than eight hours of its own"
        " clock, over real sockets. That takes minutes: while the process only waits, its clock"
        " jumps ahead. Beside it, a client reads a contact every 10 to 30 seconds. It changes"
        " every tenth one, and makes a new one after every hundred. Every request is answered"
        " with 200, so no token is ever too old. At most one token is signed for each run of"
        " sync, and one for every four minutes of the client. Each run begins five minutes after"
        " the end of the one before it, and at most two seconds late. At some run of the last"
        " tenth, there are no more tasks, threads and descriptors than at most in the second"
        " tenth. The process has at most 8 MB more then. The memory that the code of the package"
        " holds, without the sandbox, grows by at most 256 kB after the first tenth. At the end,"
        " the file equals the account.",
        work=work,
    )
]

"""Calls on the network that fail: every one of a small export, import and sync, in every way."""

from __future__ import annotations

import errno
from collections import Counter
from functools import partial
from pathlib import Path
from typing import NamedTuple

from endurance.files.commands import Commands, check_tools, commands, scratch_folder
from endurance.files.failing import NOT_COME, calls_of, check_end, check_output, fail_all
from endurance.files.jobs import Job, job_of, sandbox_of, variables_of
from endurance.run import Figures, Run

JOBS = ("jsonl", "import", "sync")
PARTS = 4
"""A piece is one part of the calls of a job."""

FAULTS = {
    errno.EMFILE: ("epoll_create1", "socketpair", "socket"),
    errno.EINTR: ("connect", "epoll_wait", "send", "recv"),
    errno.ENETUNREACH: ("connect",),
    errno.ECONNRESET: ("send", "recv"),
    errno.ENOBUFS: ("send",),
}
"""The calls that can fail in some way, as their manual pages say."""
ONCE = frozenset({"epoll_create1", "socketpair"})
"""Only the first call of these fails. The command tries them before asyncio makes its event loop,
which prints a traceback of its own if it is half made."""


class Case(NamedTuple):
    """The nth call of a name, and the error that it is to fail with."""

    name: str
    number: int
    error: int

    def __str__(self) -> str:
        return f"{errno.errorcode[self.error]} of {self.name} {self.number}"


def work(seed: int) -> Figures:
    """Fail a part of the calls of a job, one in each run, and resume it each time."""
    check_tools()
    name, part = JOBS[seed % len(JOBS)], seed // len(JOBS) % PARTS
    with (
        scratch_folder() as scratch,
        sandbox_of(seed // len(JOBS) // PARTS) as sandbox,
        commands(variables_of(sandbox), scratch) as running,
    ):
        job = job_of(name, sandbox, running, scratch, again=False)
        folder = scratch / "job"
        cases = _cases(job, running, folder)
        return fail_all(cases, part, PARTS, job, folder, partial(_fail_one, job, running, folder))


def _cases(job: Job, running: Commands, folder: Path) -> list[Case]:
    """Return every call with every error that it can fail with."""
    counts = Counter(call.name for call in calls_of(job, running, folder, network="*"))
    return [
        Case(name, number, error)
        for error, names in FAULTS.items()
        for name in names
        for number in range(1, 2 if name in ONCE else counts[name] + 1)
    ]


def _fail_one(job: Job, running: Commands, folder: Path, case: Case) -> str:
    """Run a job in which a call fails, and run it again; return how it ended."""
    arguments = job.arguments(folder)
    ended = running.run(arguments, folder, at=case.number, error=case.error, network=case.name)
    if not any(call.failed == case.error for call in ended.calls):
        return NOT_COME  # the last waits of a job depend on time
    check_output(ended, job.code)
    return check_end(job, running, folder, ended, case.error)


RUNS = [
    Run(
        name="network-calls",
        title="Calls on the network that fail",
        unit="pieces",
        goal=len(JOBS) * PARTS,
        holds="Each call on the network of a small export, import and sync fails once, in every"
        " way that fits it; of calls that make an event loop, the first one. No more sockets can"
        " be opened, a signal interrupts the call, or there is no route to the server. The"
        " connection is reset, or there is no buffer space. The command survives that, and its"
        " result is whole. Or it ends with 1 and one clear line, without a traceback. The same"
        " command then ends whole, equal to the account, and leaves no other file. No row is"
        " imported twice.",
        work=work,
    )
]

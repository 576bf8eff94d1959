"""Calls of the system that fail: every one of a small export, import and sync, in every way."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from endurance.files.commands import Call, Commands, Kind, check_tools, commands, scratch_folder
from endurance.files.failing import calls_of, check_end, check_output, fail_all
from endurance.files.jobs import JOBS, Job, job_of, sandbox_of, variables_of
from endurance.run import Figures, Run

PARTS = 16
"""A piece is one part of the calls of a job."""

_WRITES = Kind.CREATE | Kind.WRITE
_CHANGES = _WRITES | Kind.OPEN_WRITE | Kind.SYNC | Kind.REMOVE | Kind.META
_OPENS = Kind.OPEN_READ | Kind.OPEN_WRITE | Kind.CREATE


class Fault(NamedTuple):
    """A way to fail.

    Attributes:
        strikes: The kinds of calls that can fail so.
        stays: The kinds of calls that fail too from then on.
        names: Only the calls of these names; empty for all.
    """

    strikes: Kind
    stays: Kind = Kind(0)
    names: frozenset[str] = frozenset()


_INTERRUPTED = frozenset(
    {"open", "opendir", "read", "pread", "write", "pwrite", "fsync", "ftruncate", "flock"}
)
"""The calls of Python and SQLite that a signal can interrupt, as their manual pages say.

Without `close`, `fcntl` and `fdatasync`: the pages name them too, but on Linux only file systems of
a network let a signal end them. Python and SQLite take that for an error of the disk."""

FAULTS = {
    errno.ENOSPC: Fault(_WRITES | Kind.SYNC, stays=_WRITES),
    errno.EDQUOT: Fault(_WRITES | Kind.SYNC),
    errno.EROFS: Fault(_CHANGES, stays=_CHANGES),
    errno.EMFILE: Fault(_OPENS, stays=_OPENS, names=frozenset({"open", "opendir"})),
    errno.EIO: Fault(~Kind(0)),
    errno.EINTR: Fault(~Kind(0), names=_INTERRUPTED),
    errno.ENOMEM: Fault(Kind.MAP),
}
"""A full disk and one that became read-only stay so. A quota is raised, and a bad block is rare."""


class Case(NamedTuple):
    """A call of the undisturbed job, and the error that it is to fail with."""

    call: Call
    error: int

    def __str__(self) -> str:
        call, file = self.call, Path(self.call.path).name
        return f"{errno.errorcode[self.error]} of {call.name} of {file} (call {call.number})"


def cases_of(calls: list[Call]) -> Iterator[Case]:
    """Give every call with every error that it can fail with."""
    for call in calls:
        for error, fault in FAULTS.items():
            if call.kind & fault.strikes and (not fault.names or call.name in fault.names):
                yield Case(call, error)


def work(seed: int) -> Figures:
    """Fail a part of the calls of a job, one in each run, and resume it each time."""
    check_tools()
    name, part = JOBS[seed % len(JOBS)], seed // len(JOBS)
    again, part = bool(part // PARTS % 2), part % PARTS
    with (
        scratch_folder() as scratch,
        sandbox_of(seed // len(JOBS) // PARTS) as sandbox,
        commands(variables_of(sandbox), scratch) as running,
    ):
        (scratch / "before").mkdir()
        job = job_of(name, sandbox, running, scratch / "before", again=again)
        folder = scratch / "job"
        cases = list(cases_of(calls_of(job, running, folder)))
        return fail_all(cases, part, PARTS, job, folder, partial(_fail_one, job, running, folder))


def _fail_one(job: Job, running: Commands, folder: Path, case: Case) -> str:
    """Run a job in which a call fails, and run it again; return how it ended."""
    stays = FAULTS[case.error].stays
    ended = running.run(
        job.arguments(folder), folder, at=case.call.number, error=case.error, kinds=stays
    )
    assert any(call.failed == case.error for call in ended.calls), "the call came"
    check_output(ended, job.code)
    return check_end(job, running, folder, ended, case.error)


RUNS = [
    Run(
        name="system-calls",
        title="Calls of the system that fail",
        unit="pieces",
        goal=PARTS * len(JOBS),
        holds="A small export, import or sync makes a few hundred system calls on its files."
        " Each of them fails once, in every way that fits it. The disk is full and takes half of"
        " a write, the quota is used up, or the disk becomes read-only. No more files can be"
        " opened, there is no memory, the disk has an error, or a signal interrupts the call."
        "\n\n"
        "The command survives that, and its result is whole. Or it ends with 1 and one clear"
        " line, without a traceback, and no half file has the final name. The same command then"
        " ends whole, equal to the account, and leaves no other file. No row is imported twice."
        "\n\n"
        "The exports are to all formats but `.jsonl.zst`, which is written as `.jsonl.gz` is. A"
        " signal interrupts only calls that a file system of a disk can end for it: not `close`,"
        " `fcntl` and `fdatasync`. A library that is loaded with"
        " `LD_PRELOAD` counts the calls, and makes them fail. Pieces from seed 160 on do the"
        " same over files that exist already.",
        work=work,
    )
]

"""Calls of a job that fail, one in each run, and what must hold then."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from endurance.files.commands import Call, Commands, Ended
from endurance.files.jobs import Job, said
from endurance.run import Figures, small
from endurance.versions import versions

FEW = 6
NOT_COME = "did not come"
"""The end of a job whose call was to fail, and was not made."""


class Case(Protocol):
    """A call that is to fail; its text says which, and with which error."""

    @property
    def error(self) -> int:
        """The number of the error."""
        ...


C = TypeVar("C", bound=Case)


def calls_of(job: Job, running: Commands, folder: Path, *, network: str = "") -> list[Call]:
    """Run a job undisturbed in a new folder, and return the calls that can fail."""
    folder.mkdir()
    job.begin(folder, 0)
    ended = running.run(job.arguments(folder), folder, network=network)
    assert ended.code == job.code, ended.output
    job.check_end(folder)
    return ended.calls


def fail_all(
    cases: Sequence[C], part: int, parts: int, job: Job, folder: Path, fail: Callable[[C], str]
) -> Figures:
    """Fail a part of the calls of a job, one in each run.

    Args:
        cases: All calls, with each error.
        part: Which part of them.
        parts: Into how many they are divided.
        job: The job.
        folder: The folder of the job.
        fail: Runs the job with such a call, and returns how it ended.
    """
    cases = cases[part::parts]
    if small():
        cases = cases[:: len(cases) // FEW]
    seen = Counter[str]()
    failures: list[str] = []
    for number, case in enumerate(cases, 1):
        shutil.rmtree(folder)
        folder.mkdir()
        job.begin(folder, number + part * 1_000)
        try:
            if (end := fail(case)) != NOT_COME:
                seen[f"{errno.errorcode[case.error]}: {end}"] += 1
        except Exception as error:  # noqa: BLE001 - a file that cannot be read, too
            failures.append(f"{case}: {said(error)}")
    assert not failures, "\n".join(failures)
    return Figures(total={"calls that failed": seen.total(), **seen}, versions=versions())


def check_output(ended: Ended, code: int) -> None:
    """Check that a command ended well, or with one clear line."""
    lines = ended.output.splitlines()
    assert ended.code in {1, code}, f"exit code {ended.code}: {ended.output}"
    for word in ("Traceback", "Exception ignored", "[Errno", "Warning"):
        assert word not in ended.output, ended.output
    errors = [line for line in lines if line.startswith("Error: ")]
    assert len(errors) == (ended.code == 1), ended.output


def check_end(job: Job, running: Commands, folder: Path, ended: Ended, error: int) -> str:
    """Check all that a command has left, and that it can be run again to its end.

    Returns:
        How it ended the first time.
    """
    is_survived = ended.code == job.code
    if error == errno.EINTR:
        assert is_survived, f"not survived: {ended.output}"
    with tempfile.TemporaryDirectory(dir=folder.parent) as copied:
        copy = Path(shutil.copytree(folder, copied, dirs_exist_ok=True))
        # A folder that cannot be removed may be left until the next time.
        (job.check_result if is_survived else job.check_between)(copy)
    resumed = running.run(job.arguments(folder), folder)
    assert resumed.code == job.code, f"not resumed: {ended.output}then: {resumed.output}"
    job.check_end(folder)
    return "survived" if is_survived else "an error that says so"

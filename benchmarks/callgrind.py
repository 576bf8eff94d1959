"""Counts the instructions of a part of a Python process, with valgrind's tool callgrind.

The same work takes the same instructions, within half a percent, whatever else the machine does. A
count is of the process, with all its threads. The kernel's part is not in it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measuring import ROOT, environment

SOURCE = Path(__file__).with_suffix(".c")
MODULE = "callgrind_marks"
_TOTAL = re.compile(r"^(?:totals|summary): (\d+)$", re.MULTILINE)


class CannotCountError(Exception):
    """This machine cannot count. The text is the reason, and the remedy."""


class FailedError(Exception):
    """A counted process failed. The text is its last line."""


class Counter:
    """Runs Python processes that mark the part to count with `callgrind_marks`.

    Args:
        folder: That module's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def count(self, arguments: Sequence[str], **variables: str) -> tuple[int, str]:
        """Run Python with these arguments, and return the instructions and the process's output.

        Args:
            arguments: After the name of the interpreter.
            **variables: More variables of its environment.

        Raises:
            FailedError: It ended with an error.
        """
        with tempfile.TemporaryDirectory(dir=self._folder) as written:
            done = subprocess.run(
                [
                    *("valgrind", "--tool=callgrind", "--instr-atstart=no", "--quiet"),
                    f"--callgrind-out-file={written}/counts",
                    *(sys.executable, *arguments),
                ],
                capture_output=True,
                text=True,
                check=False,
                env=self._environment() | variables,
                cwd=ROOT,
            )
            if done.returncode:
                raise FailedError((done.stderr.strip() or "no reason").splitlines()[-1])
            total = _TOTAL.search(Path(written, "counts.1").read_text())
            assert total is not None, "callgrind wrote no total"
            return int(total[1]), done.stdout

    def _environment(self) -> dict[str, str]:
        variables = environment()
        path = os.pathsep.join(filter(None, (str(self._folder), variables.get("PYTHONPATH"))))
        return variables | {"PYTHONPATH": path, "PYTHONHASHSEED": "0"}


@contextmanager
def counter() -> Iterator[Counter]:
    """Compile the module that marks the part to count into a temporary folder.

    Raises:
        CannotCountError: There is no valgrind, no compiler, or no headers of valgrind or Python.
    """
    for program in ("valgrind", "cc"):
        if shutil.which(program) is None:
            raise CannotCountError(f"there is no {program} here: apt-get install valgrind gcc")
    with tempfile.TemporaryDirectory() as folder:
        include = sysconfig.get_path("include")
        target = Path(folder, f"{MODULE}.so")
        done = subprocess.run(
            ["cc", "-shared", "-fPIC", "-O2", f"-I{include}", str(SOURCE), "-o", str(target)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            error = next((line for line in done.stderr.splitlines() if "error" in line), "")
            raise CannotCountError(f"the headers of valgrind or Python are missing here: {error}")
        yield Counter(Path(folder))

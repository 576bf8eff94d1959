"""Generates the clients from `benchmarks/openapi.yaml`, at first use.

They read times as text: a cursor has to go back as it came, and no rival has to pay for dates that
another does not read.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "generated"
DESCRIPTION = FOLDER / "openapi.yaml"
"""The description without its formats of times."""

_WITH_TIMES = Path(__file__).parents[1] / "openapi.yaml"


def client(name: str, package: str, command: list[str], *, inside: str = ".") -> None:
    """Generate a client unless it is there, and let it be imported.

    Args:
        name: Name of the folder to generate.
        package: The generator.
        command: What generates it into the folder that is appended to it.
        inside: The part of that folder to import from.
    """
    FOLDER.mkdir(exist_ok=True)
    target = FOLDER / name
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one at a time, and no one imports half a client
        DESCRIPTION.write_text(_WITH_TIMES.read_text().replace(", format: date-time", ""))
        # The name depends on the command, the description, and the installed generator.
        made_of = repr((command, DESCRIPTION.read_text(), version(package)))
        stamp = FOLDER / f"{name}.made-of"
        if not (target.is_dir() and stamp.exists() and stamp.read_text() == made_of):
            shutil.rmtree(target, ignore_errors=True)
            partial = FOLDER / f"{name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            # The generators look for programs on the path, such as the formatter.
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            subprocess.run(
                [*command, str(partial)],
                env={**os.environ, "PATH": path},
                stdout=subprocess.DEVNULL,
                check=True,
            )
            partial.rename(target)
            stamp.write_text(made_of)
    sys.path.insert(0, str(target / inside))

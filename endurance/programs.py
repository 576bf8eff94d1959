"""Where programs of other projects are looked for: first in folders that a variable names."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

FOLDERS = "HEYMARKET_ENGINES"
"""The variable that names them, with the divider of paths between two."""


def given() -> list[str]:
    """Return the folders that the variable names."""
    return [each for each in os.environ.get(FOLDERS, "").split(os.pathsep) if each]


def found(program: str, line: str) -> str:
    """Return the path of a program: in these folders, beside this Python, or on the PATH.

    Raises:
        LookupError: It is not there; the error has the line that brings it.
    """
    places = [
        Path(folder, program)
        for top in given()
        for folder, _, names in os.walk(top)
        if program in names and Path(folder).name in {"bin", "sbin", Path(top).name}
    ]
    # An unpacked package also has links and scripts that lead to where it would be installed.
    places.sort(key=Path.is_symlink)
    places.append(Path(sys.executable).with_name(program))
    path = next((str(each) for each in places if os.access(each, os.X_OK)), shutil.which(program))
    if path is None:
        raise missing(program, line)
    return path


def missing(program: str, line: str) -> LookupError:
    """Return the error of a program that is not there, with the line that brings it."""
    return LookupError(
        f"there is no {program}. Install it ({line}); if it is not found then, name its folder in"
        f" {FOLDERS}"
    )

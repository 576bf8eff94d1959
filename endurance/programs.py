"""The folders in which programs of other projects are looked for first."""

from __future__ import annotations

import os

FOLDERS = "HEYMARKET_ENGINES"
"""The variable that names them, with the divider of paths between two."""


def given() -> list[str]:
    """Return the folders that the variable names."""
    return [each for each in os.environ.get(FOLDERS, "").split(os.pathsep) if each]

"""The versions of the packages that take part."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version

CORE = ("heymarket-async", "aiohttp", "msgspec")
ZSTD = () if sys.version_info >= (3, 14) else ("backports.zstd",)
"""The package that older Pythons need for Zstandard."""


def versions(*names: str) -> dict[str, str]:
    """Return the versions of Python, of the core packages and of some more."""
    packages = {name: version(name) for name in (*CORE, *names)}
    return {"Python": platform.python_version(), **packages}

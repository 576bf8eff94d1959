"""The machine and the versions of a run."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = (
    *("heymarket-async", "aiohttp", "msgspec", "PyJWT", "tenacity", "uvloop"),
    *("wreq", "pyreqwest", "primp", "niquests", "urllib3-future"),
    *("httpx", "httpcore", "pydantic", "openai", "httpx2", "httpcore2"),
    *("yarl", "multidict", "frozenlist", "pydantic-core", "python-dateutil"),
    *("openapi-python-client", "attrs", "openapi-generator-cli", "aiohttp-retry"),
)


def described() -> dict[str, str]:
    """Return the facts that a reader needs, by name."""
    packages = {each: found for each in _PACKAGES if (found := _version(each))}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": f"{_processor()}, {cores} cores",
        "system": platform.platform(),
        "Python": f"{platform.python_implementation()} {sys.version.split()[0]}",
        **packages,
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())

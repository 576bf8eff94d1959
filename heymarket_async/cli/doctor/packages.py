"""Checks Python, the package, its dependencies and its extras."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement

from heymarket_async.cli.doctor.finding import Finding, ok, problem
from heymarket_async.version import __version__

_PACKAGE = "heymarket-async"

_EXTRAS = {
    "cli": "this command",
    "import": "contacts import, messages send",
    "xlsx": "exports to .xlsx",
    "parquet": "exports to .parquet",
    "zst": "files that end in .zst",
    "redis": "HEYMARKET_STORE",
    "keyring": "profiles with a keyring",
    "dlt": "heymarket_async.dlt",
}
"""The extras for users, and the commands that need them."""


def findings() -> Iterator[Finding]:
    """Check the packages that are installed."""
    yield ok("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    try:
        needed = [Requirement(text) for text in metadata.requires(_PACKAGE) or []]
    except metadata.PackageNotFoundError:
        yield ok("package", f"{_PACKAGE} {__version__}, from a folder: versions are not checked")
        return
    core = [each for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    versions = [f"{each.name} {_version(each) or 'is missing'}" for each in core]
    yield _unless_unfit(
        "package", ", ".join((f"{_PACKAGE} {__version__}", *versions)), core, must_be_there=True
    )
    extras = {
        extra: [each for each in needed if each not in core and _is_of(each, extra)]
        for extra in _EXTRAS
    }
    here = [extra for extra, parts in extras.items() if parts and all(map(_version, parts))]
    # A requirement may be only for other versions of Python.
    unfit = [f"{extra} ({_EXTRAS[extra]})" for extra, parts in extras.items() if not parts]
    absent = [
        f"{extra} ({_EXTRAS[extra]})"
        for extra, parts in extras.items()
        if parts and extra not in here
    ]
    lists = {"Not for this Python": unfit, "Not installed": absent}
    text = ". ".join(
        (
            ", ".join(here) or "none",
            *(f"{name}: {', '.join(some)}" for name, some in lists.items() if some),
        )
    )
    parts = [part for parts in extras.values() for part in parts]
    yield _unless_unfit("extras", text, parts, must_be_there=False)


def _unless_unfit(
    check: str, text: str, needed: list[Requirement], *, must_be_there: bool
) -> Finding:
    """Return that all is well, or the packages that are too old or missing."""
    unfit = [
        each
        for each in needed
        if (
            not each.specifier.contains(version, prereleases=True)
            if (version := _version(each))
            else must_be_there
        )
    ]
    if not unfit:
        return ok(check, text)
    versions = ", ".join(f"{each.name} {_version(each) or 'is missing'}" for each in unfit)
    wanted = " ".join(f"'{each.name}{each.specifier}'" for each in unfit)
    return problem(check, f"{versions}: too old.", f"Run: pip install --upgrade {wanted}")


def _is_of(needed: Requirement, extra: str) -> bool:
    return needed.marker is not None and needed.marker.evaluate({"extra": extra})


def _version(needed: Requirement) -> str:
    """Return the version that is installed, or ""."""
    try:
        return metadata.version(needed.name)
    except metadata.PackageNotFoundError:
        return ""

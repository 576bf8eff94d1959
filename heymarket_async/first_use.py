"""Imports the public names of a package when the first of them is used.

The command and the pytest plugin are modules of this package too, and both start without aiohttp.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec


def imported_at_first_use(
    package: str,
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the `__getattr__` and the `__dir__` of a package; its names are in `public`."""

    def import_names() -> dict[str, object]:
        public, found = import_module(f"{package}.public"), vars(sys.modules[package])
        found.update({each: getattr(public, each) for each in public.__all__})
        found["__all__"] = public.__all__
        return found

    def __getattr__(name: str) -> object:  # noqa: N807 - so Python calls it
        if find_spec(f"{package}.{name}") is not None:
            return import_module(f"{package}.{name}")  # of `from package import module`
        try:
            found = import_names()
        except AttributeError as error:  # Python would say that there is no such name
            raise ImportError(f"{package} cannot be imported: {error}") from error
        if name not in found:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return found[name]

    def __dir__() -> list[str]:  # noqa: N807 - so Python calls it
        return sorted(import_names())

    return __getattr__, __dir__

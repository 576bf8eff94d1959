"""Imports the public names of a package when the first of them is used.

The command and the pytest plugin are modules of this package too, and both start without aiohttp.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec


def imported_at_first_use(package: str) -> Callable[[str], object]:
    """Return the `__getattr__` of a package whose public names are in its module `public`."""

    def __getattr__(name: str) -> object:  # noqa: N807 - so Python calls it
        if find_spec(f"{package}.{name}") is not None:
            return import_module(f"{package}.{name}")  # of `from package import module`
        public = import_module(f"{package}.public")
        names = {each: getattr(public, each) for each in public.__all__}
        found = vars(sys.modules[package])
        found.update(names, __all__=public.__all__)
        if name not in found:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return found[name]

    return __getattr__

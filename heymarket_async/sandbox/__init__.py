"""A local Heymarket, to develop and test against.

It is written from the public docs alone and shares no code with the client, so that the two
cannot share a mistake.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heymarket_async.sandbox.faults import Faults
    from heymarket_async.sandbox.readings import Readings
    from heymarket_async.sandbox.received import Received
    from heymarket_async.sandbox.sandbox import Sandbox
else:

    def __getattr__(name: str) -> object:
        """Import a public name when it is first asked for.

        The pytest plugin lives in this package and is loaded by every test-suite that has it
        installed; this way it loads the server only into those that use it.
        """
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

    _HOMES = {
        "Faults": "faults",
        "Readings": "readings",
        "Received": "received",
        "Sandbox": "sandbox",
    }


__all__ = ["Faults", "Readings", "Received", "Sandbox"]

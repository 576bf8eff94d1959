"""A local Heymarket to develop and test against.

It is written from the public docs alone, and shares no code and so no mistake with the client.
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
        """Import a public name when it is first used.

        pytest loads the plugin of this package wherever the package is installed. The server is
        imported only by tests that use it.
        """
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{name.lower()}"), name)


__all__ = ["Faults", "Readings", "Received", "Sandbox"]

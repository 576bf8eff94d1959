"""An asyncio SDK for the Heymarket API (business text messaging).

Start at `HeymarketClient`. `heymarket_async.errors` has the tree of errors.
"""

from typing import TYPE_CHECKING

from heymarket_async.first_use import imported_at_first_use

if TYPE_CHECKING:
    from heymarket_async.public import *  # noqa: F403 - these names, and no others
else:
    __getattr__, __dir__ = imported_at_first_use(__name__)

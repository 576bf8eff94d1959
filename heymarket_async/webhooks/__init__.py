"""Webhooks: reads what Heymarket posts to you, and handles it once.

parse      a delivery as events, if its token is one of yours
Receiver   handles each event once, however often it is delivered

The modules `aiohttp` and `fastapi` connect a receiver to a web application, and `redis` has a store
for several processes.
"""

from typing import TYPE_CHECKING

from heymarket_async.first_use import imported_at_first_use

if TYPE_CHECKING:
    from heymarket_async.webhooks.public import *  # noqa: F403 - these names, and no others
else:
    __getattr__, __dir__ = imported_at_first_use(__name__)

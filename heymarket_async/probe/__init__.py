"""Finds out how the API behaves where its documentation says nothing, with a few reads.

probe     asks the account of a client, and returns the findings
"""

from typing import TYPE_CHECKING

from heymarket_async.first_use import imported_at_first_use

if TYPE_CHECKING:
    from heymarket_async.probe.public import *  # noqa: F403 - these names, and no others
else:
    __getattr__, __dir__ = imported_at_first_use(__name__)

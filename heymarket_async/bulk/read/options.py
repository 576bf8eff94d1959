"""How an account is read: which list, how many at once, how many parts side by side."""

from __future__ import annotations

import msgspec

from heymarket_async.checks import is_int, limit_of, one_of
from heymarket_async.client import HeymarketClient
from heymarket_async.endpoints.contacts_v2 import MAX_LIMIT
from heymarket_async.walk.walk import Walk


class Reading(msgspec.Struct, frozen=True):
    """How an account is read.

    Attributes:
        surface: Which list: "v1" or "v2".
        page_size: Contacts asked for at once; v2 takes 100 at most.
        concurrency: Parts of the time range that are walked side by side.

    Raises:
        ValueError: One of them breaks its rule.
    """

    surface: str
    page_size: int
    concurrency: int

    def __post_init__(self) -> None:
        if self.surface not in {"v1", "v2"}:
            raise ValueError('surface must be "v1" or "v2"')
        most = MAX_LIMIT if self.surface == "v2" else None
        limit_of(one_of("page_size", self.page_size, int), most, name="page_size")
        if not is_int(self.concurrency) or self.concurrency < 1:
            raise ValueError("concurrency must be an integer of at least 1")

    def walk(
        self, client: HeymarketClient, *, date: str | None = None, cursor: str | None = None
    ) -> Walk[msgspec.Raw]:
        """Return a walk over the list, in JSON as the server sends it."""
        contacts = client.contacts if self.surface == "v1" else client.contacts_v2
        return contacts.iterate(date=date, cursor=cursor, limit=self.page_size, returns=msgspec.Raw)

"""A walk over a listing, as a client walks: it may ask for larger pages."""

from __future__ import annotations

from heymarket_async import Walk
from heymarket_async.walk.page_size import PageSizes
from heymarket_async.walk.walk import Growth, walk
from tests.walk.listing import Listing, Row


def walk_over(
    listing: Listing,
    limit: int | None = None,
    cursor: str | None = None,
    *,
    sizes: PageSizes | None = None,
    most: int = 1000,
) -> Walk[Row]:
    return walk(
        listing.fetch,
        "POST /v1/contacts",
        surface="v1",
        date=None,
        limit=limit,
        cursor=cursor,
        returns=Row,
        growth=Growth(listing.fetch, sizes or PageSizes(), most),
    )

"""Walks over lists that differ from contacts: no `rev`, by `date`, with pages of any size."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heymarket_async import HeymarketError
from heymarket_async.walk.page_size import PageSizes
from heymarket_async.walk.rows import RowFields, reader
from heymarket_async.walk.walk import Growth, Walk, walk
from tests.walk.listing import Listing, Row
from tests.walk.test_walk_properties import can_end_with, limits, listings, run

BY_DATE = RowFields("date", has_rev=False)


class Dated(msgspec.Struct, frozen=True):
    id: int
    date: str


def walk_by_date(listing: Listing, limit: int | None = None, cursor: str | None = None) -> Walk:
    async def fetch(date: str | None, page: int | None, limit: int | None) -> list[Dated]:
        return [Dated(row.id, row.updated) for row in await listing.fetch(date, page, limit)]

    return walk(
        fetch,
        "POST /v1/messages/all",
        surface="messages",
        date=None,
        limit=limit,
        cursor=cursor,
        returns=Dated,
        fields=BY_DATE,
        growth=Growth(fetch, PageSizes(), 1000),
    )


def walk_of_unknown_pages(listing: Listing, cursor: str | None = None) -> Walk:
    return walk(
        listing.fetch,
        "POST /v1/conversations",
        surface="conversations",
        date=None,
        limit=None,
        cursor=cursor,
        returns=Row,
        fields=RowFields(has_rev=False),
        is_size_documented=False,
    )


async def all_of(walking: Walk) -> list[int]:
    return sorted([row.id async for row in walking])


@given(listings(), limits)
@settings(max_examples=80)
def test_a_walk_by_date_gives_each_row_once(listing: Listing, limit: int | None):
    try:
        ids = run(all_of(walk_by_date(listing, limit)))
    except HeymarketError as error:
        assert can_end_with(error, listing, limit), "this server can be walked"
        return

    assert ids == sorted(listing.rows)


@given(listings(), st.integers(2, 29), st.booleans())
@settings(max_examples=150)
def test_pages_of_an_undocumented_size_are_walked_whole(
    listing: Listing, size: int, is_resumed: bool
):
    listing.default = size

    async def ids() -> list[int]:
        walking = walk_of_unknown_pages(listing)
        if not is_resumed:
            return await all_of(walking)
        first = [row.id async for page in one_page(walking) for row in page]
        return sorted(first + await all_of(walk_of_unknown_pages(listing, walking.cursor)))

    try:
        found = run(ids())
    except HeymarketError as error:
        assert can_end_with(error, listing, None), "this server can be walked"
        return

    assert found == sorted(listing.rows)


async def one_page(walking: Walk):
    async for page in walking.pages():
        yield page
        return


@pytest.mark.parametrize("inclusive", [True, False])
async def test_a_hundred_and_fifty_messages_of_one_moment_come_once(inclusive):
    ticks = [*range(40), *[40] * 150, *range(41, 90)]
    listing = Listing(ticks=ticks, inclusive=inclusive, digits=6, trimmed=True)

    assert await all_of(walk_by_date(listing)) == sorted(listing.rows)


async def test_messages_that_come_in_during_a_walk_hide_no_other():
    listing = Listing(ticks=list(range(200)), digits=6, trimmed=True)
    before, ids = set(listing.rows), []

    async for row in walk_by_date(listing, limit=30):
        ids.append(row.id)
        if len(ids) % 30 == 0:
            listing.rows[1000 + len(ids)] = (10**6 + len(ids), 1)

    assert before <= set(ids)
    assert len(ids) == len(set(ids))


def test_one_odd_row_leaves_the_others_as_they_are():
    sent = [b'{"id":1,"date":"2026-04-12T15:30:00.5Z"}', b'{"id":"x","date":7}', b'"text"', b"{}"]

    rows = reader(BY_DATE).of_raw([msgspec.Raw(each) for each in sent])

    assert rows.times == ["2026-04-12T15:30:00.5Z"] * 4
    assert rows.ids[0] == 1
    assert all(number < 0 for number in rows.ids[1:])
    assert (rows.revs, rows.unplaced) == ([None] * 4, (1, 2, 3))


def test_a_struct_without_the_fields_of_the_list_is_refused():
    class Undated(msgspec.Struct):
        id: int

    with pytest.raises(ValueError, match="that has id as an integer and date as text"):
        walk(
            Listing(ticks=[]).fetch,
            "POST /v1/messages/all",
            surface="messages",
            date=None,
            limit=None,
            cursor=None,
            returns=Undated,
            fields=BY_DATE,
        )


@given(listings(), limits)
@settings(max_examples=120)
def test_a_list_that_contradicts_its_order_is_never_taken_for_complete(
    listing: Listing, limit: int | None
):
    listing.contradicts = True
    try:
        ids = run(all_of(walk_by_date(listing, limit)))
    except HeymarketError:
        return

    assert ids == sorted(listing.rows)

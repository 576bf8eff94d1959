"""What holds for every walk over every server that the documentation allows."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heymarket_async import PaginationError, Walk
from heymarket_async.pagination import walk
from tests.properties.listing import Listing, Row

MOST_REQUESTS = 4000


@st.composite
def listings(draw: st.DrawFn) -> Listing:
    kind = draw(st.sampled_from(["scattered", "groups", "all equal", "all distinct"]))
    count = draw(st.integers(0, 130))
    if kind == "scattered":
        ticks = draw(st.lists(st.integers(0, 60), min_size=count, max_size=count))
    elif kind == "groups":
        sizes = draw(st.lists(st.integers(1, 75), max_size=4))
        ticks = [tick for tick, size in enumerate(sizes) for _ in range(size)]
    else:
        ticks = [0] * count if kind == "all equal" else list(range(count))
    return Listing(
        ticks=ticks,
        newest_first=draw(st.booleans()),
        inclusive=draw(st.booleans()),
        cap=draw(st.sampled_from([30, 31, 100, 1000])),
        page_base=draw(st.sampled_from([0, 1, None])),
        digits=draw(st.sampled_from([0, 3, 6, 9])),
        trimmed=draw(st.booleans()),
        mixes_ties=draw(st.booleans()),
    )


limits = st.sampled_from([None, 1, 2, 3, 7, 29, 30, 31, 100, 1000])


def walk_over(listing: Listing, limit: int | None, cursor: str | None = None) -> Walk[Row]:
    return walk(
        listing.fetch,
        "POST /v1/contacts",
        surface="v1",
        date=None,
        limit=limit,
        cursor=cursor,
        returns=Row,
    )


async def rows_of(walking: Walk[Row], listing: Listing) -> list[Row]:
    rows: list[Row] = []
    async for row in walking:
        rows.append(row)
        assert len(listing.requests) < MOST_REQUESTS, "the walk does not end"
    return rows


@given(listings(), limits)
@settings(max_examples=600)
def test_a_walk_gives_every_contact_once_or_raises(listing: Listing, limit: int | None) -> None:
    walking = walk_over(listing, limit)

    try:
        rows = asyncio.run(rows_of(walking, listing))
    except PaginationError as error:
        assert listing.page_base is None or listing.mixes_ties, "this server can be walked"
        assert error.cursor == walking.cursor
        return

    assert sorted(row.id for row in rows) == sorted(listing.rows)


@given(listings(), limits, st.data())
@settings(max_examples=400)
def test_a_walk_that_is_cut_and_resumed_gives_the_whole(
    listing: Listing, limit: int | None, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, 140), max_size=4).map(sorted))
    rows: list[Row] = []
    walking = walk_over(listing, limit)

    async def until(cut: int) -> None:
        while len(rows) < cut:
            rows.append(await anext(walking))
            assert len(listing.requests) < MOST_REQUESTS, "the walk does not end"

    try:
        for cut in [*cuts, 10_000]:
            with contextlib.suppress(StopAsyncIteration):
                asyncio.run(until(cut))
            walking = walk_over(listing, None, walking.cursor)
    except PaginationError:
        assert listing.page_base is None or listing.mixes_ties
        return

    assert sorted(row.id for row in rows) == sorted(listing.rows)


@given(listings(), limits, st.data())
@settings(max_examples=400)
def test_contacts_that_are_not_edited_come_once_and_no_version_comes_twice(
    listing: Listing, limit: int | None, data: st.DataObject
) -> None:
    edits = data.draw(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 130)), max_size=20))
    plan = [(after, number) for after, number in edits if number in listing.rows]
    rows: list[Row] = []
    fetch = listing.fetch

    async def while_others_write(
        date: str | None, page: int | None, limit: int | None
    ) -> list[Row]:
        for after, number in plan:
            if after == len(listing.requests):
                listing.edit(number)
        return await fetch(date, page, limit)

    listing.fetch = while_others_write  # type: ignore[method-assign] # others write meanwhile

    async def all_rows() -> None:
        async for row in walk_over(listing, limit):
            rows.append(row)
            assert len(listing.requests) < MOST_REQUESTS, "the walk does not end"

    try:
        asyncio.run(all_rows())
    except PaginationError:
        pass  # complete or raised; what came must be right all the same
    else:
        edited = {number for _, number in plan}
        untouched = sorted(set(listing.rows) - edited)
        assert sorted(row.id for row in rows if row.id not in edited) == untouched

    versions = [(row.id, row.rev) for row in rows]
    assert len(versions) == len(set(versions))


@given(listings(), limits)
@settings(max_examples=300)
def test_after_a_page_that_is_not_full_the_last_updated_goes_back_to_the_letter(
    listing: Listing, limit: int | None
) -> None:
    answers: list[tuple[bool, list[Row]]] = []
    fetch = listing.fetch

    async def recorded(date: str | None, page: int | None, limit: int | None) -> list[Row]:
        in_group = json.loads(walking.cursor)["group"] is not None
        answers.append((in_group, await fetch(date, page, limit)))
        return answers[-1][1]

    listing.fetch = recorded  # type: ignore[method-assign] # a spy
    walking = walk_over(listing, limit)
    try:
        asyncio.run(rows_of(walking, listing))
    except PaginationError:
        assert listing.page_base is None or listing.mixes_ties

    full = min(limit or 30, 30)
    for (in_group, rows), asked, (date, page, _) in zip(
        answers, listing.requests, listing.requests[1:], strict=False
    ):
        if 0 < len(rows) < full:
            # Only within a group that is larger than a page may the same pages be read once more.
            read_again = in_group and (date, page) == (asked[0], None)
            assert read_again or (date, page) == (rows[-1].updated, None)


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_walk_without_ties_costs_few_more_requests_than_the_plain_one(
    newest_first: bool, inclusive: bool
) -> None:
    listing = Listing(list(range(3000)), newest_first=newest_first, inclusive=inclusive)

    asyncio.run(rows_of(walk_over(listing, None), listing))

    assert len(listing.requests) <= 1.05 * (3000 / 30 + 2)

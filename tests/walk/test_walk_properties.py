"""What holds for every walk over every server that the documentation allows."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heymarket_async import HeymarketError, NoResponseError, PaginationError, ServerError, Walk
from heymarket_async.walk.page_size import PageSizes
from tests.conftest import JumpingLoop
from tests.walk.listing import ANSWERS, REFUSALS, Listing, Row
from tests.walk.walking import walk_over

pytestmark = pytest.mark.unmeasured

T = TypeVar("T")

MOST_REQUESTS = 4000


ODD_TIMES = [
    "",
    "0000-00-00T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-06-30T23:59:60Z",
    "2026-04-12",
]
IN_TEN_YEARS = 10 * 365 * 24 * 3600


@st.composite
def listings(draw: st.DrawFn, *, are_odd: bool = False) -> Listing:
    kind = draw(st.sampled_from(["scattered", "groups", "all equal", "all distinct"]))
    count = draw(st.integers(0, 130))
    if kind == "scattered":
        ticks = draw(st.lists(st.integers(0, 60), min_size=count, max_size=count))
    elif kind == "groups":
        sizes = draw(st.lists(st.integers(1, 75), max_size=4))
        ticks = [tick for tick, size in enumerate(sizes) for _ in range(size)]
    else:
        ticks = [0] * count if kind == "all equal" else list(range(count))
    digits = draw(st.sampled_from([0, 3, 6, 9]))
    shown = draw(st.sampled_from(["exactly", "cut", "rounded"])) if digits else "exactly"
    if shown != "exactly":
        # Within a second that is shown as one, some stand at its very beginning.
        fractions = st.integers(0, 10**digits - 1) | st.just(0)
        ticks = [tick * 10**digits + draw(fractions) for tick in ticks]
    listing = Listing(
        ticks=ticks,
        newest_first=draw(st.booleans()),
        inclusive=draw(st.booleans()),
        cap=draw(st.sampled_from([30, 31, 100, 1000])),
        over=draw(st.sampled_from(ANSWERS)),
        page_base=draw(st.sampled_from([0, 1, None])),
        digits=digits,
        trimmed=draw(st.booleans()),
        mixes_ties=False if are_odd else draw(st.booleans()),
        shown=shown,
    )
    if are_odd and count:
        numbers = st.integers(1, count)
        listing.shows_rev = draw(st.booleans())
        listing.doubled = frozenset(draw(st.lists(numbers, max_size=4)))
        listing.odd = draw(st.dictionaries(numbers, st.sampled_from(ODD_TIMES), max_size=12))
        for number in draw(st.lists(numbers, max_size=2)):
            listing.rows[number] = (IN_TEN_YEARS * 10**digits, 1)
    return listing


limits = st.sampled_from([None, 1, 2, 3, 7, 29, 30, 31, 100, 1000])


def can_end_with(error: HeymarketError, listing: Listing, limit: int | None) -> bool:
    """Whether this server cannot be walked, or refuses the limit that the caller has fixed."""
    if isinstance(error, PaginationError):
        return listing.page_base is None or listing.mixes_ties
    is_refused = isinstance(error, type(REFUSALS.get(listing.over)))
    return is_refused and ((limit or 30) > listing.cap or listing.page_base is None)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it in a loop whose waits take no time."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(coroutine)


async def rows_of(walking: Walk[Row], listing: Listing, rows: list[Row] | None = None) -> list[Row]:
    rows = [] if rows is None else rows
    async for row in walking:
        rows.append(row)
        assert len(listing.requests) < MOST_REQUESTS, "the walk does not end"
    return rows


@given(listings(), limits)
@settings(max_examples=120)
def test_a_walk_gives_every_contact_once_or_raises_with_a_cursor_that_resumes(
    listing: Listing, limit: int | None
) -> None:
    walking, rows = walk_over(listing, limit), list[Row]()

    try:
        run(rows_of(walking, listing, rows))
    except HeymarketError as error:
        assert can_end_with(error, listing, limit), "this server can be walked"
        assert error.cursor == walking.cursor
        listing.requests.clear()
        listing.page_base, listing.mixes_ties, listing.cap = listing.page_base or 0, False, 1000
        run(rows_of(walk_over(listing, None, error.cursor), listing, rows))

    assert sorted(row.id for row in rows) == sorted(listing.rows)


@given(listings(are_odd=True), limits)
@settings(max_examples=120)
def test_odd_contacts_are_given_once_like_the_others(listing: Listing, limit: int | None) -> None:
    try:
        rows = run(rows_of(walk_over(listing, limit), listing))
    except HeymarketError as error:
        can_be_stuck = "no row of a page" in str(error)
        assert can_be_stuck or can_end_with(error, listing, limit), "this server can be walked"
        return

    assert sorted(row.id for row in rows) == sorted(listing.rows)


@given(listings(), limits, st.data())
@settings(max_examples=80)
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
                run(until(cut))
            walking = walk_over(listing, None, walking.cursor)
    except HeymarketError as error:
        assert can_end_with(error, listing, limit)
        return

    assert sorted(row.id for row in rows) == sorted(listing.rows)


@given(listings(), st.lists(limits, min_size=2, max_size=3))
@settings(max_examples=50)
def test_walks_that_share_the_limits_they_have_tried_are_whole(
    listing: Listing, some: list[int | None]
) -> None:
    sizes = PageSizes()
    for limit in some:
        listing.requests.clear()
        try:
            rows = run(rows_of(walk_over(listing, limit, sizes=sizes), listing))
        except HeymarketError as error:
            assert can_end_with(error, listing, limit), "this server can be walked"
        else:
            assert sorted(row.id for row in rows) == sorted(listing.rows)


@st.composite
def changing(draw: st.DrawFn) -> Listing:
    """A server that gives less from some request on, of an account with large groups."""
    sizes = draw(st.lists(st.sampled_from([1, 1, 1, 20, 90, 200, 450]), min_size=1, max_size=7))
    rest = draw(st.sampled_from([0, 300]))
    change = draw(st.sampled_from([30, 50, 100])), draw(st.sampled_from(ANSWERS))
    return Listing(
        ticks=[tick for tick, size in enumerate([*sizes, *[1] * rest]) for _ in range(size)],
        newest_first=draw(st.booleans()),
        inclusive=draw(st.booleans()),
        cap=draw(st.sampled_from([100, 200, 1000])),
        page_base=draw(st.sampled_from([0, 1])),
        changes={draw(st.integers(1, 20)): change},
    )


@given(changing(), st.booleans())
@settings(max_examples=50)
def test_a_walk_is_whole_if_the_answer_to_large_limits_changes(
    listing: Listing, is_resumed: bool
) -> None:
    rows: list[Row] = []
    walking = walk_over(listing, None)

    async def rest() -> None:
        async for page in walking.pages():
            rows.extend(page)
            if is_resumed and len(listing.requests) in listing.changes:
                return  # by another process

    for _ in range(3):
        # A limit that has come before, and now fails though it was sent again, ends the walk.
        with contextlib.suppress(ServerError, NoResponseError):
            run(rest())
        walking = walk_over(listing, None, walking.cursor)

    assert sorted(row.id for row in rows) == sorted(listing.rows)


@given(listings(), limits, st.data())
@settings(max_examples=80)
def test_contacts_that_nobody_writes_come_once_and_no_version_comes_twice(
    listing: Listing, limit: int | None, data: st.DataObject
) -> None:
    writes = st.tuples(
        st.integers(0, 30),
        st.integers(1, 130),
        st.sampled_from([1, 1, 12, 45]),
        st.sampled_from([Listing.edit, Listing.edit, Listing.delete]),
    )
    plan = [
        (after, number, write)
        for after, first, count, write in data.draw(st.lists(writes, max_size=20))
        for number in range(first, first + count)
        if number in listing.rows
    ]
    written = {number for _, number, _ in plan}
    untouched = sorted(set(listing.rows) - written)
    rows: list[Row] = []
    fetch = listing.fetch

    async def while_others_write(
        date: str | None, page: int | None, limit: int | None
    ) -> list[Row]:
        for after, number, write in plan:
            if after == len(listing.requests) and number in listing.rows:
                write(listing, number)
        return await fetch(date, page, limit)

    listing.fetch = while_others_write  # type: ignore[method-assign] # others write meanwhile

    try:
        run(rows_of(walk_over(listing, limit), listing, rows))
    except HeymarketError:
        pass  # complete or raised; what came must be right all the same
    else:
        assert sorted(row.id for row in rows if row.id not in written) == untouched

    versions = [(row.id, row.rev) for row in rows]
    assert len(versions) == len(set(versions))


@given(listings(), limits)
@settings(max_examples=60)
def test_after_a_page_that_is_not_full_the_last_updated_goes_back_to_the_letter(
    listing: Listing, limit: int | None
) -> None:
    answers: list[tuple[bool, str | None, list[Row]]] = []
    requests: list[tuple[str | None, int | None, int | None]] = []
    fetch = listing.fetch

    async def recorded(date: str | None, page: int | None, limit: int | None) -> list[Row]:
        at = json.loads(walking.cursor)
        rows = await fetch(date, page, limit)
        requests.append((date, page, limit))
        answers.append((at["group"] is not None, at["back"], rows))
        return rows

    listing.fetch = recorded  # type: ignore[method-assign] # a spy
    walking = walk_over(listing, limit)
    try:
        run(rows_of(walking, listing))
    except HeymarketError as error:
        assert can_end_with(error, listing, limit)

    full = min(limit or 30, 30)
    for (in_group, back, rows), asked, (date, page, _) in zip(
        answers, requests, requests[1:], strict=False
    ):
        if not in_group and (asked[-1] or 30) > 30 and len(rows) < 30:
            assert date == asked[0], "nothing is believed of a limit that is not documented"
            continue
        if 0 < len(rows) < full:
            # Only within a group that is larger than a page may its pages be read once more,
            # newest first from a `date` that keeps edited rows out.
            is_read_again = in_group and (date == asked[0] or asked[0] is None)
            # And where not all rows given at `date` came again, that was too far.
            assert (
                is_read_again
                or (back is not None and date == back)
                or (date, page) == (rows[-1].updated, None)
            )


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_walk_without_ties_costs_few_more_requests_than_the_plain_one(
    newest_first: bool, inclusive: bool
) -> None:
    listing = Listing(list(range(3000)), newest_first=newest_first, inclusive=inclusive)

    run(rows_of(walk_over(listing, None), listing))

    assert len(listing.requests) <= 1.05 * (3000 / 30 + 2)

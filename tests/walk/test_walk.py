"""The walk as its callers see it: pages, cursors, errors, closing."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import pickle
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from unittest import mock

import msgspec
import pytest

from heymarket_async import (
    BadRequestError,
    ClientStateError,
    Contact,
    PaginationError,
    ServerError,
    Walk,
)
from heymarket_async.walk import cursor as cursors
from heymarket_async.walk.page_size import PageSizes
from heymarket_async.walk.walk import Growth, walk
from tests.conftest import jumping_time, now
from tests.walk.listing import Listing, Row

CALL = "POST /v1/contacts"


def walk_over(listing: Listing, **options) -> Walk[Row]:
    options = {"date": None, "limit": None, "cursor": None, "returns": Row, **options}
    return walk(listing.fetch, CALL, surface="v1", **options)


async def ids_of(walking) -> list[int]:
    return [row.id async for row in walking]


async def test_the_requests_of_a_plain_walk_are_those_of_the_guide():
    listing = Listing([3, 2, 1])

    assert await ids_of(walk_over(listing)) == [1, 2, 3]

    assert listing.requests == [(None, None, None), ("2026-04-12T15:30:01Z", None, None)]


async def test_a_full_page_is_followed_from_the_timestamp_before_its_last():
    listing = Listing(list(range(40)))

    await ids_of(walk_over(listing))

    assert listing.requests[1] == ("2026-04-12T15:30:11Z", None, None)


async def test_a_server_that_includes_the_date_is_followed_from_the_last():
    listing = Listing(list(range(90)), inclusive=True)

    await ids_of(walk_over(listing))

    dates = [date for date, _, _ in listing.requests]
    assert dates[1] == "2026-04-12T15:31:01Z", "not known yet: one before the last, 60"
    assert dates[2] == "2026-04-12T15:30:32Z", "known: the last itself"


async def test_a_group_larger_than_a_page_is_read_page_by_page_until_nothing_is_new():
    listing = Listing([0] * 70, page_base=1)

    assert sorted(await ids_of(walk_over(listing))) == list(range(1, 71))

    pages = [page for date, page, _ in listing.requests if date is None]
    assert pages == [None, 1, 2, 3, None, 1, 2, 3]


async def test_a_contact_that_leaves_a_large_group_hides_no_other():
    listing = Listing([0] * 70, page_base=0)
    walking = walk_over(listing)
    seen = [(await anext(walking)).id for _ in range(31)]

    listing.edit(seen[0])  # the rows behind it move up: one slips from page 2 to page 1
    seen += await ids_of(walking)

    assert set(range(1, 71)) <= set(seen)


async def test_a_large_group_is_read_in_pages_that_chance_cannot_repeat():
    listing = Listing([0] * 31, page_base=1)

    assert sorted(await ids_of(walk_over(listing, limit=2))) == list(range(1, 32))

    assert [limit for date, _, limit in listing.requests if date is None][:3] == [2, 30, 30]


async def test_a_large_group_at_the_end_of_a_server_that_includes_the_date_is_the_end():
    listing = Listing([0] * 70, inclusive=True, page_base=0)

    assert sorted(await ids_of(walk_over(listing))) == list(range(1, 71))

    assert len(listing.requests) < 15


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("page_base", [0, 1])
async def test_groups_that_end_with_their_pages_show_the_direction_all_the_same(
    newest_first, page_base
):
    ticks = [0] * 30 + [1] * 30 + [2] * 30
    listing = Listing(ticks, newest_first=newest_first, page_base=page_base)

    assert sorted(await ids_of(walk_over(listing))) == list(range(1, 91))


async def test_contacts_that_leave_a_large_group_in_every_pass_hide_no_other():
    listing = Listing([0] * 400, page_base=0, newest_first=False)
    fetch = listing.fetch

    async def while_others_write(date, page, limit):
        if page == 1:  # of those that the pass has read already, one leaves
            listing.edit(next(number for number, (tick, _) in listing.rows.items() if tick == 0))
        return await fetch(date, page, limit)

    listing.fetch = while_others_write

    given = await ids_of(walk_over(listing))

    assert set(given) == set(range(1, 401))


def edited_every(listing: Listing, seconds: float, *, answer_s: float) -> set[int]:
    """Edit contacts of the listing while it is read, and note which."""
    fetch, edited = listing.fetch, set()

    async def while_people_work(date, page, limit):
        await asyncio.sleep(answer_s)
        while len(edited) < now() / seconds:
            left = sorted(set(listing.rows) - edited)
            number = left[len(edited) * 7919 % len(left)]
            edited.add(number)
            listing.rows[number] = (1000 + int(now()), 2)
        return await fetch(date, page, limit)

    listing.fetch = while_people_work
    return edited


@pytest.mark.unmeasured
@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("newest_first", [False, True])
@jumping_time
async def test_a_large_import_is_walked_while_people_work(newest_first, inclusive):
    listing = Listing([0] * 3000, newest_first=newest_first, inclusive=inclusive)
    edited = edited_every(listing, 2, answer_s=0.1)

    given = await ids_of(walk_over(listing))

    assert set(range(1, 3001)) - edited <= set(given)
    assert edited
    assert len(listing.requests) < 350


@pytest.mark.parametrize("page_base", [0, 1])
@jumping_time
async def test_a_group_behind_pages_that_show_no_direction_is_confirmed_too(page_base):
    listing = Listing([1] * 30 + [0] * 100, page_base=page_base, mixes_ties=True)
    seen: set[int] = set()

    with contextlib.suppress(PaginationError):
        async for row in walk_over(listing):
            seen.add(row.id)
        assert seen == set(listing.rows)

    assert len(listing.requests) > 15  # the second group is read page by page, too


@pytest.mark.parametrize("answer", [0, 10, 29])
async def test_a_short_answer_to_a_larger_limit_is_not_the_end(answer):
    listing = Listing([0] * 150, page_base=None)

    async def fetch(date, page, limit):
        rows = await listing.fetch(date, page, None)
        return rows[:answer] if limit is not None else rows

    options = {"surface": "v1", "date": None, "limit": None, "cursor": None, "returns": Row}

    with pytest.raises(PaginationError, match="neither `page` nor a larger `limit`"):
        await ids_of(walk(fetch, CALL, **options))


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("page_base", [0, 1])
async def test_imports_in_batches_as_large_as_pages_are_not_read_as_one_group(
    page_base, newest_first, inclusive
):
    ticks = [batch for batch in range(20) for _ in range(100)]
    listing = Listing(ticks, newest_first=newest_first, inclusive=inclusive, page_base=page_base)
    walking = walk_over(listing, limit=100)
    longest = 0

    async for page in walking.pages():
        longest = max(longest, len(page.cursor))

    assert len(listing.requests) <= 20 * 7 + 5
    assert longest < 25_000  # a page and a group, not the whole account


@pytest.mark.parametrize("page_base", [0, 1])
async def test_who_is_pushed_behind_a_group_while_it_is_read_is_met_after_it(page_base):
    # The rows behind the group begin exactly with a page.
    listing = Listing([1] * 90 + [0] * 5, page_base=page_base)
    fetch = listing.fetch
    plan = {4 + page_base: 31, 6 + 2 * page_base: None, 8 + 2 * page_base: 4}

    async def while_others_write(date, page, limit):
        asked = len(listing.requests) + 1
        if asked in plan:
            number = plan[asked]
            if number is None:
                listing.rows[1000] = (50, 1)
            else:
                del listing.rows[number]
        return await fetch(date, page, limit)

    listing.fetch = while_others_write

    given = await ids_of(walk_over(listing))

    assert {number for number in range(1, 96) if number not in {31, 4}} <= set(given)


async def test_a_group_at_the_date_is_read_to_its_end_before_the_next_one():
    # A server that includes the rows at `date`, and pages of a few rows.
    listing = Listing([9, 8] + [7] * 45 + [6] * 45, inclusive=True)
    fetch = listing.fetch

    async def while_others_write(date, page, limit):
        if page == 2 and listing.rows.get(40):
            del listing.rows[40], listing.rows[41]  # two move from the second page to the first
        return await fetch(date, page, limit)

    listing.fetch = while_others_write

    given = await ids_of(walk_over(listing, limit=2))

    assert set(listing.rows) <= set(given)


@jumping_time
async def test_edits_that_come_faster_than_pages_are_waited_out():
    listing = Listing(list(range(500)), newest_first=False)
    edited = edited_every(listing, 0.02, answer_s=0.1)  # 50 a second share one `updated`
    fetch = listing.fetch

    async def for_a_while(date, page, limit):
        if len(edited) >= 400:
            return await Listing.fetch(listing, date, page, limit)
        return await fetch(date, page, limit)

    listing.fetch = for_a_while

    given = await ids_of(walk_over(listing))

    assert set(given) == set(range(1, 501))


@jumping_time
async def test_a_group_that_was_too_restless_is_read_when_it_is_resumed():
    listing = Listing([0] * 70, page_base=0, mixes_ties=True)
    with pytest.raises(PaginationError, match="Resume from the cursor") as raised:
        await ids_of(walk_over(listing))

    listing.mixes_ties = False
    rest = await ids_of(walk_over(listing, cursor=raised.value.cursor))

    assert set(rest) <= set(range(1, 71))
    assert raised.value.seen + len(rest) == 70


async def test_one_row_at_the_date_is_no_proof_that_the_server_includes_it():
    # Stored in milliseconds, shown in seconds; the row at 10.000 comes again, those behind do not.
    ticks = [20_000 - 10 * n for n in range(29)] + [19_000 + n for n in range(9, -1, -1)]
    ticks += [18_000 - 10 * n for n in range(40)]
    listing = Listing(ticks, digits=3, shown="cut", inclusive=True)

    assert sorted(await ids_of(walk_over(listing))) == sorted(listing.rows)


@pytest.mark.parametrize("shown", ["cut", "rounded"])
@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_server_that_hides_fractions_loses_no_contact(newest_first, inclusive, shown):
    # In each second, one row stands at its beginning, and the end of pages cuts the others.
    ticks = [1000 * second + part for second in range(40) for part in [0, *range(90, 990, 90)]]
    listing = Listing(ticks, digits=3, shown=shown, inclusive=inclusive, newest_first=newest_first)

    assert sorted(await ids_of(walk_over(listing))) == sorted(listing.rows)


async def test_a_contact_that_stands_twice_on_a_page_is_given_once():
    listing = Listing([2, 1, 0], doubled=frozenset({2}))

    assert await ids_of(walk_over(listing)) == [1, 2, 3]


@pytest.mark.parametrize("doubled", [{5}, {30}, {31}, {5, 29, 30, 31, 60}])
@pytest.mark.parametrize("page_base", [0, 1])
async def test_a_contact_that_stands_twice_in_a_large_group_is_given_once(doubled, page_base):
    listing = Listing([0] * 100, doubled=frozenset(doubled), page_base=page_base)

    assert sorted(await ids_of(walk_over(listing))) == sorted(listing.rows)


@pytest.mark.parametrize("earlier", range(20))
@jumping_time
async def test_two_contacts_that_change_places_at_the_end_of_a_page_hide_none(earlier):
    # All of one second, which the server shows without its fraction; two have the same fraction.
    ticks = [*range(29), 29, 29, *range(30, 45)]
    listing = Listing(ticks, digits=3, shown="cut", newest_first=False, page_base=0)
    listing.mixes_ties = True
    listing.requests = [(None, None, None)] * earlier  # the order depends on it

    assert sorted(await ids_of(walk_over(listing))) == sorted(listing.rows)


@jumping_time
async def test_pages_that_overlap_are_not_believed():
    rows = [Row(number, 1, "2026-04-12T15:30:00Z") for number in range(45)]

    async def fetch(date, page, limit):
        if date is not None:
            return []
        return rows[15:35] if page else rows[:30]

    with pytest.raises(PaginationError, match="changed places"):
        await ids_of(
            walk(fetch, CALL, surface="v1", date=None, limit=None, cursor=None, returns=Row)
        )


@jumping_time
async def test_ties_in_changing_order_without_pages_do_not_loop():
    listing = Listing([0] * 40, page_base=None, cap=30, mixes_ties=True)

    with pytest.raises(PaginationError, match="neither `page` nor a larger `limit`"):
        await ids_of(walk_over(listing))


def before(listing: Listing, request: int, act: Callable[[], object]) -> None:
    """Let something happen once, before the server answers this request of a walk."""
    answer, at = listing.fetch, len(listing.requests) + request

    async def fetch(date: str | None, page: int | None, limit: int | None) -> list[Row]:
        nonlocal at
        if len(listing.requests) == at:
            at = -1
            act()
        return await answer(date, page, limit)

    listing.fetch = fetch


def edit_before(listing: Listing, request: int, numbers: Iterable[int]) -> None:
    """Let others edit contacts before the server answers this request of a walk."""
    before(listing, request, lambda: [listing.edit(number) for number in numbers])


def delete_before(listing: Listing, request: int, numbers: Iterable[int]) -> None:
    """Let others delete contacts before the server answers this request of a walk."""
    before(listing, request, lambda: [listing.rows.pop(number) for number in numbers])


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("inclusive", [True, False])
@jumping_time
async def test_a_group_that_edits_made_smaller_is_read_without_pages(newest_first, inclusive):
    # The first page leaves the group then, and comes again in each pass.
    ticks = [50] * 40 + [tick if newest_first else 100 - tick for tick in range(20, 0, -1)]
    listing = Listing(ticks, newest_first=newest_first, inclusive=inclusive, page_base=None)
    edit_before(listing, 2, [*range(26, 41)])

    given = await ids_of(walk_over(listing))

    assert set(given) >= {*range(1, 26), *range(41, 61)}


@pytest.mark.parametrize("page_base", [0, 1])
@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("newest_first", [True, False])
@jumping_time
async def test_rows_are_not_lost_when_many_leave_a_group(newest_first, inclusive, page_base):
    """Those behind it move up, in an order of their own, to pages that were read already."""
    groups = enumerate([33, 28, 2, 28, 1])
    ticks = [9 - tick if newest_first else tick for tick, size in groups for _ in range(size)]
    complete = 0
    for earlier, request, edited in itertools.product(range(10), range(1, 6), (10, 35)):
        listing = Listing(
            ticks,
            newest_first=newest_first,
            inclusive=inclusive,
            page_base=page_base,
            mixes_ties=True,
            digits=3,  # all edits are of the second in which the group is
        )
        listing.requests = [(None, None, None)] * earlier  # the order depends on it
        edit_before(listing, request, [*range(1, edited + 1)])
        try:
            given = await ids_of(walk_over(listing))
        except PaginationError:
            continue
        complete += 1
        assert set(given) >= {*range(edited + 1, len(ticks) + 1)}, (earlier, request, edited)
    assert complete > 5


@pytest.mark.parametrize("mixes_ties", [False, True])
@pytest.mark.parametrize("page_base", [0, 1])
@pytest.mark.parametrize("newest_first", [True, False])
@jumping_time
async def test_rows_are_not_lost_when_many_leave_the_group_at_the_date(
    newest_first, page_base, mixes_ties
):
    """The walk cannot ask from a `date` behind the group, as it is at the group already."""
    groups = enumerate([29, 61, 20, 5])
    ticks = [9 - tick if newest_first else tick for tick, size in groups for _ in range(size)]
    for request, edited in itertools.product(range(2, 8), (10, 20, 30, 45)):
        listing = Listing(ticks, newest_first=newest_first, inclusive=True, page_base=page_base)
        listing.cap, listing.mixes_ties = 30, mixes_ties
        edit_before(listing, request, [*range(30, 30 + edited)])
        try:
            given = set(await ids_of(walk_over(listing)))
        except PaginationError:
            assert mixes_ties
            continue
        assert given >= {*range(1, 30), *range(30 + edited, 116)}, (request, edited)


@pytest.mark.parametrize("page_base", [0, 1])
@jumping_time
async def test_a_pass_is_not_believed_in_which_many_rows_come_in_before_the_group(page_base):
    for earlier, request in itertools.product(range(5), range(3, 7)):
        ticks = [100] * 60 + [*range(99, 19, -1)]
        listing = Listing(ticks, page_base=page_base, mixes_ties=True, digits=3)  # in one second
        listing.requests = [(None, None, None)] * earlier  # the order depends on it
        edit_before(listing, request, [*range(71, 141)])

        with contextlib.suppress(PaginationError):
            assert set(await ids_of(walk_over(listing))) >= {*range(1, 71)}, (earlier, request)


@jumping_time
async def test_rows_that_left_a_group_do_not_explain_others_that_are_hidden():
    # Of the rows on the last page, two move up while 12 others leave, in an order of their own.
    listing = Listing([0] * 40 + [1] * 28, inclusive=True, cap=31, over="half", mixes_ties=True)
    edit_before(listing, 6, [*range(2, 14)])
    given: list[int] = []

    with contextlib.suppress(PaginationError):
        given = await ids_of(walk_over(listing, limit=29))

    assert not given or set(given) >= {1, *range(14, 69)}


@pytest.mark.parametrize("request_number", range(1, 5))
@pytest.mark.parametrize("page_base", [0, 1])
@jumping_time
async def test_a_group_that_was_edited_as_a_whole_shows_no_order(page_base, request_number):
    ticks = [tick for tick, size in enumerate([31, 90, 5]) for _ in range(size)]
    listing = Listing(ticks, newest_first=False, page_base=page_base, cap=30)
    edit_before(listing, request_number, [*range(1, 32)])

    assert set(await ids_of(walk_over(listing))) == {*listing.rows}


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("page_base", [0, 1])
@jumping_time
async def test_deletions_pull_no_rows_past_a_walk_that_has_seen_one_timestamp(
    newest_first, page_base
):
    for first, second in itertools.combinations(range(2, 9), 2):
        ticks = [5] * 90 + [4 if newest_first else 6] * 3
        listing = Listing(ticks, newest_first=newest_first, page_base=page_base, cap=30)
        delete_before(listing, first, range(1, 61))
        delete_before(listing, second, range(61, 91))

        assert set(await ids_of(walk_over(listing, limit=30))) >= {91, 92, 93}, (first, second)


@jumping_time
async def test_a_wrong_first_page_is_noticed_after_a_walk_was_resumed_twice():
    for newest_first, edited, one in itertools.product([True, False], range(5, 8), range(6, 9)):
        ticks = [7 if newest_first else 3] * 3 + [5] * 100 + [4 if newest_first else 6] * 10
        listing = Listing(ticks, newest_first=newest_first, page_base=0, cap=30, digits=3)
        number = 100 if newest_first else 4
        edit_before(listing, edited, [number])
        failing = mock.Mock(side_effect=ServerError("answered 500", status=500))
        before(listing, one, failing)
        before(listing, one + 1, failing)
        growth = Growth(listing.fetch, PageSizes(), 1000)
        walking, given = walk_over(listing, first_page=1, growth=growth), set[int]()
        for _ in range(3):
            with contextlib.suppress(ServerError):
                async for row in walking:
                    given.add(row.id)
            walking = walk_over(listing, cursor=walking.cursor, growth=growth)

        assert given >= {*range(1, 114)} - {number}, (newest_first, edited, one)


@pytest.mark.parametrize("form", ["{}Z", "{}z", "{}+00:00"])
@pytest.mark.parametrize("separator", [" ", "t"])
@pytest.mark.parametrize("inclusive", [False, True])
async def test_timestamps_in_other_forms_are_walked_too(form, separator, inclusive):
    listing = Listing(list(range(95)), inclusive=inclusive)

    async def fetch(date, page, limit):
        date = date and f"{date[:19].replace(separator, 'T')}Z"
        rows = await listing.fetch(date, page, limit)
        return [
            msgspec.structs.replace(
                row, updated=form.format(row.updated[:19].replace("T", separator))
            )
            for row in rows
        ]

    walking = walk(fetch, CALL, surface="v1", date=None, limit=None, cursor=None, returns=Row)

    assert await ids_of(walking) == list(range(95, 0, -1))
    assert len(listing.requests) < 10


async def test_a_page_number_without_effect_makes_the_walk_ask_for_more_at_once():
    listing = Listing([0] * 70 + [1], page_base=None, newest_first=False)

    assert len(await ids_of(walk_over(listing))) == 71

    assert (None, None, 60) in listing.requests
    assert (None, None, 120) in listing.requests


async def test_a_group_that_cannot_be_read_whole_raises_with_a_cursor():
    listing = Listing([5] * 140, page_base=None, cap=100)
    walking = walk_over(listing)

    with pytest.raises(PaginationError, match="at least 100 rows share one timestamp") as raised:
        await ids_of(walking)

    assert raised.value.timestamp == "2026-04-12T15:30:05Z"
    assert raised.value.seen == 100
    assert raised.value.cursor == walking.cursor
    assert pickle.loads(pickle.dumps(raised.value)).cursor == walking.cursor


async def test_a_larger_limit_that_is_refused_ends_the_walk_with_a_cursor():
    listing = Listing([5] * 140, page_base=None)

    async def fetch(date, page, limit):
        if (limit or 30) > 50:
            raise BadRequestError("answered 400", status=400)
        return await listing.fetch(date, page, limit)

    walking = walk(fetch, CALL, surface="v1", date=None, limit=None, cursor=None, returns=Row)

    with pytest.raises(PaginationError, match="a larger `limit` is refused") as raised:
        await ids_of(walking)

    assert (raised.value.call, raised.value.seen) == (CALL, 30)
    assert raised.value.timestamp == "2026-04-12T15:30:05Z"
    assert raised.value.cursor == walking.cursor


async def test_a_refusal_in_the_middle_of_a_walk_stays_what_it_is():
    async def fetch(date, page, limit):
        raise BadRequestError("answered 400", status=400)

    with pytest.raises(BadRequestError):
        await ids_of(
            walk(fetch, CALL, surface="v1", date=None, limit=None, cursor=None, returns=Row)
        )


async def test_a_server_that_ignores_the_date_is_found_out():
    listing = Listing(list(range(60)))
    ignoring = walk(
        lambda _, page, limit: listing.fetch(None, page, limit), CALL,
        surface="v1", date=None, limit=None, cursor=None, returns=Row,
    )  # fmt: skip

    with pytest.raises(PaginationError, match="wrong side of its cursor"):
        await ids_of(ignoring)


@pytest.mark.parametrize("ticks", [[1, 3, 2], [3, 1, 2]])
async def test_a_page_that_is_not_sorted_raises(ticks):
    listing = Listing([])

    async def unsorted(date, page, limit):
        return [Row(n, 1, listing.text(tick)) for n, tick in enumerate(ticks)]

    with pytest.raises(PaginationError, match="not sorted by its timestamps, from id 2 on"):
        await ids_of(
            walk(unsorted, CALL, surface="v1", date=None, limit=None, cursor=None, returns=Row)
        )


NO_TIMES = [
    None,
    "",
    "yesterday",
    "2026-04-12T15:30:00",
    "0000-00-00T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "10000-01-01T00:00:00Z",
    "2026-06-30T23:59:60Z",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00.000Z",
]
IN_NO_CALENDAR = ["2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z"]


def walk_of(pages: dict[str | None, list], returns=Contact):
    asked = []

    async def fetch(date, page, limit):
        asked.append((date, page))
        return pages[date]

    options = {"surface": "v1", "date": None, "limit": None, "cursor": None, "returns": returns}
    return walk(fetch, CALL, **options), asked


@pytest.mark.parametrize("time", NO_TIMES + IN_NO_CALENDAR)
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_contact_that_cannot_be_placed_is_given_and_does_not_move_the_cursor(time, place):
    first = [Contact(id=1, rev=1, updated="2026-04-12T15:30:01Z")]
    last = [Contact(id=2, rev=1, updated="2026-04-12T15:30:00Z")]
    page = first + last
    page.insert(place, Contact(id=3, rev=1, updated=time))
    walking, asked = walk_of({None: page, "2026-04-12T15:30:00Z": page[2:] if place == 2 else []})

    came = await anext(walking.pages())
    rest = await ids_of(walking)

    assert [contact.id for contact in came] == [contact.id for contact in page]
    assert came.unplaced == (place,)
    assert rest == []
    assert [date for date, _ in asked] == [None, "2026-04-12T15:30:00Z"]


@pytest.mark.parametrize("returns", [Contact, msgspec.Raw])
async def test_a_contact_that_has_neither_time_nor_revision_is_given_once(returns):
    listing = Listing(list(range(90)), odd={61: ""})

    async def fetch(date, page, limit):
        rows = await listing.fetch(date, page, limit)
        fields = [{"id": row.id, "updated": row.updated} for row in rows]
        return msgspec.convert(fields, list[Contact]) if returns is Contact else raw(fields)

    options = {"surface": "v1", "date": None, "limit": None, "cursor": None, "returns": returns}
    given = [each async for page in walk(fetch, CALL, **options).pages() for each in page.rows.ids]

    assert sorted(given) == sorted(listing.rows)


def raw(fields: list[dict]) -> list[msgspec.Raw]:
    return [msgspec.Raw(msgspec.json.encode(each)) for each in fields]


async def test_a_page_without_a_contact_that_can_be_placed_names_one():
    page = [Contact(id=number, rev=1, updated="") for number in range(5, 35)]
    walking, _ = walk_of({None: page})

    with pytest.raises(PaginationError, match="the first has id 5") as raised:
        await ids_of(walking)

    assert raised.value.cursor == walking.cursor


async def test_an_element_that_is_no_contact_counts_towards_a_full_page():
    class Listed(list):
        left_out = 1

    listing = Listing([2] * 20 + [1] * 20)  # the end of the page cuts the second group

    async def fetch(date, page, limit):
        rows = await listing.fetch(date, page, limit)
        return Listed(rows[:-1]) if len(rows) == 30 else rows

    options = {"surface": "v1", "date": None, "limit": None, "cursor": None, "returns": Row}

    assert len(await ids_of(walk(fetch, CALL, **options))) >= 39


async def test_a_page_of_elements_that_are_no_contacts_is_not_the_end():
    class Listed(list):
        left_out = 30

    walking, _ = walk_of({None: Listed()})

    with pytest.raises(PaginationError, match="the first has no `id`"):
        await ids_of(walking)


@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_page_of_a_group_may_have_no_contact_with_a_time(newest_first):
    odd = dict.fromkeys(range(31, 61), "")
    listing = Listing([5] * 90, newest_first=newest_first, odd=odd)

    assert sorted(await ids_of(walk_over(listing))) == sorted(listing.rows)


@pytest.mark.parametrize("is_resumed", [False, True])
@pytest.mark.parametrize(
    ("ticks", "odd", "newest_first"),
    [
        ([5] * 59 + [9] * 3, 60, False),
        ([5] * 59 + [9] * 40, 60, False),
        ([5] * 3 + [9] * 59, 3, True),
    ],
)
async def test_a_contact_without_a_time_may_end_a_page_of_a_group_that_is_not_its_own(
    ticks, odd, newest_first, is_resumed
):
    listing = Listing(ticks, newest_first=newest_first, inclusive=True, odd={odd: ""})
    walking = walk_over(listing, limit=29)
    given = []

    while page := await anext(walking.pages(), None):
        given += [row.id for row in page]
        if is_resumed:
            walking = walk_over(listing, cursor=page.cursor)

    assert sorted(given) == sorted(listing.rows)


async def test_a_page_of_a_day_that_is_in_no_calendar_is_no_group():
    odd = dict.fromkeys(range(1, 41), "2026-02-30T00:00:00Z")
    listing = Listing([5] * 40 + [9] * 5, newest_first=False, odd=odd)

    with pytest.raises(PaginationError, match="no row of a page has a timestamp"):
        await ids_of(walk_over(listing))


async def test_a_page_of_a_day_that_is_in_no_calendar_may_follow_one_that_can_be_placed():
    odd = dict.fromkeys(range(1, 41), "2026-02-30T00:00:00Z")
    listing = Listing([5] * 40 + [9] * 5, newest_first=True, odd=odd)

    given = await ids_of(walk_over(listing))

    assert len(given) == 45
    assert sorted(given) == sorted(listing.rows)


DAY_IN_NO_CALENDAR = "2026-02-30T00:00:00Z"
LISTINGS = [
    ([5] * 40 + [9] * 5, range(1, 41), {}),
    ([0, 0, 0], [2], {}),
    ([7, 1, 5, 7, 7, 7, 3], [4], {}),
    ([1, 6, 2, 0, 0, 1], [1, 2, 4, 5], {"inclusive": True}),
    ([2, 4, 1, 1, 1], [3], {"inclusive": True, "newest_first": False}),
]
SMALL = ([1, 3, 1], [2, 3], {"inclusive": True})


@pytest.mark.parametrize(
    ("ticks", "odd", "server", "limit"),
    [
        *((*listing, limit) for listing in LISTINGS for limit in (2, 3, 4, None)),
        *((*SMALL, limit) for limit in (3, 4, None)),
    ],
)
async def test_a_day_that_is_in_no_calendar_hides_no_contact(ticks, odd, server, limit):
    listing = Listing(ticks, odd=dict.fromkeys(odd, DAY_IN_NO_CALENDAR), page_base=0, **server)

    given = await ids_of(walk_over(listing, limit=limit))

    assert sorted(given) == sorted(listing.rows)


async def test_a_small_page_of_a_day_that_is_in_no_calendar_names_a_contact():
    ticks, odd, server = SMALL
    listing = Listing(ticks, odd=dict.fromkeys(odd, DAY_IN_NO_CALENDAR), page_base=0, **server)

    with pytest.raises(PaginationError, match=r"no row of a page .* the first has id 2"):
        await ids_of(walk_over(listing, limit=2))


async def test_contacts_that_cannot_be_placed_may_be_all_there_is():
    walking, asked = walk_of({None: [Contact(id=5, rev=1), Contact(rev=1)]})

    assert await ids_of(walking) == [5, None]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("row", "number"),
    [
        (b'{"id":5,"rev":1.5,"updated":"2026-04-12T15:30:00Z"}', 5),
        (b'{"id":"5","rev":"x","updated":17}', 5),
        (b'{"id":5,"rev":9223372036854775808,"updated":null}', 5),
        (b'{"id":5,"rev":1,"updated":"2026-04-12T15:30:00Z","first":"\\ud83d"}', 5),
        (
            b'{"id":9223372036854775808,"updated":"2026-04-12T15:30:00Z"}',
            -4_981_065_854_678_742_626,
        ),
        (b'{"id":null,"updated":"2026-04-12T15:30:00Z"}', None),
        (b"null", None),
    ],
)
async def test_an_odd_row_is_given_as_it_came(row, number):
    usual = b'{"id":1,"rev":1,"updated":"2026-04-12T15:30:00Z"}'
    rows = [msgspec.Raw(usual), msgspec.Raw(row)]
    walking, _ = walk_of({None: rows, "2026-04-12T15:30:00Z": rows}, returns=msgspec.Raw)

    page = await anext(walking.pages())

    assert [bytes(each) for each in page] == [usual, row]
    assert page.rows.ids[0] == 1
    assert page.rows.ids[1] == number or (number is None and page.rows.ids[1] < 0)
    assert await anext(walking, None) is None


async def test_a_contact_without_a_revision_is_given_once():
    async def fetch(date, page, limit):
        return [Contact(id=1, updated="2026-04-12T15:30:00Z")]

    walking = walk(fetch, CALL, surface="v1", date=None, limit=None, cursor=None, returns=Contact)

    assert await ids_of(walking) == [1]


async def test_raw_rows_are_walked_by_their_own_timestamps():
    listing = Listing(list(range(70)))

    async def fetch(date, page, limit):
        rows = await listing.fetch(date, page, limit)
        return [msgspec.Raw(msgspec.json.encode(row)) for row in rows]

    walking = walk(
        fetch, CALL, surface="v1", date=None, limit=None, cursor=None, returns=msgspec.Raw
    )
    ids = [msgspec.json.decode(raw)["id"] async for raw in walking]

    assert ids == list(range(70, 0, -1))


async def test_every_page_has_a_cursor_to_resume_from():
    listing = Listing([tick // 7 for tick in range(200)])
    whole = await ids_of(walk_over(listing))
    given: list[int] = []

    async for page in walk_over(listing).pages():
        given += [row.id for row in page]
        assert len(page) == len(page.items) > 0
        rest = await ids_of(walk_over(listing, cursor=page.cursor))
        assert given + rest == whole


async def test_an_older_cursor_of_a_large_group_still_gives_its_rest():
    listing = Listing([0] * 100)
    walking = walk_over(listing)
    pages = [page async for page in walking.pages()]

    rest = await ids_of(walk_over(listing, cursor=pages[0].cursor))

    assert sorted(rest) == sorted(row.id for page in pages[1:] for row in page)


async def test_a_walk_may_change_between_contacts_and_pages():
    listing = Listing(list(range(50)))
    walking = walk_over(listing)
    first = [(await anext(walking)).id for _ in range(10)]

    rest = [row.id async for page in walking.pages() for row in page]

    assert first + rest == list(range(50, 0, -1))


async def test_the_cursor_of_a_complete_walk_has_nothing_more_to_give():
    listing = Listing(list(range(50)))
    walking = walk_over(listing)
    await ids_of(walking)
    asked = len(listing.requests)

    assert await ids_of(walk_over(listing, cursor=walking.cursor)) == []
    assert await ids_of(walking) == []

    assert len(listing.requests) == asked


async def test_an_error_during_a_walk_has_a_cursor_to_resume_from():
    listing = Listing(list(range(100)))
    walking = walk(
        failing := Failing(listing, at_request=3), CALL,
        surface="v1", date=None, limit=None, cursor=None, returns=Row,
    )  # fmt: skip
    given: list[int] = []

    with pytest.raises(ServerError) as raised:
        async for row in walking:
            given.append(row.id)  # noqa: PERF401 - what came before the error counts
    rest = await ids_of(walk_over(listing, cursor=raised.value.cursor))

    assert failing.asked == 3
    assert given + rest == list(range(100, 0, -1))


async def test_a_walk_that_raised_can_be_asked_again():
    listing = Listing(list(range(100)))
    walking = walk(
        Failing(listing, at_request=2), CALL,
        surface="v1", date=None, limit=None, cursor=None, returns=Row,
    )  # fmt: skip
    first = [(await anext(walking)).id for _ in range(30)]
    with pytest.raises(ServerError):
        await anext(walking)

    assert first + await ids_of(walking) == list(range(100, 0, -1))


class Failing:
    def __init__(self, listing: Listing, at_request: int) -> None:
        self.listing, self.at_request, self.asked = listing, at_request, 0

    async def __call__(self, date, page, limit):
        self.asked += 1
        if self.asked == self.at_request:
            raise ServerError("answered 500", status=500)
        return await self.listing.fetch(date, page, limit)


async def test_a_closed_walk_does_not_pass_for_a_complete_one():
    async with walk_over(Listing(list(range(50)))) as walking:
        await anext(walking)

    with pytest.raises(ClientStateError, match="walk is closed"):
        await anext(walking)
    with pytest.raises(ClientStateError, match="walk is closed"):
        await anext(walking.pages())


@pytest.mark.parametrize("taken", [0, 5, 30, 31, 50])
async def test_the_cursor_of_a_closed_walk_gives_exactly_the_rest(taken):
    listing = Listing(list(range(50)))
    async with walk_over(listing) as walking:
        first = [(await anext(walking)).id for _ in range(taken)]
        inside = walking.cursor

    assert walking.cursor == inside
    assert first + await ids_of(walk_over(listing, cursor=inside)) == list(range(50, 0, -1))
    if taken < 50:
        with pytest.raises(ClientStateError) as raised:
            await anext(walking)
        assert raised.value.cursor == inside


async def test_a_complete_walk_stays_complete_when_it_is_closed():
    async with walk_over(Listing([1])) as walking:
        assert len(await ids_of(walking)) == 1

    assert await anext(walking, None) is None


async def test_a_walk_and_its_pages_say_how_far_they_are():
    walking = walk_over(Listing(list(range(50))))
    shown = [repr(walking)]

    shown += [(await anext(walking), repr(walking))[1] for _ in range(2)]
    page = await anext(walking.pages())
    await ids_of(walking)

    assert shown == [f"<Walk by {CALL}: {given} given, under way>" for given in range(3)]
    assert repr(page) == "<Page of 28>"
    assert repr(walking) == f"<Walk by {CALL}: 50 given, complete>"


async def test_two_tasks_cannot_advance_one_walk():
    waiting = asyncio.Event()

    async def fetch(date, page, limit):
        await waiting.wait()
        return []

    walking = walk(fetch, CALL, surface="v1", date=None, limit=None, cursor=None, returns=Row)
    first = asyncio.ensure_future(ids_of(walking))
    await asyncio.sleep(0)

    with pytest.raises(ClientStateError, match="another task"):
        await anext(walking)
    waiting.set()
    assert await first == []


@pytest.mark.unmeasured
async def test_memory_is_a_page_and_a_group():
    listing = Listing([tick // 40 for tick in range(4000)])
    walking = walk_over(listing)

    async for _ in walking:
        at = walking._next
        passes = [at.group.passed, at.group.before] if at.group else []
        assert at.given.size <= 30 + 40
        assert all(each is None or each.size <= 30 + 40 for each in passes)
        assert len(walking._page) <= 30


async def test_a_cursor_in_the_middle_of_a_page_ignores_changes_by_the_caller():
    class Own(msgspec.Struct):
        id: int
        rev: int
        updated: str

    came = [Own(each, 1, f"2026-04-12T15:30:0{each}Z") for each in (1, 2, 3)]
    walking = walk(
        lambda *_: asyncio.sleep(0, list(came)),
        "x",
        surface="v1",
        date=None,
        limit=3,
        cursor=None,
        returns=Own,
    )
    async for contact in walking:
        contact.rev = 99
        break

    assert msgspec.json.decode(walking.cursor)["given"] == [[1, 1, "2026-04-12T15:30:01Z"]]


async def test_a_walk_may_start_at_a_time():
    listing = Listing(list(range(100)), newest_first=False)
    start = datetime(2026, 4, 12, 15, 31, tzinfo=UTC)

    assert await ids_of(walk_over(listing, date=start)) == list(range(62, 101))

    assert listing.requests[0][0] == "2026-04-12T15:31:00Z"


@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_walk_that_starts_at_a_time_learns_the_order_from_its_first_page(newest_first):
    listing = Listing([0] * 60 + [9] * 60, newest_first=newest_first)
    start = listing.text(5)

    rest = range(1, 61) if newest_first else range(61, 121)
    assert sorted(await ids_of(walk_over(listing, date=start))) == list(rest)


async def test_a_limit_given_with_a_cursor_is_used_from_there_on():
    listing = Listing(list(range(100)))
    walking = walk_over(listing, limit=10)
    await anext(walking.pages())

    await ids_of(walk_over(listing, cursor=walking.cursor, limit=50))

    assert [limit for _, _, limit in listing.requests][:2] == [10, 50]


CURSOR = cursors.start("v1").text


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"limit": 0}, "limit"),
        ({"date": datetime(2026, 4, 12)}, "date must be an aware datetime"),  # noqa: DTZ001
        ({"date": "2026-04-12"}, "date must be an RFC 3339"),
        ({"date": "2026-04-12T00:00:00Z", "cursor": CURSOR}, "exclude each other"),
        ({"cursor": ""}, "text of a walk's"),
        ({"cursor": "{}"}, "text of a walk's"),
        ({"cursor": '{"other":' + "[" * 9000 + "]" * 9000 + "}"}, "text of a walk's"),
        ({"cursor": CURSOR.replace("v1", "v2")}, "surface 'v2'"),
        ({"cursor": CURSOR.replace('"version":1', '"version":2')}, "version 2"),
        ({"cursor": 5}, "text of a walk's"),
        ({"cursor": CURSOR.replace('"limit":null', '"limit":-3')}, "text of a walk's"),
        ({"cursor": CURSOR.replace('"date":null', '"date":"x"')}, "text of a walk's"),
        ({"cursor": CURSOR.replace('"limit":null', '"limit":"x"')}, "text of a walk's"),
        ({"limit": "10"}, "limit must be an integer"),
        ({"returns": dict}, "returns"),
        ({"returns": None}, "returns"),
        (
            {"returns": msgspec.defstruct("T", [("id", int), ("rev", int), ("updated", datetime)])},
            "updated as text",
        ),
        ({"returns": msgspec.defstruct("Half", [("id", int)])}, "returns"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_asked(options, problem):
    with pytest.raises(ValueError, match=problem):
        walk_over(Listing([]), **options)


def test_a_cursor_survives_being_stored():
    listing = Listing([0] * 100)
    walking = walk_over(listing)
    asyncio.run(ids_until(walking, 45))

    text = walking.cursor

    assert cursors.read(text, surface="v1").text == text


async def ids_until(walking: Walk[Row], count: int) -> list[int]:
    return [(await anext(walking)).id for _ in range(count)]


def test_two_walks_from_one_cursor_do_not_share_their_rows():
    root = cursors.Seen([((1, 1), "a")])

    one, other = root.with_more([((2, 1), "b")]), root.with_more([((3, 1), "c")])

    assert dict(root.items()) == {(1, 1): "a"}
    assert dict(one.items()) == {(1, 1): "a", (2, 1): "b"}
    assert dict(other.items()) == {(1, 1): "a", (3, 1): "c"}

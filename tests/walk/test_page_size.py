"""The size of a walk's pages: how it grows, and which answers are believed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from itertools import repeat

import pytest
from msgspec.structs import replace

from heymarket_async import (
    AuthenticationError,
    BadRequestError,
    ClientStateError,
    ConnectError,
    DecodeError,
    HeymarketError,
    NoResponseError,
    PaginationError,
    RateLimitError,
    ServerError,
)
from heymarket_async.walk.cursor import new_ties
from heymarket_async.walk.page_size import GroupPages, PageSizes
from tests.walk.listing import ANSWERS, Listing
from tests.walk.walking import walk_over


async def limits_of(listing: Listing, **options) -> list[int | None]:
    """Walk over all contacts, and return the limits that were asked for."""
    listing.requests.clear()
    ids = [row.id async for row in walk_over(listing, **options)]
    assert sorted(ids) == sorted(listing.rows)
    return [limit for _, _, limit in listing.requests]


class Failing(Listing):
    """A list that fails on certain requests: `error(limit)` returns how, or None."""

    error: Callable[[int | None], HeymarketError | None]

    async def fetch(self, date, page, limit):
        if (error := self.error(limit)) is not None:
            self.requests.append((date, page, limit))
            raise error
        return await super().fetch(date, page, limit)


def failing(error, *, times: int, above: int = 30, contacts: int = 900) -> Failing:
    """A list that fails for this often if more is asked for."""
    listing, errors = Failing(list(range(contacts)), cap=1000), repeat(error, times)
    listing.error = lambda limit: next(errors, None) if (limit or 30) > above else None
    return listing


async def test_pages_grow_while_they_come_full_and_the_end_is_asked_for_without_a_limit():
    limits = await limits_of(Listing(list(range(4000)), cap=1000))

    assert limits == [None, 100, 200, 400, 800, *[1000] * 3, None, None]


@pytest.mark.parametrize(
    ("most", "sizes"),
    [(1000, [None, 100, 200, 400, 800, 1000, 1000]), (150, [None, 100, 150, 150]), (30, [None])],
)
async def test_no_page_is_larger_than_the_largest_that_is_allowed(most, sizes):
    limits = await limits_of(Listing(list(range(4000)), cap=1000), most=most)

    assert limits[: len(sizes)] == sizes
    assert set(limits) == set(sizes)


async def test_a_largest_page_below_the_default_is_asked_for():
    assert set(await limits_of(Listing(list(range(40))), most=7)) == {7}


@pytest.mark.parametrize("contacts", [0, 1, 29])
async def test_a_list_shorter_than_a_page_is_walked_as_in_the_guide(contacts):
    assert await limits_of(Listing(list(range(contacts)))) == [None, None][: contacts + 1]


@pytest.mark.parametrize(("newest_first", "inclusive"), [(True, False), (False, True)])
@pytest.mark.parametrize("cap", [1000, 100, 50, 30])
@pytest.mark.parametrize("contacts", [0, 1, 25, 29, 30, 31, 99, 100, 101, 1000, 5000])
async def test_an_account_of_any_size_is_walked_whole(contacts, cap, newest_first, inclusive):
    ticks = [number // 3 for number in range(contacts)]
    listing = Listing(ticks, cap=cap, newest_first=newest_first, inclusive=inclusive)

    limits = await limits_of(listing)

    plain = contacts / min(cap, 1000)
    assert len(limits) <= 1.2 * plain + 8


@pytest.mark.parametrize(("cap", "most"), [(1000, 18), (100, 105)])
async def test_ten_thousand_contacts_take_few_requests(cap, most):
    assert len(await limits_of(Listing(list(range(10_000)), cap=cap))) <= most


@pytest.mark.parametrize("over", ANSWERS)
async def test_a_walk_goes_back_to_the_best_limit_whatever_a_larger_one_gets(over):
    listing, sizes = Listing(list(range(2000)), cap=250, over=over), PageSizes()

    first = await limits_of(listing, sizes=sizes)
    second = await limits_of(listing, sizes=sizes)

    best = {"cut": 250}.get(over, 200)
    assert first[:4] == [None, 100, 200, 400]
    assert len(first) <= 4 + 2000 / (best - 1) + 5
    assert second[:2] == [None, best]
    assert set(second) == {None, best}


@pytest.mark.parametrize("over", ANSWERS)
async def test_a_limit_that_does_not_pay_is_tried_once(over):
    listing, sizes = Listing(list(range(400)), cap=30, over=over), PageSizes()

    limits = [limit for _ in range(3) for limit in await limits_of(listing, sizes=sizes)]

    # The errors of a server may be chance: so such a limit is tried once more.
    tried = {"500": [100, 100], "late": [100, 100], "half": [100, 50]}.get(over, [100])
    assert [limit for limit in limits if limit is not None] == tried


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (BadRequestError(status=400), 1),
        (DecodeError(), 1),
        (ServerError(status=500), 2),
        (NoResponseError(), 2),
        (DecodeError(is_garbled=True), 2),
    ],
)
async def test_a_limit_that_is_refused_is_never_asked_for_again(error, tries):
    listing, sizes = failing(error, times=1000, above=100), PageSizes()

    limits = await limits_of(listing, sizes=sizes) + await limits_of(listing, sizes=sizes)

    assert [limit for limit in limits if (limit or 30) > 100] == [200] * tries


@pytest.mark.parametrize(
    "error", [ServerError(status=503), NoResponseError(), DecodeError(is_garbled=True)], ids=repr
)
async def test_a_failure_that_was_chance_costs_one_request(error):
    limits = await limits_of(failing(error, times=1))

    assert limits[:5] == [None, 100, None, 100, 200]


@pytest.mark.parametrize(
    "error",
    [RateLimitError(status=429), ConnectError(), AuthenticationError(status=401)],
    ids=repr,
)
async def test_a_failure_for_another_reason_says_nothing_about_the_limit(error):
    limits = await limits_of(failing(error, times=3))

    assert limits[:9] == [None, 100, None, 100, None, 100, None, 100, 200]


@pytest.mark.parametrize("error", [ClientStateError("closed"), RuntimeError("own")])
async def test_an_error_that_no_smaller_limit_can_help_ends_the_walk(error):
    listing = failing(error, times=1)

    with pytest.raises(type(error)):
        await limits_of(listing)

    assert [limit for _, _, limit in listing.requests] == [None, 100]


@pytest.mark.parametrize("error", [ServerError(status=500), RateLimitError(status=429)], ids=repr)
async def test_a_limit_that_has_come_before_and_fails_for_another_reason_ends_the_walk(error):
    listing = failing(BadRequestError(status=400), times=1, above=100)  # 100 is the best
    walking = walk_over(listing)
    for _ in range(3):
        await anext(walking.pages())
    listing.error = lambda limit: error if limit else None

    with pytest.raises(type(error)):
        await anext(walking.pages())

    listing.error = lambda _: None
    rest = [row async for row in walk_over(listing, cursor=walking.cursor)]
    assert len(rest) == 900 - 30 - 99 - 99


@pytest.mark.parametrize("over", ["cut", "half", "default", "empty", "400", "too large"])
@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_limit_that_comes_no_more_ends_no_walk(over, newest_first):
    listing, sizes = Listing(list(range(3000)), cap=1000, newest_first=newest_first), PageSizes()
    listing.changes = {6: (100, over)}

    amid = await limits_of(listing, sizes=sizes)
    sizes.best, sizes.refused = 1000, None  # as if the server had changed between two walks
    later = await limits_of(listing, sizes=sizes)

    assert max(len(amid), len(later)) <= 3000 / 99 + 9
    assert sizes.best == 100


async def test_no_limit_is_believed_that_brings_a_part_of_what_is_asked():
    listing = Listing([number // 20 for number in range(900)], cap=30, over="half")

    limits = await limits_of(listing)

    assert limits[:5] == [None, 100, None, 50, None]
    assert set(limits[5:]) == {None}


async def test_a_fixed_limit_that_is_refused_ends_the_walk():
    listing = Listing(list(range(3000)), over="400")

    with pytest.raises(BadRequestError):
        await limits_of(listing, limit=1000)

    assert len(listing.requests) == 1


async def test_a_fixed_limit_stays_while_its_pages_come_full():
    limits = await limits_of(Listing(list(range(3000)), cap=1000), limit=300)

    assert limits == [*[300] * 10, 300, None, None]


async def test_an_empty_answer_to_a_fixed_limit_is_not_the_end():
    listing, sizes = Listing(list(range(300)), over="empty"), PageSizes()

    limits = await limits_of(listing, limit=1000, sizes=sizes)

    assert limits[:2] == [1000, None]
    assert 1000 not in limits[1:], "it was no chance"
    assert sizes.refused == 200
    assert limits[2:5] == [100, 200, None]


@pytest.mark.parametrize("contacts", [0, 5, 29])
async def test_a_short_page_of_a_fixed_limit_is_confirmed_once(contacts):
    sizes = PageSizes()

    limits = await limits_of(Listing(list(range(contacts))), limit=50, sizes=sizes)

    assert limits == [50, None, None][: 3 if contacts else 2]
    assert sizes == PageSizes(), "the list may end there"


async def test_the_end_of_a_list_does_not_stop_later_walks_from_growing():
    short, long, sizes = Listing(list(range(170))), Listing(list(range(900)), cap=1000), PageSizes()
    await limits_of(short, sizes=sizes)

    assert 400 in await limits_of(long, sizes=sizes)


@pytest.mark.parametrize("over", ANSWERS)
async def test_a_large_group_is_read_with_the_best_limit(over):
    listing = Listing([0] * 1500, cap=250, over=over)

    await limits_of(listing)

    grouped = [limit for _, page, limit in listing.requests if page is not None]
    assert len(set(grouped) - {None}) == 1, "page numbers depend on it"
    assert 1 <= grouped.count(None) <= 4, "only the end is asked for without a limit"
    assert len(listing.requests) <= 6 + 2 * 1500 / 200 + 9


async def test_a_group_that_fits_a_larger_page_is_no_large_group():
    listing = Listing([0] * 10 + [1] * 700 + [2] * 10, cap=1000)

    await limits_of(listing)

    assert all(page is None for _, page, _ in listing.requests)


async def test_a_limit_that_another_walk_saw_refused_is_not_tried():
    listing, sizes = Listing(list(range(900)), over="400"), PageSizes()
    walking = walk_over(listing, sizes=sizes)
    for _ in range(2):  # the next page would have 200
        await anext(walking.pages())
    await limits_of(listing, sizes=sizes)

    rest = [len(page) async for page in walking.pages()]

    assert sum(rest) == 900 - 30 - 99
    assert listing.requests.count((None, None, 200)) == 0
    assert max(limit or 30 for _, _, limit in listing.requests[-len(rest) :]) == 100


async def test_a_cursor_of_a_walk_that_grows_fixes_no_limit():
    walking = walk_over(Listing(list(range(3000)), cap=1000))
    for _ in range(4):
        await anext(walking.pages())

    assert json.loads(walking.cursor)["limit"] is None


@pytest.mark.parametrize("over", ANSWERS)
async def test_a_limit_that_an_earlier_run_came_to_is_a_try(over):
    # This server gave 800 then, and now gives 100.
    listing, sizes = Listing(list(range(500)), over=over), PageSizes(best=800)

    limits = await limits_of(listing, sizes=sizes)

    assert limits[:2] == [None, 800]
    assert limits.count(800) == (2 if over in {"500", "late"} else 1)


@pytest.mark.parametrize("over", ANSWERS)
@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("amid", range(4, 11))
async def test_a_group_whose_pages_come_no_more_is_begun_again(over, newest_first, amid):
    listing = Listing([0] * 700 + [1] * 40, cap=200, newest_first=newest_first)
    listing.changes = {amid: (60, over)}
    walking, ids = walk_over(listing, most=200), []

    for _ in range(2):
        # Outside of a group, a limit that has come before and now fails ends the walk.
        with contextlib.suppress(ServerError, NoResponseError):
            async for page in walking.pages():
                ids += [row.id for row in page]
        walking = walk_over(listing, cursor=walking.cursor)

    assert sorted(ids) == sorted(listing.rows)
    assert {limit for _, page, limit in listing.requests if page is not None} >= {200, None}


@pytest.mark.parametrize("over", ANSWERS)
@pytest.mark.parametrize("pages", [1, 2, 3])
async def test_a_group_is_begun_again_from_a_stored_cursor(over, pages):
    listing = Listing([0] * 700, cap=200)
    walking, given = walk_over(listing, most=200), []
    for _ in range(3 + pages):
        page = await anext(walking.pages())
        given += [row.id for row in page]
    assert page.is_amid_group

    listing.cap, listing.over = 60, over
    rest = [row.id async for row in walk_over(listing, cursor=page.cursor)]

    assert sorted(given + rest) == sorted(listing.rows)


async def test_a_group_is_begun_again_only_once():
    listing = Listing([0] * 900, cap=200, page_base=None, over="400")

    with pytest.raises(PaginationError, match="`page` has no effect"):
        await limits_of(listing)

    assert len(listing.requests) < 30


async def test_a_page_of_a_group_that_fails_for_another_reason_ends_the_walk():
    listing = Failing([0] * 3000, cap=1000)
    listing.error = lambda _: RateLimitError(status=429) if len(listing.requests) == 9 else None

    with pytest.raises(RateLimitError) as raised:
        await limits_of(listing)

    assert json.loads(raised.value.cursor)["group"]["limit"] == 1000


@pytest.mark.parametrize(
    ("group", "count", "is_doubted"),
    [
        ({}, 1000, False),
        ({}, 29, True),
        ({}, 200, True),
        ({"is_down": True}, 200, True),
        ({"is_down": True}, 1000, False),
        ({"limit": 30}, 0, False),
        ({"wide": True}, 0, False),
    ],
)
def test_a_page_of_a_group_is_doubted_if_it_has_fewer_contacts_than_others(
    group, count, is_doubted
):
    pages = GroupPages(30)
    pages.note(1000, 1000)
    at = replace(new_ties("2026-04-12T15:30:00Z", 3, 1000), **group)

    assert pages.is_doubted(at, count, leaves=False) is is_doubted


@pytest.mark.parametrize(
    ("group", "end"),
    [
        ({}, (100, 5)),
        ({"from_one": True}, (67, 25)),
        ({"is_down": True}, None),
        ({"shows": "2026-04-12T15:30:01Z"}, None),
        ({"limit": 900}, None),
    ],
)
def test_the_end_of_a_group_is_at_the_same_place_in_pages_without_a_limit(group, end):
    pages = GroupPages(30)
    pages.note(1000, 1000)

    assert pages.end(replace(new_ties("2026-04-12T15:30:00Z", 3, 1000), **group), 5) == end

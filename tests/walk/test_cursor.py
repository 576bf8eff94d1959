"""Cursors as text: the ones that earlier versions stored are still read."""

from __future__ import annotations

import asyncio
import json
import re
from itertools import chain, repeat
from pathlib import Path

import pytest

from heymarket_async.walk import cursor as cursors
from heymarket_async.walk.page_size import PageSizes
from heymarket_async.walk.walk import Growth, Walk, walk
from tests.walk.listing import Listing, Row

# Written by version 0.1.0, with its next steps: the ids that it gave, and its requests.
# `ticks` are pairs of a tick and how many rows have it.
STORED = [
    json.loads(line)
    for line in (Path(__file__).parent / "stored_cursors.jsonl").read_text().splitlines()
]


def server(stored: dict) -> Listing:
    ticks = chain.from_iterable(repeat(*pair) for pair in stored["server"]["ticks"])
    return Listing(**{**stored["server"], "ticks": list(ticks)})


def resumed(listing: Listing, cursor: str) -> Walk[Row]:
    return walk(listing.fetch, "x", surface="v1", date=None, limit=None, cursor=cursor, returns=Row)


async def rest_of(listing: Listing, cursor: str) -> list[int]:
    return [row.id async for row in resumed(listing, cursor)]


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: stored["state"])
async def test_a_stored_cursor_is_resumed_as_the_version_that_wrote_it_would(stored):
    listing = server(stored)

    assert await rest_of(listing, stored["cursor"]) == stored["rest"]

    assert [list(request) for request in listing.requests] == stored["requests"]


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: stored["state"])
async def test_a_stored_cursor_is_resumed_by_a_walk_that_finds_out_the_size_of_pages(stored):
    listing = server(stored)
    walking = walk(
        listing.fetch, "x", surface="v1", date=None, limit=None, cursor=stored["cursor"],
        returns=Row, growth=Growth(listing.fetch, PageSizes(), 1000),
    )  # fmt: skip

    assert sorted([row.id async for row in walking]) == sorted(stored["rest"])


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: stored["state"])
def test_a_stored_cursor_is_written_as_it_was(stored):
    text = cursors.read(stored["cursor"], surface="v1").text

    assert text == re.sub(r'"passes":\d+', '"passes":0', stored["cursor"])


ADDED_LATER = ("from_one", "brings_new", "is_mixed", "last", "shows", "is_down", "then", "behind")


@pytest.mark.parametrize("stored", [each for each in STORED if "before" in each["state"]])
async def test_a_cursor_of_an_older_version_is_read_too(stored):
    at = json.loads(stored["cursor"])
    del at["back"], at["group"]["back"]
    for name in ADDED_LATER:
        del at["group"][name]
    at["group"]["repeated"] = True

    read = cursors.read(json.dumps(at), surface="v1")

    assert read.group
    assert (read.back, read.group.last, read.group.repeats) == (None, None, 1)
    rest = await rest_of(server(stored), json.dumps(at))
    assert sorted(rest) == sorted(stored["rest"])


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: stored["state"])
async def test_a_cursor_without_revisions_is_resumed_on_a_server_that_shows_none(stored):
    at = json.loads(stored["cursor"])
    lists = [at["given"]]
    if at["group"]:
        lists += [at["group"]["passed"], at["group"]["before"] or []]
    for row in chain.from_iterable(lists):
        row[1] = None
    listing = server(stored)
    listing.shows_rev = False

    assert await rest_of(listing, json.dumps(at)) == stored["rest"]


REQUIRED = ["limit", "date", "given", "inclusive", "ascending", "group", "done"]
REQUIRED_OF_GROUP = ["updated", "page", "limit", "wide", "passed", "repeated", "before", "passes"]


@pytest.mark.parametrize("name", [*REQUIRED, *(f"group.{name}" for name in REQUIRED_OF_GROUP)])
def test_a_key_that_is_missing_does_not_become_a_default(name):
    stored = next(each for each in STORED if "before" in each["state"])
    at = json.loads(stored["cursor"])
    *in_group, key = name.split(".")
    del (at["group"] if in_group else at)[key]

    with pytest.raises(ValueError, match="text of a walk's `cursor`"):
        cursors.read(json.dumps(at), surface="v1")


@pytest.mark.parametrize("name", ["date", "back", "updated", "then", "group.back", "behind"])
def test_a_time_that_is_none_is_refused(name):
    stored = next(each for each in STORED if "before" in each["state"])
    at = json.loads(stored["cursor"])
    key = name.removeprefix("group.")
    (at if name in {"date", "back"} else at["group"])[key] = ""

    with pytest.raises(ValueError, match="text of a walk's `cursor`"):
        cursors.read(json.dumps(at), surface="v1")


@pytest.mark.parametrize(
    "stamp", ["2026-04-12t15:30:02Z", "2026-04-12T15:30:02.5Z", "2026-04-12T17:30:02+02:00", "now"]
)
def test_an_instant_in_another_form_is_refused(stamp):
    # A walk from one sent requests without end.
    stored = next(each for each in STORED if "group" in each["state"])
    at = json.loads(stored["cursor"])
    at["given"][-1][-1] = stamp

    with pytest.raises(ValueError, match="text of a walk's `cursor`"):
        cursors.read(json.dumps(at), surface="v1")


def test_a_long_surface_is_not_quoted_as_a_whole():
    text = json.dumps({"version": 1, "surface": "v1" * 5000})

    with pytest.raises(ValueError, match="cursor belongs to surface") as raised:
        cursors.read(text, surface="v1")

    assert len(str(raised.value)) < 300


def test_rows_that_were_given_amid_a_page_do_not_come_again():
    # The server mixes up rows of one timestamp, and has shown that it includes the rows at `date`.
    listing = Listing([0, 2, 1, 2, 3, 0, 1], inclusive=True, mixes_ties=True, page_base=0)
    walking = walk(listing.fetch, "x", surface="v1", date=None, limit=4, cursor=None, returns=Row)

    async def first(count: int) -> list[int]:
        return [(await anext(walking)).id for _ in range(count)]

    given = asyncio.run(first(6)) + asyncio.run(rest_of(listing, walking.cursor))

    assert sorted(given) == list(range(1, 8))


def test_a_cursor_that_is_nested_thousands_of_times_is_refused():
    with pytest.raises(ValueError, match="cursor must be the text"):
        cursors.read('{"x":' + "[" * 5000, surface="v1")


@pytest.mark.parametrize("name", ["page", "last"])
@pytest.mark.parametrize("number", [1000, 10**6, 10**300])
def test_a_page_of_a_group_that_no_walk_has_come_to_is_refused(name, number):
    stored = next(each for each in STORED if "group" in each["state"])
    cursor = json.loads(stored["cursor"])
    cursor["group"][name] = number

    with pytest.raises(ValueError, match="text of a walk's `cursor`"):
        resumed(server(stored), json.dumps(cursor))

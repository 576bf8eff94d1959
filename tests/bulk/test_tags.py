"""The tags of an account by name: all of them or none, and never a second one of ours."""

from __future__ import annotations

import json

import pytest

from heymarket_async import HeymarketError, RetryPolicy, ServerError
from heymarket_async.bulk import JobError
from heymarket_async.bulk.tags import create_tag, tags_of
from heymarket_async.cli import remedies
from heymarket_async.endpoints.tags import loose
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.accounts import client_of

LIST, CREATE = "POST /v1/tags", "POST /v1/tag"


def expected(sandbox):
    found = {}
    for tag in sandbox.tags.tags:
        found.setdefault(loose(tag["tag"]), tag["id"])
    return found


def sent(sandbox, call):
    return [each for each in sandbox.requests if f"{each.method} {each.path}" == call]


def labels(sandbox):
    return [tag["tag"] for tag in sandbox.tags.tags]


async def test_tags_are_found_whatever_their_case_and_spaces():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        key = sandbox.tags.create("  Early   ADOPTERS ")
        tags = await tags_of(client)

    assert tags[loose("early adopters")] == key
    assert (tags["vip"], tags["café opening"]) == (55, 72)


async def test_the_oldest_of_two_tags_with_one_name_counts():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        first = sandbox.tags.create("Gold")
        sandbox.tags.create("gold ")
        tags = await tags_of(client)

    assert tags["gold"] == first


def fill(sandbox, group, count=190):
    """Create tags in groups of this size that share one `updated`."""
    for number in range(count):
        sandbox.tags.create(f"tag {number}", now_s=2e9 + number // group)


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("group", [1, 7, 30, 95])
async def test_no_tag_is_lost_whatever_the_server_does(group, newest_first, inclusive):
    readings = Readings(inclusive=inclusive, newest_first=newest_first)
    async with Sandbox(readings=readings) as sandbox, client_of(sandbox) as client:
        fill(sandbox, group)

        assert await tags_of(client) == expected(sandbox)


@pytest.mark.parametrize("group", [7, 60])
@pytest.mark.parametrize("honours_limit", [False, True])
async def test_a_server_that_mixes_up_tags_of_one_time_loses_none(group, honours_limit):
    readings = Readings(ties="shuffled", page_base=None, honours_limit=honours_limit)
    async with Sandbox(readings=readings) as sandbox, client_of(sandbox) as client:
        fill(sandbox, group)

        # Groups larger than a page cannot be read without a larger limit.
        can_be_read = group == 7 or honours_limit
        assert await tags_of(client) == (expected(sandbox) if can_be_read else None)


@pytest.mark.parametrize("end", ["[]", "null", "empty", "204"])
async def test_the_end_of_the_list_may_look_as_it_likes(end):
    async with (
        Sandbox(readings=Readings(list_end=end)) as sandbox,
        client_of(sandbox) as client,
    ):
        assert await tags_of(client) == expected(sandbox)


async def test_an_account_without_tags_has_none():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(200, on=LIST, body=[], times=None)

        assert await tags_of(client) == {}


async def test_many_tags_of_one_time_cannot_be_read_without_pages_and_limits():
    readings = Readings(page_base=None, honours_limit=False)
    async with Sandbox(readings=readings) as sandbox, client_of(sandbox) as client:
        for number in range(31):
            sandbox.tags.create(f"tag {number}", now_s=2e9)

        assert await tags_of(client) is None


@pytest.mark.parametrize(
    "odd",
    [
        None,
        {},
        "x",
        {"id": 90, "updated": "2024-01-02T12:00:00Z"},
        {"id": 90, "tag": None},
        {"id": 90, "tag": "  "},
        {"id": 90, "tag": 5},
        {"id": 2**63, "tag": "Odd"},
        {"id": "x", "tag": "Odd"},
        {"id": 1.5, "tag": "Odd"},
        {"id": 0, "tag": "Odd"},
        {"tag": "Odd"},
    ],
)
async def test_an_odd_tag_takes_nothing_from_the_others(odd):
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        body = [
            {"id": 91, "tag": "Half \ud83d", "updated": "2024-01-03T00:00:00Z", "rev": 1},
            odd,
            {"id": "92", "tag": "Last", "updated": "2024-01-02T00:00:00Z", "rev": None},
        ]
        sandbox.faults.answer(200, on=LIST, body=json.dumps(body).encode())
        sandbox.faults.answer(200, on=LIST, body=[], times=None)

        assert await tags_of(client) == {"half \ufffd": 91, "last": 92}


@pytest.mark.parametrize("body", [{"error": "x"}, [{"error": "x"}], [None], "x"])
async def test_an_answer_without_tags_cannot_be_read(body):
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(200, on=LIST, body=json.dumps(body).encode(), times=None)

        assert await tags_of(client) is None


@pytest.mark.parametrize("status", [403, 404])
async def test_without_the_right_to_read_tags_there_are_none(status):
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(status, on=LIST, times=None)

        assert await tags_of(client) is None


async def test_a_server_that_fails_raises():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(500, on=LIST, times=None)
        with pytest.raises(ServerError):
            await tags_of(client)


async def test_a_tag_is_created_once():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        first = await create_tag(client, "  Spring \t sale ")
        second = await create_tag(client, "SPRING SALE")

        assert first == second == sandbox.tags.labelled("Spring sale")
        assert labels(sandbox).count("Spring sale") == 1
        assert [json.loads(each.raw) for each in sent(sandbox, CREATE)] == [{"tag": "Spring sale"}]


async def test_a_known_tag_is_not_sent():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        assert await create_tag(client, "vip") == 55

        assert sent(sandbox, CREATE) == []


LOST = {
    "reset": lambda faults: faults.reset(on=CREATE, after_write=True),
    "cut": lambda faults: faults.cut_body(on=CREATE),
    "502": lambda faults: faults.answer(502, on=CREATE, after_write=True),
    "no id": lambda faults: faults.answer(200, on=CREATE, body={"rev": 1}, after_write=True),
    "ok": lambda faults: faults.answer(200, on=CREATE, body="ok", after_write=True),
    "empty": lambda faults: faults.answer(200, on=CREATE, body=b"", after_write=True),
    "html": lambda faults: faults.answer(200, on=CREATE, body=b"<html>", after_write=True),
    "odd id": lambda faults: faults.answer(200, on=CREATE, body={"id": "a"}, after_write=True),
}


@pytest.mark.parametrize("how", LOST)
async def test_after_a_lost_answer_the_tag_is_looked_up(how):
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        LOST[how](sandbox.faults)
        key = await create_tag(client, "Gold")

        assert (key, labels(sandbox).count("Gold")) == (sandbox.tags.labelled("gold"), 1)
        assert len(sent(sandbox, CREATE)) == 1


async def test_a_tag_that_is_seen_later_is_waited_for():
    readings, retry = Readings(tag_delay_s=0.15), RetryPolicy(attempts=30, base_s=0.02, cap_s=0.02)
    async with Sandbox(readings=readings) as sandbox, client_of(sandbox, retry=retry) as client:
        sandbox.faults.reset(on=CREATE, after_write=True)
        key = await create_tag(client, "Gold")

        assert (key, labels(sandbox).count("Gold")) == (sandbox.tags.labelled("gold"), 1)
        assert len(sent(sandbox, CREATE)) == 1


@pytest.mark.parametrize("after_write", [False, True])
async def test_a_tag_that_cannot_be_seen_is_not_sent_again(after_write):
    async with (
        Sandbox(readings=Readings(tag_delay_s=600.0)) as sandbox,
        client_of(sandbox) as client,
    ):
        sandbox.faults.reset(on=CREATE, after_write=after_write)
        with pytest.raises(HeymarketError) as raised:
            await create_tag(client, "Gold")

        assert raised.value.may_have_taken_effect
        assert len(sent(sandbox, CREATE)) == 1
        assert "Gold" not in str(raised.value)


async def test_if_the_tags_cannot_be_read_after_a_lost_answer_that_answer_is_the_error():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        before = len(sandbox.requests)
        await tags_of(client)
        pages = len(sandbox.requests) - before
        sandbox.faults.reset(on=CREATE, after_write=True)
        sandbox.faults.answer(500, on=LIST, times=None, after=pages)
        with pytest.raises(HeymarketError) as raised:
            await create_tag(client, "Gold")

        assert (raised.value.call, raised.value.may_have_taken_effect) == (CREATE, True)
        assert isinstance(raised.value.__cause__, ServerError)


async def test_a_tag_is_sent_again_if_it_was_not_carried_out():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(429, on=CREATE, times=2, headers={"Retry-After": "0.01"})
        key = await create_tag(client, "Gold")

        assert key == sandbox.tags.labelled("Gold")
        assert labels(sandbox).count("Gold") == 1


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_tag_that_somebody_else_has_just_created_is_taken(status):
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(status, on=CREATE, after_write=True)  # it is there, and refused

        assert await create_tag(client, "Gold") == sandbox.tags.labelled("Gold")


async def test_a_server_that_takes_no_second_tag_of_one_label():
    for reading in ("reject", "return"):
        async with (
            Sandbox(readings=Readings(duplicate_tag=reading)) as sandbox,
            client_of(sandbox) as client,
        ):
            assert await create_tag(client, "Vip") == 55
            await create_tag(client, "Gold")
            assert labels(sandbox).count("Gold") == 1


@pytest.mark.parametrize("status", [400, 404])
async def test_a_refused_tag_raises(status):
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(status, on=CREATE)
        with pytest.raises(HeymarketError) as raised:
            await create_tag(client, "Gold")

        assert not raised.value.may_have_taken_effect
        assert len(sent(sandbox, CREATE)) == 1


@pytest.mark.parametrize(
    ("route", "reason", "problem"),
    [
        (LIST, "unread_tags", "The tags of the account cannot be read, so it is unknown which"),
        (CREATE, "no_right_to_create_tags", "The credentials lack the right to create tags."),
    ],
)
async def test_the_error_names_the_right_that_is_missing(route, reason, problem):
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(403, on=route, times=None)
        with pytest.raises(JobError, match=problem) as raised:
            await create_tag(client, "Gold")

        assert raised.value.reason == reason
        assert labels(sandbox).count("Gold") == 0
        assert remedies.message_of(raised.value).endswith("or leave out --create-tags.")


@pytest.mark.parametrize(
    ("name", "message"), [("", "empty"), (" \u3000\t", "empty"), (5, "must be of type str")]
)
async def test_a_tag_needs_a_name(name, message):
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        with pytest.raises(ValueError, match=f"name must .*{message}|name {message}"):
            await create_tag(client, name)

        assert not sandbox.requests

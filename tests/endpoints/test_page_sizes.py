"""The size of the pages that a client asks for, over real sockets."""

from __future__ import annotations

import asyncio

import pytest

from heymarket_async import ApiSecret, ClientStateError, HeymarketClient, RetryPolicy
from heymarket_async.sandbox import Readings, Sandbox


def client_of(sandbox: Sandbox, **options) -> HeymarketClient:
    options = {"rate_limit": None, "retry": RetryPolicy(base_s=0), **options}
    return HeymarketClient(ApiSecret(*sandbox.credentials), base_url=sandbox.url, **options)


async def count(walk) -> int:
    return sum([1 async for _ in walk])


def limits_of(sandbox: Sandbox) -> list[int | None]:
    """The limits that were asked for since the last time."""
    limits = [received.body.get("limit") for received in sandbox.requests]
    sandbox.requests.clear()
    return limits


@pytest.mark.parametrize("over_limit", ["cut", "400", "default", "empty", "500"])
@pytest.mark.parametrize("ties", [1, 150])
async def test_a_walk_is_whole_however_a_large_limit_is_answered(over_limit, ties):
    readings = Readings(max_limit=200, over_limit=over_limit)
    async with Sandbox(1500, ties=ties, readings=readings, limit=None) as sandbox:
        async with client_of(sandbox) as client:
            assert await count(client.contacts.iterate()) == 1500

        assert len(limits_of(sandbox)) < 50


async def test_a_limit_that_is_not_proved_is_sent_once():
    readings = Readings(max_limit=99, over_limit="500")
    async with Sandbox(100, readings=readings) as sandbox, client_of(sandbox) as client:
        await count(client.contacts.iterate())

        limits = limits_of(sandbox)

    assert limits == [None, 100, None, 100, None, None, None]


async def test_a_page_that_fails_at_a_proved_limit_is_sent_again():
    async with Sandbox(40) as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(500, times=2)

        assert await count(client.contacts.iterate()) == 40


async def test_a_derived_client_knows_the_limits_that_were_tried():
    async with Sandbox(500) as sandbox, client_of(sandbox) as client:
        await count(client.contacts.iterate())
        limits_of(sandbox)

        await count(client.with_options(deadline_s=60).contacts.iterate())

        assert limits_of(sandbox) == [None, *[100] * 5, None, None]


async def test_the_largest_page_is_an_option():
    async with Sandbox(500) as sandbox, client_of(sandbox, max_page_size=60) as client:
        await count(client.contacts.iterate())
        assert set(limits_of(sandbox)) == {None, 60}

        await count(client.with_options(max_page_size=30).contacts.iterate())
        assert set(limits_of(sandbox)) == {None}

        await count(client.contacts_v2.iterate())
        assert set(limits_of(sandbox)) == {60}


async def test_v2_is_asked_for_its_documented_most():
    async with Sandbox(250) as sandbox, client_of(sandbox) as client:
        assert await count(client.contacts_v2.iterate()) == 250

        assert set(limits_of(sandbox)) == {100}


@pytest.mark.parametrize("size", [0, 1.5, True, None, "9"])
def test_a_largest_page_that_is_no_size_is_refused(size):
    with pytest.raises(ValueError, match="max_page_size must be an integer of at least 1"):
        HeymarketClient(ApiSecret("a", "b"), max_page_size=size)


async def test_a_client_that_is_closed_amid_a_try_asks_for_nothing_more():
    async with Sandbox(100) as sandbox, client_of(sandbox) as client:
        sandbox.faults.delay(30, after=1)
        walking = asyncio.ensure_future(count(client.contacts.iterate()))
        while len(sandbox.requests) < 2:
            await asyncio.sleep(0.01)

        await client.aclose()
        with pytest.raises(ClientStateError):
            await walking

        assert len(sandbox.requests) == 2

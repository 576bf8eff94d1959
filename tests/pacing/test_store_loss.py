"""A store that forgets what was sent, while it stays connected."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from heymarket_async import RateLimit
from heymarket_async.pacing import shared
from tests.conftest import jumping_time, now
from tests.pacing.test_alone import MadeUpStore, pacer_of, send
from tests.redis_server import RedisServer


@jumping_time
async def test_a_loss_is_logged_once_and_sent_requests_are_reported_again(caplog):
    store = MadeUpStore()
    pacer = pacer_of(store, limit=100)
    await send(pacer, 30)
    await send(pacer, 3, answer=False)
    await send(pacer)
    store.news.clear()
    store.since = 2
    await send(pacer)
    await asyncio.sleep(0.1)

    # And the one that the store gave when it had lost the others, which was not used.
    assert len(store.news) == 35
    assert [record.getMessage() for record in caplog.records] == [
        "Redis has lost the requests of the shared rate limit: it was emptied, or it evicts keys."
        " Set its maxmemory-policy to noeviction. In the next 61 s, this client sends at most 10"
        " requests."
    ]
    store.since = 3
    waiting = pacer.take()
    await asyncio.sleep(0.1)
    assert len(caplog.records) == 1
    pacer.discard(waiting)
    for _ in range(3):
        pacer.answered()
    await pacer.aclose()


@jumping_time
async def test_after_a_loss_a_client_keeps_to_its_part_until_the_store_can_know():
    store = MadeUpStore()
    pacer = pacer_of(store, limit=100)
    await send(pacer)
    store.since, store.weighing = 2, 0
    await send(pacer)
    began = now()
    await send(pacer, 8)
    assert now() == began
    await send(pacer)

    assert now() - began > 59
    await pacer.aclose()


@jumping_time
async def test_what_a_store_gives_that_has_just_forgotten_all_is_not_used_beyond_a_part():
    store = MadeUpStore()
    pacer = pacer_of(store, limit=1000)
    await send(pacer, 500)
    store.weighing = 1000
    await send(pacer)
    store.since, store.weighing = 2, 0
    began = now()
    await send(pacer, 2)

    assert now() - began > 59
    assert pacer._ledger.taken == 501 + 2 + 2  # two were given at once, and given back
    await pacer.aclose()


@jumping_time
@pytest.mark.parametrize("ahead_s", [1.0, 1e5, -1.0, -1e5])
async def test_requests_are_reported_again_to_a_store_whose_clock_was_set(ahead_s, caplog):
    store = MadeUpStore()
    pacer = pacer_of(store, limit=100)
    await send(pacer, 30)
    store.news.clear()
    store.ahead_s += ahead_s
    began = now()
    await send(pacer)

    assert now() - began > 59  # 30 are more than its part of 10
    assert len(store.news) == 31
    assert [record.getMessage() for record in caplog.records] == [
        "The clock of Redis for the shared rate limit was set, or runs at another speed. In the"
        " next 61 s, this client sends at most 10 requests."
    ]
    await pacer.aclose()


@jumping_time
@pytest.mark.parametrize(("speed", "is_noted"), [(1.08, True), (0.92, True), (1.001, False)])
async def test_a_clock_of_another_speed_is_noted(speed, is_noted, caplog):
    store = MadeUpStore()
    store.speed = speed
    pacer = pacer_of(store, limit=100)
    for _ in range(200):
        await send(pacer)
        await asyncio.sleep(1)

    assert ("runs at another speed" in caplog.text) == is_noted
    await pacer.aclose()


@jumping_time
async def test_a_pause_that_the_store_has_lost_is_reported_again():
    store = MadeUpStore()
    pacer = pacer_of(store)
    await send(pacer)
    pacer.pause(30)
    await asyncio.sleep(1)
    store.since = 2
    waiting = pacer.take()
    await asyncio.sleep(1)

    assert store.pauses == [30_000, pytest.approx(29_000, abs=20)]
    pacer.discard(waiting)
    await pacer.aclose()


@jumping_time
async def test_a_memory_that_nobody_asked_for_ends_without_a_word(caplog):
    store = MadeUpStore()
    pacer = pacer_of(store)
    await send(pacer)
    await asyncio.sleep(62)
    store.since = 2
    began = now()
    await send(pacer, 100)

    assert now() == began
    assert caplog.records == []
    await pacer.aclose()


@jumping_time
async def test_a_store_that_does_not_say_which_it_is_gives_its_whole_window(caplog):
    store = MadeUpStore()
    store.run_id = ""
    pacer = pacer_of(store)
    began = now()
    await send(pacer, 500)

    assert now() == began
    assert caplog.records == []
    await pacer.aclose()


@jumping_time
async def test_such_a_store_that_was_started_again_is_asked_for_a_part_alone(caplog):
    store = MadeUpStore()
    store.run_id = ""
    pacer = pacer_of(store, limit=100)
    await send(pacer, 9)
    store.is_away = True
    await send(pacer)
    store.is_away, store.since = False, 2
    await asyncio.sleep(5)
    began = now()
    await send(pacer)

    assert now() - began > 50
    assert "has lost" not in caplog.text
    await pacer.aclose()


async def until_lost(server: RedisServer, names: list[bytes]) -> None:
    for number in itertools.count():
        if server.run("EXISTS", *names) < len(names):
            return
        server.run("SET", f"other:{number}", "x" * 20_000)
        await asyncio.sleep(0)


@pytest.mark.own_redis
@pytest.mark.parametrize("how", ["evicted", "emptied"])
async def test_what_a_real_server_loses_is_noticed(how, caplog):
    with RedisServer(maxmemory_policy="allkeys-random") as server:
        rate = RateLimit(20, per_s=5.0, store=server.url, fallback=0.5)
        pacer = shared.pacer("credential", rate, asyncio.get_running_loop())
        await send(pacer)
        if how == "evicted":
            server.run("CONFIG", "SET", "maxmemory", server.run("INFO")["used_memory"] + 200_000)
            await until_lost(server, server.run("KEYS", "heymarket:*"))
        else:
            server.run("FLUSHALL")
        async with asyncio.timeout(1):
            await send(pacer, 2)
        await pacer.aclose()

    assert caplog.text.count("Redis has lost the requests of the shared rate limit") == 1

"""What the script says, in a real Redis."""

from __future__ import annotations

import asyncio

import pytest

from heymarket_async.transport.store import Reply, Store, StoreLostError
from tests.redis_server import RedisServer

WINDOW_MS, GRACE_MS = 1000.0, 20.0


@pytest.fixture(scope="module")
def server():
    with RedisServer() as server:
        yield server


@pytest.fixture
async def store(server, request):
    store = Store(server.url, request.node.name, timeout_s=1.0)
    yield store
    await store.close()


async def ask(
    store: Store, who: str, want: int = 1, *news, limit: int = 1, first: int = 0, pause: float = 0
) -> Reply:
    return await store.ask(WINDOW_MS, GRACE_MS, limit, who, want, first, pause, *news)


async def test_turns_are_granted_up_to_the_limit_and_then_one_is_reserved(store):
    reply = await ask(store, "a", 5, limit=3)

    assert (reply.granted, reply.weighing) == (3, 4)
    assert WINDOW_MS < reply.wait_ms <= WINDOW_MS + GRACE_MS + 1


async def test_a_reserved_turn_that_has_come_is_used(store):
    await ask(store, "a")
    wait_ms = (await ask(store, "b")).wait_ms
    await asyncio.sleep(wait_ms / 1000)

    assert (await ask(store, "c")).granted == 0  # it is not for who comes later
    assert (await ask(store, "b")).granted == 1


async def test_a_reserved_turn_is_put_off_if_an_earlier_one_was_answered_late(store):
    await ask(store, "a")
    wait_ms = (await ask(store, "b")).wait_ms
    await asyncio.sleep(wait_ms / 1000)

    reply = await ask(store, "b", 1, "a:0", 0.0)

    assert reply.granted == 0
    assert 0.9 * WINDOW_MS < reply.wait_ms <= WINDOW_MS


async def test_who_asks_before_the_time_keeps_the_place(store):
    await ask(store, "a")
    second = (await ask(store, "b")).wait_ms
    third = (await ask(store, "c")).wait_ms
    assert third - second > 0.9 * WINDOW_MS

    assert (await ask(store, "b")).wait_ms <= second


async def test_who_wants_nothing_any_more_leaves_the_place(store):
    await ask(store, "a")
    await ask(store, "b")
    assert (await ask(store, "c")).weighing == 3

    assert (await ask(store, "b", 0)).weighing == 2


async def test_a_turn_that_was_not_used_is_free_again(store):
    await ask(store, "a")

    assert (await ask(store, "b", 1, "a:0", 2 * WINDOW_MS)).granted == 1


async def test_an_answer_in_time_frees_its_turn_sooner(store):
    await ask(store, "a")

    assert (await ask(store, "b", 1, "a:0", 500.0)).wait_ms <= WINDOW_MS / 2 + 1


async def test_a_pause_is_told_and_kept(store):
    reply = await ask(store, "a", limit=10, pause=5000)
    assert (reply.granted, reply.paused_ms) == (0, reply.wait_ms)
    assert 4900 < reply.paused_ms <= 5000

    later = await ask(store, "b", limit=10)
    assert later.granted == 0
    assert later.wait_ms >= reply.wait_ms + 0.8 * WINDOW_MS / 10  # one after the other


async def test_a_pause_that_is_told_often_is_no_longer_for_that(store):
    for _ in range(30):
        reply = await ask(store, "a", limit=10, pause=300)

    assert reply.wait_ms <= 300 + WINDOW_MS / 10 + 1


async def test_who_the_store_does_not_know_is_told_as_lost_without_where_it_is():
    store = Store("redis://:secret@127.0.0.1:1/0", "x", timeout_s=0.2)

    with pytest.raises(StoreLostError) as raised:
        await store.server()
    await store.close()

    assert str(raised.value) == "ConnectionError"


async def test_a_server_that_does_not_say_which_it_is_counts_as_lost(store):
    store._redis.info = lambda section: asyncio.sleep(0, {"uptime_in_seconds": 5})

    with pytest.raises(StoreLostError, match="its INFO has no 'run_id'"):
        await store.server()


async def test_a_wrong_password_is_told_as_such(server):
    store = Store(server.url.replace("secret", "wrong"), "x", timeout_s=1.0)

    with pytest.raises(StoreLostError, match="AuthenticationError"):
        await store.server()
    await store.close()

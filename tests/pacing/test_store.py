"""What the script says, in a real Redis."""

from __future__ import annotations

import asyncio

import pytest

from heymarket_async.pacing.store import Reply, SharedWindow, StoreLostError
from tests.redis_server import RIGHTS, RedisServer

WINDOW_MS, GRACE_MS = 1000.0, 20.0


@pytest.fixture(scope="module")
def server():
    with RedisServer() as server:
        yield server


@pytest.fixture
async def store(server, request):
    store = SharedWindow(server.url, request.node.name, timeout_s=1.0)
    yield store
    await store.close()


async def ask(
    store: SharedWindow,
    client: str,
    want: int = 1,
    *news,
    limit: int = 1,
    first: int = 0,
    pause: float = 0,
) -> Reply:
    return await store.ask(WINDOW_MS, GRACE_MS, limit, client, want, first, pause, *news)


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


async def test_a_pause_is_reported_and_kept(store):
    reply = await ask(store, "a", limit=10, pause=5000)
    assert (reply.granted, reply.paused_ms) == (0, reply.wait_ms)
    assert 4900 < reply.paused_ms <= 5000

    later = await ask(store, "b", limit=10)
    assert later.granted == 0
    assert later.wait_ms >= reply.wait_ms + 0.8 * WINDOW_MS / 10  # one after the other


async def test_a_pause_that_is_reported_often_is_no_longer(store):
    for _ in range(30):
        reply = await ask(store, "a", limit=10, pause=300)

    assert reply.wait_ms <= 300 + WINDOW_MS / 10 + 1


async def test_an_answer_has_the_time_of_the_store(store, server):
    seconds, microseconds = server.run("TIME")
    began = seconds * 1_000_000 + microseconds

    assert 0 <= (await ask(store, "a")).now_us - began < 1_000_000


async def test_an_unreachable_store_is_reported_without_its_address():
    store = SharedWindow("redis://:secret@127.0.0.1:1/0", "x", timeout_s=0.2)

    with pytest.raises(StoreLostError) as raised:
        await store.server()
    await store.close()

    assert str(raised.value) == "connection refused"


async def test_the_store_says_which_server_it_is(store, server):
    said = await store.server()

    assert said.run_id == server.run("INFO", "server")["run_id"].encode()
    assert 0 <= said.uptime_s < 600


async def test_a_user_without_the_right_to_info_has_the_whole_window(server):
    server.run("ACL", "SETUSER", "worker", "on", ">pw", *RIGHTS)
    server.run("SCRIPT", "FLUSH")
    store = SharedWindow(server.url_of("worker:pw"), "of a worker", timeout_s=1.0)

    assert await store.server() is None
    assert (await ask(store, "a", 9, limit=10)).granted == 9
    await store.close()


async def test_a_wrong_pause_in_the_store_ends_within_minutes(store, server):
    await ask(store, "a", 0)
    for wrong in ("1e300", "inf", "nan", "soon"):
        server.run("HSET", store._keys[1], "paused", wrong, "spaced", wrong)
        assert (await ask(store, "b")).paused_ms <= 602_000


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


async def test_a_name_that_leads_to_another_primary_is_looked_up_again(server):
    with RedisServer() as promoted:
        ports = [server.port]

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there = await asyncio.open_connection("127.0.0.1", ports[-1])
            await asyncio.gather(forward(reader, there[1]), forward(there[0], writer))

        proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = proxy.sockets[0].getsockname()[1]
        store = SharedWindow(f"redis://:secret@127.0.0.1:{port}/0", "x", timeout_s=1.0)
        assert (await ask(store, "a")).granted == 1
        ports.append(promoted.port)
        server.run("REPLICAOF", "127.0.0.1", promoted.port)  # which does not cut the connection
        with pytest.raises(StoreLostError, match="it is a replica"):
            await ask(store, "a")
        server.run("REPLICAOF", "NO", "ONE")

        assert (await ask(store, "a")).granted == 1
        await store.close()
        proxy.close()


async def test_a_memory_has_a_beginning_of_its_own(store, server):
    since = (await ask(store, "a")).since
    assert (await ask(store, "b")).since == since
    assert (await ask(store, "a", 0, "a:0", 2 * WINDOW_MS)).since == since
    await asyncio.sleep(0.002)

    server.run("DEL", *store._keys)
    assert (await ask(store, "b")).since > since


@pytest.mark.parametrize("lost", [0, 1])
async def test_the_loss_of_one_key_is_noticed_too(store, server, lost):
    since = (await ask(store, "a")).since
    await asyncio.sleep(0.002)

    server.run("DEL", store._keys[lost])

    assert (await ask(store, "b")).since > since


async def test_an_empty_window_is_no_loss(store):
    since = (await ask(store, "a")).since
    await asyncio.sleep(1.1 * WINDOW_MS / 1000)

    assert (await ask(store, "a", 0)).since == since
    assert (await ask(store, "a")).since == since

"""A store that is one node of a real Redis Cluster."""

from __future__ import annotations

import asyncio

import pytest
import redis.crc
from redis._parsers.base import BaseParser

from heymarket_async import RateLimit
from heymarket_async.pacing import shared
from heymarket_async.pacing.store import SharedWindow, StoreLostError
from tests.redis_server import SLOTS, RedisClusterServers


@pytest.fixture(scope="module")
def servers():
    with RedisClusterServers() as servers:
        yield servers


def slot_of(store: SharedWindow) -> int:
    return redis.crc.key_slot(store._keys[0].encode())


async def ask(store: SharedWindow, client: str = "a", limit: int = 1):
    return await store.ask(60_000.0, 1000.0, limit, client, 1, 0, 0)


@pytest.fixture
async def store_at(servers, request):
    """Make stores of one credential whose keys are at that node, reached by the first."""
    made = []

    def make(node: int, url: str = servers.nodes[0].url) -> SharedWindow:
        stores = (SharedWindow(url, f"{request.node.name} {number}", 1.0) for number in range(100))
        made.append(next(store for store in stores if slot_of(store) * 3 // SLOTS == node))
        return made[-1]

    yield make
    for store in made:
        await store.close()


async def test_credentials_of_all_nodes_have_their_whole_budget(servers, caplog):
    loop = asyncio.get_running_loop()
    rate = RateLimit(20, per_s=0.5, store=servers.nodes[0].url)
    pacers = [shared.pacer(f"credential {number}", rate, loop) for number in range(12)]

    async with asyncio.timeout(5):
        for pacer in pacers:
            for turn in [pacer.take() for _ in range(20)]:
                await turn
                pacer.answered()
    for pacer in pacers:
        await pacer.aclose()

    assert caplog.records == []
    assert all(node.run("DBSIZE") for node in servers.nodes)


async def test_two_clients_share_one_window_whichever_node_they_name(servers, store_at):
    one = store_at(1)
    other = store_at(1, servers.nodes[2].url)

    assert (await ask(one)).granted + (await ask(other, "b")).granted == 1


async def test_a_user_of_a_cluster_needs_no_info(servers, store_at):
    for node in servers.nodes:
        node.run("ACL", "SETUSER", "worker", "on", ">pw", "~heymarket:*", "+@all", "-info")
    store = store_at(2, servers.nodes[0].url_of("worker:pw"))

    assert await store.server() is None
    assert (await ask(store)).granted == 1


@pytest.mark.parametrize("is_known", [True, False])
async def test_slots_that_move_are_followed(servers, store_at, is_known, monkeypatch):
    if not is_known:  # as in redis-py before 6.0
        monkeypatch.delitem(BaseParser.EXCEPTION_CLASSES, "MOVED", raising=False)
    store = store_at(1)
    await ask(store)
    home, target = servers.nodes[1], servers.nodes[2]
    home.run("DEL", *store._keys)
    for node in (target, home):
        node.run("CLUSTER", "SETSLOT", slot_of(store), "NODE", target.run("CLUSTER MYID"))

    assert (await ask(store)).granted == 1
    assert target.run("EXISTS", *store._keys) == 2


async def test_the_node_of_the_url_may_stop_once_the_others_are_known(servers, store_at):
    store, home = store_at(2), store_at(0)
    assert (await store.server()).run_id == servers.nodes[2].run("INFO")["run_id"].encode()
    await home.server()
    for each in (store, home):
        await ask(each)
    servers.nodes[0].kill()
    await store.close()  # so that it connects anew
    try:
        assert (await ask(store, "b", 2)).granted == 1
        with pytest.raises(StoreLostError):
            await ask(home)
    finally:
        servers.nodes[0].start()
        servers.wait()
    assert (await ask(home)).granted == 1  # it has forgotten


async def test_a_database_that_a_cluster_does_not_have_is_named_as_the_reason(servers, store_at):
    store = store_at(1, servers.nodes[0].url.removesuffix("0") + "1")

    with pytest.raises(StoreLostError, match=r"database 0 only|no database of that number"):
        await store.server()


async def test_nodes_that_name_each_other_for_ever_are_given_up():
    connected = []

    async def moved(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(writer)
        while data := await reader.read(65_536):
            for command in data.split(b"*")[1:]:
                # Without a host: the same one.
                there = f"-MOVED 1 :{port}\r\n".encode()
                writer.write(there if b"EVALSHA" in command else b"+OK\r\n")
        writer.close()

    server = await asyncio.start_server(moved, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    store = SharedWindow(f"redis://127.0.0.1:{port}/0?protocol=2", "credential", 1.0)
    with pytest.raises(StoreLostError, match="its cluster is down, or is moving"):
        await ask(store)
    await store.close()
    server.close()

    assert len(connected) == 4


def test_a_node_keeps_the_login_and_the_options_of_the_url():
    store = SharedWindow("rediss://joe:a%40b@cache:1/0?ssl_cert_reqs=none", "credential", 1.0)

    assert store._url_at("::1", 2) == "rediss://joe:a%40b@[::1]:2/0?ssl_cert_reqs=none"
    assert store._url_at("", "3") == "rediss://joe:a%40b@cache:3/0?ssl_cert_reqs=none"

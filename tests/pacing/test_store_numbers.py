"""No wrong number in the store holds a client up once it is right again, and none does for good."""

from __future__ import annotations

import asyncio
import secrets
import time

import pytest

from heymarket_async import RateLimit
from heymarket_async.pacing import shared
from heymarket_async.pacing.store import StoreLostError
from tests.redis_server import RedisServer

WINDOW_S = 0.2
SOON = 300.0
"""Seconds; a time that the store may well have, and so is believed."""


@pytest.fixture(scope="module")
def server():
    with RedisServer() as server:
        yield server


@pytest.fixture
async def pacer(server):
    rate = RateLimit(5, per_s=WINDOW_S, store=server.url, fallback=1.0)
    pacer = shared.pacer(secrets.token_hex(4), rate, asyncio.get_running_loop())
    await send(pacer)
    yield pacer
    await pacer.aclose()


async def send(pacer) -> None:
    async with asyncio.timeout(5):
        await pacer.take()
    pacer.answered()


def ms(seconds: float) -> int:
    return int((time.time() + seconds) * 1000)


def written(wrong: str | float) -> str | int:
    """Return a time as the store holds it: a text as it is, or seconds from now on."""
    return wrong if isinstance(wrong, str) else ms(wrong)


@pytest.mark.parametrize("wrong", ["1e300", "inf", "-1e300", "nan", "soon", "", SOON, -SOON])
async def test_a_client_continues_once_the_times_are_right_again(server, pacer, wrong):
    _, state = pacer._store._keys
    right = server.run("HGETALL", state)
    for name in right:
        server.run("HSET", state, name, written(wrong))
    turns = [pacer.take() for _ in range(3)]
    await asyncio.sleep(0.02)
    for name, time_ms in right.items():
        server.run("HSET", state, name, time_ms)

    async with asyncio.timeout(2 * WINDOW_S + 1):
        await asyncio.gather(*turns)
    for _ in turns:
        pacer.answered()


async def test_a_call_that_waits_is_let_go_when_a_wrong_pause_is_put_right(server, pacer):
    _, state = pacer._store._keys
    server.run("HSET", state, "paused", "1e300", "spaced", "1e300")
    turn = pacer.take()
    await asyncio.sleep(0.05)
    assert not turn.done()
    assert 599 < pacer.pause_s <= 600 + 3 * WINDOW_S
    server.run("HSET", state, "paused", 0, "spaced", 0)

    async with asyncio.timeout(2 * WINDOW_S + 1):
        await turn
    assert pacer.pause_s == 0
    pacer.answered()


async def test_a_pause_of_its_own_outlasts_a_store_that_knows_of_none(server, pacer):
    pacer.pause(WINDOW_S)
    await asyncio.sleep(0.05)
    server.run("HSET", pacer._store._keys[1], "paused", 0, "spaced", 0)
    turn = pacer.take()
    await asyncio.sleep(0.02)

    assert pacer.pause_s > 0
    await turn
    pacer.answered()


@pytest.mark.parametrize("wrong", ["1e300", "inf", 40 * SOON])
async def test_turns_of_an_impossible_time_weigh_nothing(server, pacer, wrong):
    sent, _ = pacer._store._keys
    for number in range(9):
        server.run("ZADD", sent, written(wrong), f"x:{number}")

    await send(pacer)

    assert server.run("ZCARD", sent) <= 2


async def test_a_call_that_waits_is_let_go_when_wrong_turns_are_gone(server, pacer):
    sent, _ = pacer._store._keys
    for number in range(9):
        server.run("ZADD", sent, ms(SOON), f"x:{number}")
    turn = pacer.take()
    await asyncio.sleep(0.05)
    assert not turn.done()
    for number in range(9):
        server.run("ZREM", sent, f"x:{number}")

    async with asyncio.timeout(2 * WINDOW_S + 1):
        await turn
    pacer.answered()


WRONG = [
    None,
    [],
    b"OK",
    [1, 0, 0, 1, 1],
    [1, 0, 0, 1, 1, b"x"],
    [10**9, 0, 0, 1, 1, 1],
    [-1, 0, 0, 1, 1, 1],
    [0, -5, 0, 1, 1, 1],
    [0, 0, -1, 1, 1, 1],
]


@pytest.mark.parametrize("wrong", WRONG)
async def test_an_answer_that_is_none_is_a_store_that_is_away(pacer, wrong, monkeypatch):
    async def run(*_: object) -> object:
        return wrong

    monkeypatch.setattr(shared, "_ASK_AGAIN_S", 0.02)
    monkeypatch.setattr(pacer._store, "_run", run)
    with pytest.raises(StoreLostError, match="its answer cannot be read"):
        await pacer._store.ask(200.0, 3.0, 5, "a", 1, 0, 0)
    await send(pacer)  # alone
    assert pacer._state is shared._State.ALONE
    monkeypatch.delattr(pacer._store, "_run")

    async with asyncio.timeout(2):
        while pacer._state is not shared._State.CONNECTED:
            await send(pacer)
            await asyncio.sleep(0.02)


async def test_a_huge_pause_in_an_answer_is_believed_for_ten_minutes_at_most(pacer, monkeypatch):
    async def run(*_: object) -> object:
        return [0, 10**18, 10**18, 0, pacer._since, time.time_ns() // 1000]

    monkeypatch.setattr(pacer._store, "_run", run)
    turn = pacer.take()
    await asyncio.sleep(0.05)
    assert 599 < pacer.pause_s <= 601
    monkeypatch.undo()

    async with asyncio.timeout(2 * WINDOW_S + 1):
        await turn
    pacer.answered()

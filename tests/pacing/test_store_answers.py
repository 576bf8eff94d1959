"""Whatever a store answers, the fallback applies, and no error holds where the store is."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager

import pytest

from heymarket_async import RateLimit, StoreError
from heymarket_async.pacing import shared
from heymarket_async.pacing.store import SharedWindow, StoreLostError

PASSWORD = "s3same-pw"
ODD = [
    b"+OK\r\n",
    b":1\r\n",
    b"$-1\r\n",
    b"*0\r\n",
    b"$3\r\nabc\r\n",
    b"*3\r\n*1\r\n:1\r\n:1\r\n+x\r\n",
    b"*3\r\n*1\r\n+x y z\r\n+1\r\n+x\r\n",
    b"*3\r\n*0\r\n:1\r\n:1\r\n",
    b"*3\r\n*0\r\n:1" + 400 * b"0" + b"\r\n+x\r\n",
    b":1" + 5000 * b"0" + b"\r\n",
    b"*1\r\n" * 3000,
    b"%1\r\n+a\r\n+b\r\n",
    b"-MOVED 3999\r\n",
    b"-MOVED 3999 [x:6381\r\n",
    "-MOVED 3999 \u2100.com:6381\r\n".encode(),
    "*3\r\n*1\r\n+\u2100.com 1\r\n:1\r\n+x\r\n".encode(),
    b"-ASK 1 x\r\n",
    b"-ERR \xff\xfe\r\n",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
]


@asynccontextmanager
async def store_that_says(reply: bytes, at: bytes = b"EVALSHA"):
    """Run a server that answers one command oddly, and all before it well; give its URL."""

    served: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.add(asyncio.current_task())
        while said := await reader.read(65_536):
            commands = len(re.findall(rb"^\*", said, re.MULTILINE))
            writer.write(reply if at in said else b"+OK\r\n" * commands)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"redis://me:{PASSWORD}@127.0.0.1:{port}/0?protocol=2"
        if served:
            await asyncio.wait(served, timeout=1)


@pytest.mark.parametrize("at", [b"AUTH", b"EVALSHA"])
@pytest.mark.parametrize("reply", ODD)
async def test_any_odd_answer_is_a_store_that_is_away(reply, at):
    async with store_that_says(reply, at) as url:
        rate = RateLimit(5, store=url, fallback=1.0)
        pacer = shared.pacer("x", rate, asyncio.get_running_loop())
        async with asyncio.timeout(5):
            for _ in range(2):
                await pacer.take()
                pacer.answered()
        assert pacer._state is shared._State.ALONE
        await pacer.aclose()


@pytest.mark.parametrize("reply", ODD)
async def test_no_error_of_a_store_holds_its_password(reply, caplog):
    async with store_that_says(reply) as url:
        rate = RateLimit(5, store=url, fallback=0)
        pacer = shared.pacer("x", rate, asyncio.get_running_loop())
        with pytest.raises(
            StoreError, match="Redis for the shared rate limit is unreachable"
        ) as call:
            await pacer.take()
        await pacer.aclose()
        store = SharedWindow(url, "x", timeout_s=0.25)
        with pytest.raises(StoreLostError) as lost:
            await store.server()
            await store.ask(1.0, 1.0, 5, "a", 1, 0, 0)
        await store.close()

    assert [error.value.__cause__ or error.value.__context__ for error in (call, lost)] == [
        None
    ] * 2
    assert PASSWORD not in f"{call.value} {lost.value} {caplog.text}"


@pytest.mark.parametrize("number", [2**63, 10**400])
async def test_a_number_that_is_none_of_redis_cannot_be_read(number):
    answers = b"*5\r\n:0\r\n:%d\r\n:0\r\n:0\r\n:1\r\n" % number
    async with store_that_says(answers) as url:
        store = SharedWindow(url, "x", timeout_s=0.25)
        with pytest.raises(StoreLostError, match="its answer cannot be read"):
            await store.ask(1.0, 1.0, 5, "a", 1, 0, 0)
        await store.close()

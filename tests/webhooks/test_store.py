"""Claims of events, in memory and in a real Redis."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import traceback

import pytest

from heymarket_async.webhooks import Claim, MemoryStore, WebhookError
from heymarket_async.webhooks.redis import RedisStore
from tests.conftest import jumping_time
from tests.redis_server import RedisServer

RIGHTS = ["+evalsha", "+script|load", "+get", "+set", "+del", "~heymarket:webhook:*"]
"""All that docs/webhooks.md says a user of its own needs."""
KEY = "message_received:1:received:2026-03-01T10:00:00Z"
LEASE_S = 30.0
TAKEN, RUNNING, HANDLED = Claim.TAKEN, Claim.RUNNING, Claim.HANDLED


@pytest.fixture(scope="module")
def server():
    with RedisServer() as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
async def store(request, server):
    if request.param == "redis":
        server.run("FLUSHALL")
    store = MemoryStore() if request.param == "memory" else RedisStore(server.url)
    yield store
    await store.aclose()


async def test_of_many_at_once_one_gets_the_claim(store):
    claims = await asyncio.gather(*(store.claim(KEY, LEASE_S) for _ in range(46)))

    assert sorted(claims, key=str) == [RUNNING] * 45 + [TAKEN]


async def test_an_event_is_handled_once_it_is_kept(store):
    await store.claim(KEY, LEASE_S)
    await store.keep(KEY)

    assert await store.claim(KEY, LEASE_S) is HANDLED
    assert await store.claim(KEY + "1", LEASE_S) is TAKEN


async def test_a_claim_that_is_released_can_be_taken_again(store):
    await store.claim(KEY, LEASE_S)
    await store.release(KEY)

    assert await store.claim(KEY, LEASE_S) is TAKEN


async def test_a_claim_expires_and_so_does_the_memory_of_the_event(server):
    for store in (MemoryStore(keep_s=0.05), RedisStore(server.url, keep_s=0.05)):
        assert await store.claim("expires", 0.05) is TAKEN
        assert await store.claim("expires", 0.05) is RUNNING
        await asyncio.sleep(0.06)
        assert await store.claim("expires", LEASE_S) is TAKEN
        await store.keep("expires")
        assert await store.claim("expires", LEASE_S) is HANDLED
        await asyncio.sleep(0.06)
        assert await store.claim("expires", LEASE_S) is TAKEN
        await store.aclose()


# In memory


@jumping_time
async def test_the_oldest_events_are_forgotten_beyond_the_bound():
    store = MemoryStore(most=3)
    for key in "abcd":
        await store.claim(key, LEASE_S)
        await store.keep(key)

    assert [await store.claim(key, LEASE_S) for key in "bcda"] == [HANDLED] * 3 + [TAKEN]
    assert len(store._handled) == 3


@jumping_time
async def test_events_are_forgotten_after_a_day():
    store = MemoryStore()
    for key in "abc":
        await store.claim(key, LEASE_S)
        await store.keep(key)
        await asyncio.sleep(43_300)

    assert [await store.claim(key, LEASE_S) for key in "cba"] == [HANDLED, TAKEN, TAKEN]
    assert list(store._handled) == ["c"]


# In Redis


async def test_processes_share_the_claims(server):
    first, second = RedisStore(server.url), RedisStore(server.url)

    claims = await asyncio.gather(*(each.claim("shared", LEASE_S) for each in (first, second) * 5))
    await first.keep("shared")

    assert claims.count(TAKEN) == 1
    assert await second.claim("shared", LEASE_S) is HANDLED
    await first.aclose()
    await second.aclose()


async def test_the_claim_of_a_process_that_was_killed_expires(server):
    code = (
        "import asyncio, os, signal; from heymarket_async.webhooks.redis import RedisStore\n"
        f"asyncio.run(RedisStore('{server.url}').claim('killed', 0.5))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    store = RedisStore(server.url)

    assert await store.claim("killed", LEASE_S) is RUNNING
    while (claim := await store.claim("killed", LEASE_S)) is RUNNING:
        await asyncio.sleep(0.02)
    assert claim is TAKEN
    await store.aclose()


async def test_only_its_own_claim_is_released(server):
    slow, other = RedisStore(server.url), RedisStore(server.url)
    await slow.claim("slow", 0.01)
    await asyncio.sleep(0.02)
    await other.claim("slow", LEASE_S)

    await slow.release("slow")

    assert await slow.claim("slow", LEASE_S) is RUNNING
    await slow.aclose()
    await other.aclose()


async def test_redis_holds_a_digest_and_no_id(server):
    server.run("FLUSHALL")
    store = RedisStore(server.url)
    await store.claim(KEY, LEASE_S)
    await store.aclose()

    (name,) = server.run("KEYS", "*")
    assert name.startswith(b"heymarket:webhook:")
    assert b"message" not in name


async def test_a_user_with_few_rights_is_enough(server):
    server.run("ACL", "SETUSER", "hooks", "on", ">pw", *RIGHTS)
    server.run("SCRIPT", "FLUSH")
    store = RedisStore(server.url_of("hooks:pw"))

    assert await store.claim("rights", LEASE_S) is TAKEN
    await store.release("rights")
    await store.keep("rights")
    assert await store.claim("rights", LEASE_S) is HANDLED
    await store.aclose()


async def test_an_unreachable_store_is_reported_without_its_address():
    store = RedisStore("redis://:secret@127.0.0.1:1/0")
    for act in (store.claim(KEY, LEASE_S), store.keep(KEY), store.release(KEY)):
        with pytest.raises(WebhookError) as raised:
            await act

        assert str(raised.value) == "Redis for webhooks is unreachable (connection refused)"
        assert raised.value.status == 503
        assert raised.value.__context__ is None
    await store.aclose()


@pytest.mark.parametrize("claims", [1, 60])
async def test_a_store_that_hangs_is_given_up_by_all_at_once(claims):
    async def hang(reader, writer):
        with contextlib.closing(writer):
            await reader.read()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as hanging:
        port = hanging.sockets[0].getsockname()[1]
        store = RedisStore(f"redis://127.0.0.1:{port}/0", timeout_s=0.1)
        async with asyncio.timeout(0.55):
            ended = await asyncio.gather(
                *(store.claim(f"{number}", LEASE_S) for number in range(claims)),
                return_exceptions=True,
            )
        await store.aclose()

    assert {f"{type(each).__name__} {each}" for each in ended} == {
        "WebhookError Redis for webhooks is unreachable (no answer in time)"
    }


@pytest.mark.parametrize("url", ["cache:6379", "redis://cache:x", "redis://cache/0/1", "http://c"])
def test_a_url_of_no_redis_is_refused(url):
    with pytest.raises(ValueError, match=r"^url must "):
        RedisStore(url)


def test_a_refused_url_is_in_no_traceback():
    with pytest.raises(ValueError, match="url must be redis://") as raised:
        RedisStore("redis://:password@cache:x")

    shown = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    ours = "".join(shown.format()).partition("webhooks/redis.py")[2]
    assert "password@cache" not in ours.replace("user:password@host", "")


def test_without_the_extra_the_error_names_it():
    code = "import sys; sys.modules['redis'] = None; import heymarket_async.webhooks.redis"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert "needs the extra redis: pip install redis" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("wrong", [{"keep_s": 0}, {"keep_s": -1.0}, {"keep_s": float("nan")}])
def test_a_store_that_would_keep_nothing_is_refused(wrong):
    for make in (MemoryStore, lambda **given: RedisStore("redis://cache", **given)):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be above 0"):
            make(**wrong)

"""A window that several pacers share in a real Redis."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import pickle
import random
import secrets
from collections.abc import Callable
from math import inf

import pytest

from heymarket_async import (
    ApiKey,
    ApiSecret,
    ClientStateError,
    HeymarketClient,
    RateLimit,
    StoreError,
)
from heymarket_async.pacing import shared, store
from heymarket_async.pacing.shared import SharedPacer
from heymarket_async.request import Endpoint, Repeat
from heymarket_async.sandbox import Sandbox
from heymarket_async.transport.auth import Signer
from tests.conftest import Scripted, answer, line_of, transport_over
from tests.redis_server import GivenServer, RedisServer
from tests.windows import most_in_a_window

WINDOW_S = 1.0
READ = Endpoint("GET", "/v1/team", list, Repeat.READ).request()


own_redis = pytest.mark.own_redis
"""For tests that stop the server, or look at all that is in it."""


@pytest.fixture
def server(request):
    is_given = "REDIS_URL" in os.environ and not request.node.get_closest_marker("own_redis")
    with GivenServer(os.environ["REDIS_URL"]) if is_given else RedisServer() as server:
        yield server


class Credential:
    """Pacers of one credential, and the spans of what they sent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = secrets.token_hex(4)
        self.pacers: list[SharedPacer] = []
        self.spans: list[tuple[float, float]] = []

    def pacer(self, limit: int, **options) -> SharedPacer:
        # All of the limit also with a store that began just now, unless a test says otherwise.
        rate = RateLimit(
            limit, **{"per_s": WINDOW_S, "store": self.url, "fallback": 1.0, **options}
        )
        self.pacers.append(shared.pacer(self.name, rate, asyncio.get_running_loop()))
        return self.pacers[-1]

    async def send(self, pacer: SharedPacer, latency_s: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        turn = pacer.take()
        try:
            await turn
        except BaseException:
            pacer.discard(turn)
            raise
        began = loop.time()
        try:
            await asyncio.sleep(latency_s)
        finally:
            pacer.answered()
            self.spans.append((began, loop.time()))

    async def keep_sending(
        self, pacer: SharedPacer, seconds: float, latency: Callable[[], float] = lambda: 0.0
    ) -> None:
        until = asyncio.get_running_loop().time() + seconds

        async def one() -> None:
            while asyncio.get_running_loop().time() < until:
                await self.send(pacer, latency())

        callers = [asyncio.create_task(one()) for _ in range(40)]
        await asyncio.wait(callers, timeout=seconds)
        for each in callers:
            each.cancel()
        await asyncio.gather(*callers, return_exceptions=True)

    def most_in_a_window(self) -> int:
        return most_in_a_window(self.spans, WINDOW_S)


@pytest.fixture
async def credential(server):
    credential = Credential(server.url)
    yield credential
    for pacer in credential.pacers:
        await pacer.aclose()


# Together


async def test_together_they_keep_the_limit_and_use_it(credential):
    pacers = [credential.pacer(40) for _ in range(4)]
    await asyncio.gather(*(credential.keep_sending(pacer, 5.5 * WINDOW_S) for pacer in pacers))

    assert credential.most_in_a_window() <= 40
    assert len(credential.spans) >= 0.8 * 6 * 40


async def test_a_line_knows_when_its_first_call_may_go(credential):
    pacer = credential.pacer(1, per_s=60.0)
    await credential.send(pacer)
    waiting = pacer.take()

    while (left_s := pacer.next_s()) == inf:
        await asyncio.sleep(0.01)

    assert 0 < left_s < 62
    pacer.discard(waiting)


async def test_who_came_first_does_not_take_all(credential):
    first, second = Credential(credential.url), Credential(credential.url)
    first.name = second.name = credential.name
    one, other = credential.pacer(40), credential.pacer(40)
    busy = asyncio.create_task(first.keep_sending(one, 6 * WINDOW_S))
    await asyncio.sleep(WINDOW_S / 2)
    await second.keep_sending(other, 5 * WINDOW_S)
    await busy

    assert len(second.spans) >= 0.25 * 5 * 40


async def test_answers_that_come_late_weigh_as_long_as_they_should(credential):
    chance = random.Random(1)
    pacers = [credential.pacer(40) for _ in range(3)]
    await asyncio.gather(
        *(
            credential.keep_sending(pacer, 5, lambda: chance.choice([0.0, 0.01, 0.3, 0.7]))
            for pacer in pacers
        )
    )

    assert credential.most_in_a_window() <= 40
    assert len(credential.spans) >= 60


async def test_requests_that_are_under_way_for_longer_than_a_window_weigh_all_the_time(credential):
    pacers = [credential.pacer(4) for _ in range(2)]
    await asyncio.gather(*(credential.keep_sending(pacer, 7, lambda: 2.5) for pacer in pacers))

    assert credential.most_in_a_window() <= 4
    assert len(credential.spans) >= 8


async def test_a_share_is_not_exceeded_and_leaves_the_rest_to_others(credential):
    export, service = credential.pacer(50, share=0.2), credential.pacer(50)
    exported = Credential(credential.url)
    busy = asyncio.create_task(exported.keep_sending(export, 3 * WINDOW_S))
    for _ in range(30):
        began = asyncio.get_running_loop().time()
        await credential.send(service)
        assert asyncio.get_running_loop().time() - began < WINDOW_S / 2
        await asyncio.sleep(0.05)
    await busy

    assert exported.most_in_a_window() <= 10
    assert len(exported.spans) >= 20


@own_redis
async def test_a_process_that_is_gone_holds_nobody_up_for_long(credential, server):
    gone, other = credential.pacer(4), credential.pacer(4)
    for _ in range(4):
        await credential.send(other)
    waiting = gone.take()
    await asyncio.sleep(0.1)
    (sent,) = [key for key in server.run("KEYS", "*") if key.endswith(b":sent")]
    assert server.run("ZCARD", sent) == 5  # with the turn that is reserved
    gone._state = shared._State.UNKNOWN  # it is killed, so it does not say that it leaves
    await gone.aclose()
    assert server.run("ZCARD", sent) == 5
    gone.discard(waiting)

    async with asyncio.timeout(3.5 * WINDOW_S):
        for _ in range(8):
            await credential.send(other)
    assert credential.most_in_a_window() <= 4


async def test_who_gives_up_leaves_no_hole(credential):
    pacer = credential.pacer(5)
    for _ in range(5):
        await credential.send(pacer)
    waiting = [asyncio.create_task(credential.send(pacer)) for _ in range(10)]
    await asyncio.sleep(0.1)
    for each in waiting[:5]:
        each.cancel()

    async with asyncio.timeout(1.8 * WINDOW_S):
        await asyncio.gather(*waiting[5:])


async def test_turns_that_are_given_back_are_used(credential):
    pacer = credential.pacer(3)
    for _ in range(3):
        await pacer.take()
    for _ in range(3):
        pacer.give_back()

    async with asyncio.timeout(WINDOW_S / 2):
        for _ in range(3):
            await credential.send(pacer)


@own_redis
async def test_turns_that_come_for_nobody_are_given_back(credential, server):
    pacer = credential.pacer(3)
    await credential.send(pacer)
    server.run("CLIENT", "PAUSE", 100)
    turns = [pacer.take() for _ in range(2)]
    await asyncio.sleep(0.03)  # the store is being asked
    for turn in turns:
        turn.cancel()
    pacer.discard(turns[0])  # the other is still in the queue when the answer comes
    await asyncio.sleep(0.2)
    pacer.discard(turns[1])

    async with asyncio.timeout(WINDOW_S / 2):
        for _ in range(2):
            await credential.send(pacer)


async def test_a_turn_that_came_and_is_not_used_goes_to_another(credential):
    pacer = credential.pacer(1)
    turn = pacer.take()
    await turn
    pacer.discard(turn)

    async with asyncio.timeout(WINDOW_S / 2):
        await credential.send(pacer)


async def test_a_pause_is_kept_by_all_and_then_the_sends_are_spaced(credential):
    one, other = credential.pacer(10), credential.pacer(10)
    await credential.send(one)
    await credential.send(other)
    loop = asyncio.get_running_loop()
    one.pause(WINDOW_S)
    paused_at = loop.time()
    await asyncio.sleep(0.1)
    credential.spans.clear()
    assert 0 < one.pause_s <= WINDOW_S

    await asyncio.gather(*(credential.send(each) for each in [one, other] * 3))

    assert other.pause_s == 0.0
    at = sorted(began - paused_at for began, _ in credential.spans)
    assert at[0] >= 0.99 * WINDOW_S
    assert min(after - before for before, after in itertools.pairwise(at)) > 0.3 * WINDOW_S / 10


async def test_a_pause_reaches_waiting_calls_of_other_clients(credential):
    one, other = credential.pacer(10), credential.pacer(10)
    one.pause(5)
    await asyncio.sleep(0.1)
    turn = other.take()
    await asyncio.sleep(0.1)

    assert 4 < other.pause_s <= 5
    other.discard(turn)


async def test_a_reserved_turn_waits_out_a_pause(credential):
    one, other = credential.pacer(2), credential.pacer(2)
    for _ in range(2):
        await credential.send(one)
    waiting = asyncio.create_task(credential.send(one))
    await asyncio.sleep(0.1)
    other.pause(1.5 * WINDOW_S)
    paused_at = asyncio.get_running_loop().time()
    await waiting

    assert asyncio.get_running_loop().time() - paused_at >= 1.49 * WINDOW_S


@own_redis
async def test_waiting_costs_few_questions(credential, server):
    pacers = [credential.pacer(20) for _ in range(2)]
    for pacer in pacers:
        await credential.send(pacer)  # which connects
    server.run("CONFIG", "RESETSTAT")
    await asyncio.gather(*(credential.keep_sending(pacer, 3 * WINDOW_S) for pacer in pacers))

    calls = server.run("INFO", "commandstats")["cmdstat_evalsha"]["calls"]
    assert calls < 1.5 * len(credential.spans)


@own_redis
async def test_the_store_holds_hashes_and_forgets_them(credential, server):
    await credential.send(credential.pacer(5))

    keys = server.run("KEYS", "*")
    assert len(keys) == 2
    for key in keys:
        assert credential.name.encode() not in key
        assert 0 < server.run("PTTL", key) <= 3000 * WINDOW_S


# Without the store


async def begin_sending(credential: Credential, pacers: int, seconds: float) -> list[asyncio.Task]:
    """Have pacers with a quarter of 40 each begin to send, at a store that may know what was."""
    begun = [credential.pacer(40, fallback=0.25) for _ in range(pacers)]
    for pacer in begun:
        await credential.send(pacer)
    await asyncio.sleep(2.5 * WINDOW_S)
    return [asyncio.create_task(credential.keep_sending(pacer, seconds)) for pacer in begun]


@own_redis
async def test_without_the_store_a_client_keeps_to_its_part(credential, server, caplog):
    pacer = credential.pacer(20, fallback=0.25)
    server.kill()
    await credential.keep_sending(pacer, 2.5 * WINDOW_S)
    server.start()
    alone = len(credential.spans)
    await asyncio.sleep(0.6)
    await credential.keep_sending(pacer, 4 * WINDOW_S)

    assert 10 <= alone <= 15
    assert len(credential.spans) - alone >= 40
    assert credential.most_in_a_window() <= 20
    warnings = [
        record.getMessage() for record in caplog.records if record.levelno == logging.WARNING
    ]
    assert len(warnings) == 2
    assert warnings[0].startswith(
        "Redis for the shared rate limit is unreachable (connection refused). Until it is back, "
    )
    assert warnings[0].endswith("this client sends at most 5 requests in 1 s.")
    assert warnings[1] == "Redis for the shared rate limit is back."
    assert "secret" not in caplog.text


@own_redis
async def test_a_store_that_comes_back_empty_does_not_let_the_limit_be_broken(credential, server):
    sending = await begin_sending(credential, 4, 8 * WINDOW_S)
    await asyncio.sleep(2.5 * WINDOW_S)
    server.kill()
    await asyncio.sleep(WINDOW_S)
    server.start()
    await asyncio.gather(*sending)

    assert credential.most_in_a_window() <= 40
    assert len(credential.spans) >= 4 * 40


@own_redis
async def test_a_store_that_hangs_does_not_hold_the_calls_up(credential, server):
    sending = await begin_sending(credential, 3, 7 * WINDOW_S)
    await asyncio.sleep(1.5 * WINDOW_S)
    server.run("CLIENT", "PAUSE", 3000)
    await asyncio.gather(*sending)

    assert credential.most_in_a_window() <= 40
    assert len(credential.spans) >= 3 * 40


@own_redis
async def test_a_connection_that_was_cut_is_made_again_without_a_word(credential, server, caplog):
    pacer = credential.pacer(5)
    await credential.send(pacer)
    server.run("CLIENT", "KILL", "TYPE", "normal")
    server.run("SCRIPT", "FLUSH")

    await credential.send(pacer)

    assert not caplog.records


@own_redis
async def test_a_pause_is_kept_without_the_store_too(credential, server):
    pacer = credential.pacer(20, fallback=0.5)
    await credential.send(pacer)
    server.kill()
    await credential.send(pacer)
    pacer.pause(WINDOW_S)
    paused_at = asyncio.get_running_loop().time()
    credential.spans.clear()

    await asyncio.gather(*(credential.send(pacer) for _ in range(4)))

    at = sorted(began - paused_at for began, _ in credential.spans)
    assert at[0] >= 0.99 * WINDOW_S
    assert min(after - before for before, after in itertools.pairwise(at)) > 0.5 * WINDOW_S / 10
    server.start()


@own_redis
async def test_a_part_is_one_request_at_least(credential, server):
    pacer = credential.pacer(5, fallback=0.01)
    server.kill()

    await credential.send(pacer)
    server.start()


@own_redis
async def test_without_a_part_calls_fail_at_once(credential, server):
    pacer = credential.pacer(5, fallback=0)
    server.kill()

    began = asyncio.get_running_loop().time()
    refusal = r"was not sent: Redis for the shared rate limit is unreachable \(connection refused\)"
    with pytest.raises(StoreError, match=refusal):
        await credential.send(pacer)
    with pytest.raises(StoreError):
        await credential.send(pacer)
    assert asyncio.get_running_loop().time() - began < 2
    server.start()


async def test_without_a_part_a_store_that_began_lately_is_waited_for(credential):
    pacer = credential.pacer(5, fallback=0)

    async with asyncio.timeout(10):
        await credential.send(pacer)


# Its life


@own_redis
async def test_closing_lets_everybody_go_and_closes_the_connection(credential, server):
    pacer = credential.pacer(1)
    await credential.send(pacer)
    turns = [pacer.take() for _ in range(3)]
    tasks = asyncio.all_tasks()

    await pacer.aclose()
    await pacer.aclose()

    assert all(turn.done() for turn in turns)
    assert len(asyncio.all_tasks()) == len(tasks) - 1
    assert server.run("CLIENT", "LIST").count(b"\n") == 1  # who asks


@pytest.mark.parametrize("steps", range(12))
async def test_closing_ends_it_wherever_it_stands(steps, credential):
    pacer = credential.pacer(1)
    turn = pacer.take()
    for _ in range(steps):
        await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await pacer.aclose()
    pacer.discard(turn)
    assert pacer._task.done()


@own_redis
async def test_a_pause_outlasts_a_store_that_is_started_again(credential, server):
    pacer = credential.pacer(10)
    await credential.send(pacer)
    pacer.pause(2 * WINDOW_S)
    paused_at = asyncio.get_running_loop().time()
    await asyncio.sleep(0.1)
    server.kill()
    server.start()

    await credential.send(pacer)

    assert asyncio.get_running_loop().time() - paused_at >= 1.99 * WINDOW_S


async def test_who_closes_gives_up_the_turn_that_was_reserved(credential):
    pacer, other = credential.pacer(1), credential.pacer(1)
    await credential.send(pacer)
    turn = pacer.take()
    await asyncio.sleep(0.1)
    await pacer.aclose()
    pacer.discard(turn)

    async with asyncio.timeout(1.5 * WINDOW_S):
        await credential.send(other)


async def test_a_pacer_that_was_never_asked_has_nothing_to_close(credential):
    await credential.pacer(1).aclose()


def test_a_client_whose_event_loop_has_ended_may_be_closed_in_another(server):
    transport = transport_over(Scripted(answer(200, [])), rate=RateLimit(5, store=server.url))

    asyncio.run(transport.send(READ))
    asyncio.run(transport.aclose())


def test_a_rate_limit_with_a_store_is_plain_data_and_shows_no_password():
    rate = RateLimit(500, store="redis://:secret@cache:6379/0", share=0.2)

    assert pickle.loads(pickle.dumps(rate)) == rate
    assert "secret" not in repr(rate)
    assert repr(rate) == (
        "RateLimit(limit=500, per_s=60.0, store='<URL>', share=0.2, fallback=0.1)"
    )


def test_a_rate_limit_in_a_queue_survives_an_update_of_the_package():
    # As version 0.1.0 pickled it, protocol 0.
    old = (
        b"cheymarket_async.transport.pacing\nRateLimit\np0\n(I400\nF60.0\nNF1.0\nF0.1\ntp1\nRp2\n."
    )

    assert pickle.loads(old) == RateLimit(400)
    assert b"pacing" not in pickle.dumps(RateLimit(400))


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"store": "cache:6379"}, "rate_limit.store must be the URL of a Redis server"),
        ({"store": "redis://cache/production"}, "must end in the number of a database"),
        ({"store": "valkeys://cache/0/1"}, "must end in the number of a database"),
        ({"store": "redis+sentinel://cache/0"}, "must be the URL of a Redis server"),
        ({"store": 1}, "rate_limit.store must be of type str"),
        ({"store": "redis://:secret/@cache:x"}, "rate_limit.store must be redis://user:password@"),
        ({"store": "redis://cache?colour=red"}, "with options that redis-py knows"),
        ({"store": "rediss://cache?ssl_cert_reqs=some"}, "with options that redis-py knows"),
        ({"share": 0.5}, "rate_limit.share needs rate_limit.store"),
        ({"share": 0, "store": "redis://x"}, "rate_limit.share must be above 0, and 1 at most"),
        ({"share": 2, "store": "redis://x"}, "rate_limit.share must be above 0, and 1 at most"),
        ({"fallback": -1}, "rate_limit.fallback must be from 0 to 1"),
        ({"fallback": 1.5}, "rate_limit.fallback must be from 0 to 1"),
    ],
)
def test_a_wrong_rate_limit_is_refused(options, rule):
    with pytest.raises(ValueError, match=rule) as raised:
        RateLimit(500, **options)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["valkey://c:1", "valkeys://u:p@c/0", "rediss://c/", "unix:///a/b?db=1"]
)
def test_a_store_may_be_named_as_its_users_do(url):
    assert RateLimit(500, store=url).store == url


def test_a_store_needs_its_extra(monkeypatch):
    monkeypatch.setattr("heymarket_async.pacing.window.find_spec", lambda name: None)

    with pytest.raises(ValueError, match="store needs the extra redis: pip install redis"):
        RateLimit(500, store="redis://localhost")
    with pytest.raises(ValueError, match="store must be the URL of a Redis server"):
        RateLimit(500, store="redis//localhost")  # the package would not help it


def test_the_script_is_in_the_package():
    assert "redis.call('TIME')" in store._SCRIPT


# As a client uses it


async def test_calls_that_wait_while_credentials_are_rotated_count_for_the_new_ones(server):
    current = [ApiKey("old")]
    signer = Signer(lambda: asyncio.sleep(0, current[0]))
    rate = RateLimit(2, per_s=60, store=server.url, fallback=1.0)
    http = Scripted(answer(200, []))
    transport = transport_over(http, rate=rate, signer=signer)
    waiting = [asyncio.ensure_future(transport.send(READ)) for _ in range(4)]
    while len(http.sent) < 2:
        await asyncio.sleep(0.01)
    assert transport.waiting == "the rate limit"

    current[0] = ApiKey("new")
    signer._asked_at = float("-inf")
    await signer.ask()
    line_of(transport)
    await asyncio.gather(*waiting)
    await transport.aclose()

    keys = [each.headers["Authorization"].removeprefix("Bearer ") for each in http.sent]
    assert keys == ["old", "old", "new", "new"]


@own_redis
async def test_closing_waits_for_the_tasks_of_rotated_credentials(server):
    credentials = iter([ApiKey("old"), ApiKey("new")])
    signer = Signer(lambda: asyncio.sleep(0, next(credentials)))
    rate = RateLimit(2, store=server.url, fallback=1.0)
    transport = transport_over(Scripted(answer(200, [])), rate=rate, signer=signer)
    tasks = asyncio.all_tasks()
    await transport.send(READ)
    rotated = line_of(transport)._store
    close = rotated.close

    async def close_slowly() -> None:
        await asyncio.sleep(0.2)
        await close()

    rotated.close = close_slowly
    signer._asked_at = float("-inf")
    await transport.send(READ)
    await transport.aclose()

    assert asyncio.all_tasks() == tasks
    assert server.run("CLIENT", "LIST").count(b"\n") == 1  # who asks


async def test_two_clients_of_a_process_share_the_window_and_one_may_close(server):
    rate = RateLimit(3, per_s=1.0, store=server.url, fallback=1.0)
    async with Sandbox(limit=None) as sandbox:
        clients = [
            HeymarketClient(ApiSecret(*sandbox.credentials), base_url=sandbox.url, rate_limit=rate)
            for _ in range(2)
        ]
        calls = [asyncio.create_task(each.contacts.count()) for each in clients for _ in range(3)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.3)
        await clients[0].aclose()
        ends = await asyncio.gather(*calls, return_exceptions=True)
        await clients[1].aclose()

    assert {type(each) for each in ends[:3]} <= {int, ClientStateError}
    assert ends[3:] == [0, 0, 0]
    at = sorted(request.at for request in sandbox.requests)
    assert all(later - sooner > 0.95 for sooner, later in zip(at, at[3:], strict=False))

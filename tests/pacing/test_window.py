"""At most so many requests in any window, first come, first served, without holes."""

from __future__ import annotations

import asyncio
import threading
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async import (
    ApiKey,
    ApiSecret,
    DeadlineError,
    RateLimit,
    RateLimitError,
    Repeat,
    RetryPolicy,
)
from heymarket_async.pacing.line import Slots
from heymarket_async.pacing.window import WINDOWS, Window, Windows
from heymarket_async.request import Endpoint
from heymarket_async.transport.auth import Signer
from tests.conftest import Scripted, answer, jumping_time, line_of, now, transport_over

READ = Endpoint("GET", "/v1/team", object, Repeat.READ).request()
OK = answer(200, {})


def most_in_any_window(times: list[float], length_s: float) -> int:
    """Count as a sliding window does, its end included and its start not."""
    return max(sum(start <= time < start + length_s for time in times) for start in times)


async def send_all(http: Scripted, count: int, rate: RateLimit | None, **options: object) -> None:
    transport = transport_over(http, rate=rate, deadline_s=10_000, **options)
    await asyncio.gather(*(transport.send(READ) for _ in range(count)))


@pytest.mark.parametrize("count", [500, 501, 1700])
@jumping_time
async def test_no_window_of_a_minute_holds_more_than_the_limit(count):
    http = Scripted(OK)

    await send_all(http, count, RateLimit(500, per_s=60))

    assert len(http.sent) == count
    assert most_in_any_window([sent.at for sent in http.sent], 60) == 500


@jumping_time
async def test_a_line_knows_when_its_first_call_may_go():
    line = line_of(transport_over(Scripted(OK), rate=RateLimit(1, per_s=60)))
    line.take()
    assert line.next_s() == 0

    waiting = line.take()

    assert 59 < line.next_s() < 62
    line.discard(waiting)


async def test_a_line_for_a_connection_does_not_know_when_one_becomes_free():
    line = Slots(1)
    line.take()
    waiting = line.take()

    assert line.next_s() == inf
    line.discard(waiting)


@jumping_time
async def test_the_budget_is_used_within_two_percent():
    http = Scripted(OK)

    await send_all(http, 5000, RateLimit(500, per_s=60))

    assert now() <= 9 * 60 * 1.02


@given(
    limit=st.integers(1, 8),
    pauses=st.lists(st.floats(0, 3), min_size=1, max_size=30),
)
def test_no_window_holds_more_than_the_limit_however_calls_arrive(limit, pauses):
    WINDOWS._windows.clear()

    @jumping_time
    async def arrive() -> None:
        http = Scripted(OK)
        transport = transport_over(http, rate=RateLimit(limit, per_s=1), deadline_s=1000)
        calls = []
        for pause in pauses:
            await asyncio.sleep(pause)
            calls.append(asyncio.ensure_future(transport.send(READ)))
        await asyncio.gather(*calls)
        assert most_in_any_window([sent.at for sent in http.sent], 1) <= limit

    arrive()


@jumping_time
async def test_calls_leave_in_the_order_in_which_they_came():
    http = Scripted(OK)
    transport = transport_over(http, rate=RateLimit(1, per_s=1))
    requests = [Endpoint("GET", f"/v1/{n}", object, Repeat.READ).request() for n in range(5)]

    await asyncio.gather(*(transport.send(request) for request in requests))

    assert [sent.url[-1] for sent in http.sent] == ["0", "1", "2", "3", "4"]


@jumping_time
async def test_a_cancelled_waiter_leaves_no_hole():
    http = Scripted(OK)
    transport = transport_over(http, rate=RateLimit(1, per_s=1))
    calls = [asyncio.ensure_future(transport.send(READ)) for _ in range(4)]
    await asyncio.sleep(0.5)

    calls[1].cancel()
    calls[2].cancel()
    await asyncio.wait(calls)

    assert [sent.at for sent in http.sent] == pytest.approx([0, 1.002])


@jumping_time
async def test_a_turn_that_comes_as_its_waiter_is_cancelled_goes_to_the_next():
    http = Scripted(OK)
    transport = transport_over(http, rate=RateLimit(1, per_s=1))
    calls = [asyncio.ensure_future(transport.send(READ)) for _ in range(3)]
    await asyncio.sleep(0.5)
    grant = line_of(transport)._timer

    # The same moment, but after the grant and before its waiter runs.
    asyncio.get_running_loop().call_at(grant.when(), calls[1].cancel)
    await asyncio.wait(calls)

    assert [sent.at for sent in http.sent] == pytest.approx([0, 1.002])


@jumping_time
async def test_a_waiter_cancelled_in_the_moment_before_its_turn_is_passed_over():
    http = Scripted(OK)
    transport = transport_over(http, rate=RateLimit(1, per_s=1))
    calls = [asyncio.ensure_future(transport.send(READ)) for _ in range(3)]
    await asyncio.sleep(0.5)
    grant = line_of(transport)._timer

    asyncio.get_running_loop().call_at(grant.when() - 1e-10, calls[1].cancel)
    await asyncio.wait(calls)

    assert [sent.at for sent in http.sent] == pytest.approx([0, 1.002])


@jumping_time
async def test_clients_with_the_same_credentials_share_one_budget():
    one, other = Scripted(OK), Scripted(OK)
    rate = RateLimit(10, per_s=1)

    await asyncio.gather(send_all(one, 20, rate), send_all(other, 20, rate))

    assert most_in_any_window([sent.at for sent in one.sent + other.sent], 1) == 10


@jumping_time
async def test_clients_with_other_credentials_have_their_own_budget():
    signer = Signer(ApiSecret("another", "k" * 40))
    rate = RateLimit(10, per_s=1)

    await asyncio.gather(
        send_all(Scripted(OK), 10, rate), send_all(Scripted(OK), 10, rate, signer=signer)
    )

    assert now() == 0


def test_a_budget_outlives_the_event_loop_that_used_it():
    @jumping_time
    async def first() -> None:
        await send_all(Scripted(OK), 10, RateLimit(10, per_s=1))

    @jumping_time
    async def second() -> None:
        await send_all(Scripted(OK), 1, RateLimit(10, per_s=1))
        assert now() == pytest.approx(1.002)

    first()
    second()


def test_threads_share_one_window():
    window, rate = Window(), RateLimit(100, per_s=60)
    taken = []

    def take() -> None:
        taken.extend(window.take(0.0, rate) == 0 for _ in range(100))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(taken) == 100


@jumping_time
async def test_without_a_limit_nobody_waits():
    http = Scripted(OK)

    await send_all(http, 2000, None)

    assert now() == 0


@jumping_time
async def test_a_429_pauses_all_calls_of_the_credential_which_then_leave_one_by_one():
    http = Scripted(answer(429, Retry_After="5"), OK)
    transport = transport_over(http, rate=RateLimit(500, per_s=60), retry=RetryPolicy(base_s=0))
    refused = asyncio.ensure_future(transport.send(READ))
    await asyncio.sleep(1)

    await asyncio.gather(refused, *(transport.send(READ) for _ in range(10)))

    times = [sent.at for sent in http.sent[1:]]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(times) >= 5
    assert min(gaps) == pytest.approx(60 / 500)


@jumping_time
async def test_a_429_pauses_even_without_a_limit_of_our_own():
    http = Scripted(answer(429, Retry_After="5"), OK)
    transport = transport_over(http, retry=RetryPolicy(attempts=1))

    with pytest.raises(RateLimitError):
        await transport.send(READ)
    await transport.send(READ)

    assert now() == pytest.approx(5)


@jumping_time
async def test_a_pause_is_kept_by_calls_that_would_wait_less_themselves():
    http = Scripted(answer(429, Retry_After="5"), OK)
    transport = transport_over(http, retry=RetryPolicy(max_retry_after_s=1))

    with pytest.raises(RateLimitError):
        await transport.send(READ)
    await transport.send(READ)

    assert now() == pytest.approx(5)


@pytest.mark.parametrize("deadline_s", [100])
@jumping_time
async def test_a_pause_that_is_too_long_to_wait_for_raises_at_once(deadline_s):
    http = Scripted(answer(429, Retry_After="3600"), OK)
    transport = transport_over(http, deadline_s=deadline_s)
    with pytest.raises(RateLimitError):
        await transport.send(READ)
    await asyncio.sleep(10)

    with pytest.raises(RateLimitError, match="asks to wait 110 s more") as raised:
        await transport.send(READ)

    assert raised.value.retry_after_s == pytest.approx(110)
    assert raised.value.attempts == 0
    assert (now(), len(http.sent)) == (10, 1)


@pytest.mark.parametrize(("longest_s", "bound_s"), [(300, 300), (120, 120), (0, 60)])
@pytest.mark.parametrize("hint", ["3600", "1e300", "99999999999999999999"])
@jumping_time
async def test_a_pause_is_bounded_whatever_an_answer_asks_for(hint, longest_s, bound_s):
    http = Scripted(answer(429, Retry_After=hint), OK)
    transport = transport_over(http, retry=RetryPolicy(max_retry_after_s=longest_s))
    with pytest.raises(RateLimitError) as raised:
        await transport.send(READ)
    await asyncio.sleep(bound_s)

    assert await transport.send(READ) == {}

    assert raised.value.retry_after_s == float(hint)
    assert now() == pytest.approx(bound_s, abs=0.2)


@jumping_time
async def test_calls_that_wait_while_credentials_are_rotated_count_for_the_new_ones():
    current = [ApiKey("old")]
    http, rate = Scripted(OK), RateLimit(2, per_s=60)
    signer = Signer(lambda: asyncio.sleep(0, current[0]))
    transport = transport_over(http, rate=rate, signer=signer)
    waiting = [asyncio.ensure_future(transport.send(READ)) for _ in range(6)]
    await asyncio.sleep(1)

    current[0] = ApiKey("new")
    signer._asked_at = float("-inf")
    await signer.ask()
    await asyncio.gather(*waiting)

    for key in ("old", "new"):
        times = [each.at for each in http.sent if each.headers["Authorization"].endswith(key)]
        assert all(later - now_ > 60 for now_, later in zip(times, times[2:], strict=False))
    assert len(http.sent) == 6


@jumping_time
async def test_a_429_pauses_the_credential_that_it_was_for():
    async def late_refusal(sent):
        await asyncio.sleep(10)
        return answer(429, Retry_After="30")

    current = [ApiKey("old")]
    signer = Signer(lambda: asyncio.sleep(0, current[0]))
    transport = transport_over(Scripted(late_refusal, OK), signer=signer, deadline_s=20)
    call = asyncio.ensure_future(transport.send(READ))
    await asyncio.sleep(1)
    old = line_of(transport)

    current[0] = ApiKey("new")
    signer._asked_at = float("-inf")
    await transport.send(READ)
    with pytest.raises(RateLimitError):
        await call

    assert old.pause_s == pytest.approx(30)
    assert line_of(transport).pause_s == 0


@jumping_time
async def test_one_server_has_one_window_however_its_address_is_written():
    rate, urls = (
        RateLimit(1, per_s=60),
        ["http://LOCALHOST/", "http://localhost:80", "http://localhost/a"],
    )
    windows = {
        line_of(transport_over(Scripted(OK), rate=rate, base_url=url))._window for url in urls
    }

    assert len(windows) == 1


@jumping_time
async def test_a_call_that_cannot_get_a_turn_before_its_deadline_says_so():
    http = Scripted(OK)
    transport = transport_over(http, rate=RateLimit(1, per_s=60), deadline_s=10)
    await transport.send(READ)

    with pytest.raises(DeadlineError, match=r"GET /v1/team .*the rate limit") as raised:
        await transport.send(READ)

    assert now() == pytest.approx(10)
    assert raised.value.attempts == 0
    assert len(http.sent) == 1


@jumping_time
async def test_a_turn_given_up_at_the_deadline_is_there_for_the_next():
    http = Scripted(OK)
    transport = transport_over(http, rate=RateLimit(1, per_s=60), deadline_s=10)
    await transport.send(READ)
    with pytest.raises(DeadlineError):
        await transport.send(READ)
    await asyncio.sleep(51)

    await transport.send(READ)

    assert now() == pytest.approx(61)


@jumping_time
async def test_a_client_with_a_smaller_share_waits_while_another_does_not():
    small, large = RateLimit(2, per_s=60), RateLimit(10, per_s=60)
    http = Scripted(OK)
    await send_all(http, 3, large)

    await transport_over(http, rate=large).send(READ)
    assert now() == 0
    await transport_over(http, rate=small).send(READ)

    assert now() == pytest.approx(60.12)


@jumping_time
async def test_clients_that_count_in_windows_of_different_length_do_not_mix_them_up():
    long, short = RateLimit(100, per_s=60), RateLimit(10, per_s=1)
    await send_all(Scripted(OK), 10, long)

    await send_all(Scripted(OK), 20, short)

    assert now() == pytest.approx(2 * 1.002)


def test_a_client_of_a_lower_limit_waits_for_the_latest_that_is_too_many():
    window = Window()
    for sent_at in (0.0, 10.0, 20.0, 30.0):
        assert window.take(sent_at, RateLimit(10)) == 0
        window.release(sent_at, RateLimit(10))

    assert window.take(40.0, RateLimit(2)) == pytest.approx(20 + 60.12 - 40)


@jumping_time
async def test_a_request_weighs_until_a_window_after_its_answer():
    async def slowly(sent):
        await asyncio.sleep(7)
        return OK

    http = Scripted(slowly)

    await send_all(http, 3, RateLimit(2, per_s=10))

    assert [sent.at for sent in http.sent] == pytest.approx([0, 0, 7 + 10.02])


def test_windows_that_no_longer_matter_are_forgotten():
    windows = Windows()
    loop = asyncio.new_event_loop()

    for number in range(1000):
        pacer = windows.pacer("origin", str(number), RateLimit(1), loop)
        assert pacer.take() is None
        del pacer
    assert len(windows._windows) == 1000, "each may still count"
    for window in windows._windows.values():
        window._answered.clear()
        window._under_way = 0
    windows.pacer("origin", "next", RateLimit(1), loop)
    windows._forget_at = 0
    windows.pacer("origin", "last", RateLimit(1), loop)

    assert len(windows._windows) == 1
    loop.close()


@pytest.mark.parametrize(
    ("limit", "per_s"), [(0, 60), (-1, 60), (1, 0), (1, -1), (1, float("nan"))]
)
def test_a_limit_that_lets_nothing_through_is_refused(limit, per_s):
    with pytest.raises(ValueError, match="rate_limit"):
        RateLimit(limit, per_s=per_s)

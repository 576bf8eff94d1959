"""One call: its deadline, its cancellation, its events, and the closing of its client."""

from __future__ import annotations

import asyncio
import logging

import pytest

from heymarket_async import (
    AttemptEvent,
    ClientStateError,
    DeadlineError,
    NoResponseError,
    NotFoundError,
    RateLimit,
    RateLimitError,
    Repeat,
    RetryPolicy,
    ServerError,
)
from heymarket_async.pacing.turns import refuse_long_pause
from heymarket_async.request import Endpoint
from heymarket_async.transport.auth import Signer
from heymarket_async.transport.call import Call, Options
from heymarket_async.transport.http import CONNECTIONS, Answer
from tests.conftest import (
    SECRET,
    Scripted,
    Sent,
    answer,
    jumping_time,
    line_of,
    now,
    transport_over,
)

READ = Endpoint("GET", "/v1/contact/{id}", object, Repeat.READ).request(id=7)
CREATE = Endpoint("POST", "/v1/contact", object, Repeat.UNSAFE).request(body={"phone": "1"})
OK = answer(200, {})


async def slow(sent: Sent) -> Answer:
    await asyncio.sleep(10)
    return OK


async def never(sent: Sent) -> Answer:
    await asyncio.sleep(sent.timeout_s)
    raise NoResponseError("got no whole answer (time-out)")


@jumping_time
async def test_a_request_carries_what_every_call_needs():
    http = Scripted(OK)

    await transport_over(http).send(CREATE)

    sent = http.sent[0]
    assert (sent.method, sent.url) == ("POST", "https://api.heymarket.com/v1/contact")
    assert sent.body == b'{"phone":"1"}'
    assert sent.headers["Content-Type"] == sent.headers["Accept"] == "application/json"
    assert sent.headers["Authorization"].startswith("Bearer eyJ")


@jumping_time
async def test_a_request_without_a_body_has_no_content_type():
    http = Scripted(OK)

    await transport_over(http).send(READ)

    assert "Content-Type" not in http.sent[0].headers
    assert http.sent[0].body is None


@jumping_time
async def test_one_deadline_covers_all_attempts_and_waits():
    http = Scripted(never)

    with pytest.raises(NoResponseError):
        await transport_over(http, timeout_s=30, deadline_s=100).send(READ)

    assert now() <= 100
    assert [sent.timeout_s for sent in http.sent[:3]] == [30, 30, 30]
    assert http.sent[-1].timeout_s < 30


@jumping_time
async def test_a_call_whose_deadline_passed_while_it_waited_is_not_sent():
    http = Scripted(OK)
    transport = transport_over(http, rate=RateLimit(1, per_s=10), deadline_s=10.0205)
    await transport.send(READ)

    await transport.send(READ)

    assert http.sent[1].timeout_s < 0.01, "the turn came just in time"


@jumping_time
async def test_no_time_left_is_said_before_anything_is_sent():
    http = Scripted(answer(503, Retry_After="10"), OK)

    with pytest.raises(DeadlineError, match="was not sent: its deadline had passed") as raised:
        await transport_over(http, retry=RetryPolicy(base_s=0), deadline_s=10).send(CREATE_LIKE)

    assert len(http.sent) == 1
    assert raised.value.may_have_taken_effect


CREATE_LIKE = Endpoint("PUT", "/v1/contact/{id}", object, Repeat.IDEMPOTENT).request(id=7, body={})


@pytest.mark.parametrize("after_s", [0, 0.5, 5, 15])
@jumping_time
async def test_a_cancelled_call_leaves_nothing_behind(after_s):
    async def credentials():
        await asyncio.sleep(1)
        return SECRET

    http = Scripted(answer(500), answer(503, Retry_After="9"), slow)
    signer = Signer(credentials)
    transport = transport_over(http, signer=signer, rate=RateLimit(500), deadline_s=1000)
    call = asyncio.ensure_future(transport.send(READ))
    await asyncio.sleep(after_s)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert transport.waiting == ""
    assert http.slots._free == CONNECTIONS
    assert len(asyncio.all_tasks()) == 1
    http.steps = [OK]
    assert await transport.send(READ) == {}


@jumping_time
async def test_a_call_cancelled_while_it_waits_to_try_again_does_not_try_again():
    http = Scripted(answer(503, Retry_After="50"))
    call = asyncio.ensure_future(transport_over(http).send(READ))
    await asyncio.sleep(10)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.sleep(100)

    assert len(http.sent) == 1


@jumping_time
async def test_more_calls_than_connections_wait_outside_their_time_limit():
    http = Scripted(slow)
    transport = transport_over(http, timeout_s=11)

    await asyncio.gather(*(transport.send(READ) for _ in range(3 * CONNECTIONS)))

    assert now() == 30
    assert {sent.timeout_s for sent in http.sent} == {11}


@jumping_time
async def test_calls_that_the_rate_limit_holds_up_do_not_blame_the_connections():
    http = Scripted(OK)
    transport = transport_over(http, rate=RateLimit(1, per_s=60), deadline_s=5)

    ends = await asyncio.gather(
        *(transport.send(READ) for _ in range(3 * CONNECTIONS)), return_exceptions=True
    )

    assert len(http.sent) == 1
    assert {str(end) for end in ends[1:]} == {
        "GET /v1/contact/{id} was still waiting (the rate limit) when its deadline passed"
    }


@jumping_time
async def test_a_deadline_that_has_passed_is_not_taken_for_a_pause():
    transport = transport_over(Scripted(OK), rate=RateLimit(1, per_s=60))
    await transport.send(READ)
    pacer = line_of(transport)
    turn = pacer.take()

    refuse_long_pause(pacer.pause_s, -0.1)  # it waits, and its deadline ends it

    assert pacer._queue
    pacer.discard(turn)


@jumping_time
async def test_a_pause_longer_than_a_call_raises_even_if_all_connections_are_in_use():
    http = Scripted(OK)
    transport = transport_over(http, rate=RateLimit(1, per_s=60), deadline_s=100)
    waiting = [asyncio.ensure_future(transport.send(READ)) for _ in range(CONNECTIONS + 1)]
    await asyncio.sleep(1)
    line_of(transport).pause(110)
    began = now()
    with pytest.raises(RateLimitError, match="asks to wait 110 s more"):
        await transport.send(READ)

    assert now() == began
    for each in waiting:
        each.cancel()
    await asyncio.wait(waiting)
    assert http.slots._free == CONNECTIONS


@jumping_time
async def test_a_connection_that_is_handed_to_a_cancelled_call_goes_to_the_next():
    http = Scripted(slow)
    transport = transport_over(http)
    running = [asyncio.ensure_future(transport.send(READ)) for _ in range(CONNECTIONS)]
    waiting = [asyncio.ensure_future(transport.send(READ)) for _ in range(3)]
    await asyncio.sleep(1)
    assert transport.waiting == "all connections are in use"
    turns = list(http.slots._queue)

    http.slots.give_back()  # as an exchange that ends does
    waiting[0].cancel()
    waiting[1].cancel()
    await asyncio.wait([*running, *waiting])

    assert turns[0].done()
    assert waiting[2].result() == {}
    assert http.slots._free == CONNECTIONS + 1


@jumping_time
async def test_a_deadline_and_closing_in_one_moment_end_a_waiting_call_with_an_error():
    async def endless(sent):
        await asyncio.sleep(1000)

    transport = transport_over(Scripted(endless), deadline_s=5)
    calls = [asyncio.ensure_future(transport.send(READ)) for _ in range(CONNECTIONS + 1)]
    close = lambda: calls.append(asyncio.ensure_future(transport.aclose()))  # noqa: E731
    asyncio.get_running_loop().call_at(5, close)

    ends = await asyncio.gather(*calls, return_exceptions=True)
    await calls[-1]

    assert now() == 5
    assert all(isinstance(end, ClientStateError | DeadlineError) for end in ends)
    assert transport.waiting == ""


@jumping_time
async def test_a_call_that_gave_up_its_wait_for_a_connection_is_not_shown_as_waiting():
    http = Scripted(OK)
    transport = transport_over(http, deadline_s=5)
    for _ in range(CONNECTIONS):
        http.slots.take()

    with pytest.raises(DeadlineError, match="all connections are in use"):
        await transport.send(READ)

    assert (now(), transport.waiting) == (5, "")


@jumping_time
async def test_a_closed_client_leaves_no_timer_behind():
    transport = transport_over(Scripted(slow))
    calls = [asyncio.ensure_future(transport.send(READ)) for _ in range(CONNECTIONS + 1)]
    await asyncio.wait(calls)

    await transport.aclose()

    timers = asyncio.get_running_loop()._scheduled  # asyncio tells of them nowhere else
    assert all(each.cancelled() for each in timers)


@jumping_time
async def test_the_hook_gets_every_attempt():
    events: list[AttemptEvent] = []
    http = Scripted(answer(503, X_Request_Id="r-1", Retry_After="2"), slow)
    transport = transport_over(http, retry=RetryPolicy(base_s=0), on_attempt=events.append)

    await transport.send(READ)

    first, second = events
    assert (first.call, first.attempt, first.status) == ("GET /v1/contact/{id}", 1, 503)
    assert (first.request_id, first.waited_s) == ("r-1", 0)
    assert isinstance(first.error, ServerError)
    assert (second.attempt, second.status, second.error) == (2, 200, None)
    assert (second.seconds, second.waited_s) == (10, 2)


@jumping_time
async def test_a_hook_that_fails_cannot_break_a_call(caplog):
    def hook(event: AttemptEvent) -> None:
        raise KeyError("mine")

    assert await transport_over(Scripted(OK), on_attempt=hook).send(READ) == {}

    assert "on_attempt hook failed" in caplog.text


@jumping_time
async def test_attempts_are_logged_without_bodies_or_secrets(caplog):
    caplog.set_level(logging.DEBUG, "heymarket_async")
    http = Scripted(answer(400, {"message": "phone 1 is bad"}, X_Request_Id="r-9"))

    with pytest.raises(Exception, match="400"):
        await transport_over(http).send(CREATE)

    assert "POST /v1/contact: attempt 1, status 400" in caplog.text
    assert "r-9" in caplog.text
    assert "eyJ" not in caplog.text
    assert "phone" not in caplog.text


def test_the_library_is_silent_unless_asked():
    handlers = logging.getLogger("heymarket_async").handlers

    assert any(isinstance(handler, logging.NullHandler) for handler in handlers)


@jumping_time
async def test_closing_ends_calls_that_wait_with_a_clear_error():
    http = Scripted(answer(503, Retry_After="50"))
    transport = transport_over(http)
    call = asyncio.ensure_future(transport.send(CREATE_LIKE))
    await asyncio.sleep(1)

    await transport.aclose()

    with pytest.raises(ClientStateError, match="closed") as raised:
        await call
    assert raised.value.call == "PUT /v1/contact/{id}"
    assert raised.value.may_have_taken_effect
    assert now() == 1


@jumping_time
async def test_closing_in_the_moment_in_which_a_wait_ends_sends_nothing_more():
    http = Scripted(answer(503, Retry_After="50"), OK)
    transport = transport_over(http, retry=RetryPolicy(base_s=0))
    call = asyncio.ensure_future(transport.send(READ))
    await asyncio.sleep(1)

    closing: list[asyncio.Future[None]] = []
    close = lambda: closing.append(asyncio.ensure_future(transport.aclose()))  # noqa: E731
    asyncio.get_running_loop().call_at(50, close)
    asyncio.get_running_loop().call_at(50, setattr, http, "closed", True)

    with pytest.raises(ClientStateError, match="closed"):
        await call
    await closing[0]
    assert len(http.sent) == 1


@pytest.mark.parametrize("request_", [READ, CREATE], ids=["read", "create"])
@jumping_time
async def test_closing_cuts_an_exchange_off(request_):
    http = Scripted(slow)
    transport = transport_over(http)
    call = asyncio.ensure_future(transport.send(request_))
    await asyncio.sleep(1)

    await transport.aclose()
    await transport.aclose()

    with pytest.raises(ClientStateError, match="the client was closed before") as raised:
        await call
    assert raised.value.may_have_taken_effect is (request_ is CREATE)
    assert raised.value.attempts == 1
    assert now() == 1


@jumping_time
async def test_closing_ends_a_call_that_waits_for_its_credentials():
    http = Scripted(OK)
    transport = transport_over(http, signer=Signer(lambda: asyncio.sleep(100, SECRET)))
    call = asyncio.ensure_future(transport.send(CREATE))
    await asyncio.sleep(1)

    await transport.aclose()

    with pytest.raises(ClientStateError, match="the client was closed before") as raised:
        await call
    assert not raised.value.may_have_taken_effect
    assert (now(), http.sent) == (1, [])


@jumping_time
async def test_a_call_that_is_cancelled_while_its_client_closes_is_cancelled():
    transport = transport_over(Scripted(slow))
    call = asyncio.ensure_future(transport.send(READ))
    await asyncio.sleep(1)

    call.cancel()
    await transport.aclose()

    with pytest.raises(asyncio.CancelledError):
        await call


@jumping_time
async def test_closing_ends_calls_in_the_queue_for_their_turn():
    transport = transport_over(Scripted(OK), rate=RateLimit(1, per_s=60))
    await transport.send(READ)
    call = asyncio.ensure_future(transport.send(READ))
    await asyncio.sleep(1)

    await transport.aclose()

    with pytest.raises(ClientStateError, match="closed"):
        await call


@jumping_time
async def test_a_turn_that_comes_as_the_client_closes_is_given_back():
    http = Scripted(OK)
    rate = RateLimit(1, per_s=60)
    transport, other = transport_over(http, rate=rate), transport_over(Scripted(OK), rate=rate)
    await transport.send(READ)
    call = asyncio.ensure_future(transport.send(READ))
    await asyncio.sleep(1)
    grant = line_of(transport)._timer
    # The same moment, but after the grant and before its waiter runs.
    asyncio.get_running_loop().call_at(grant.when(), setattr, http, "closed", True)

    await asyncio.wait([call])
    with pytest.raises(ClientStateError, match="closed"):
        call.result()
    await other.send(READ)

    assert now() == pytest.approx(60.12)


@jumping_time
async def test_a_closed_transport_sends_nothing():
    http = Scripted(OK)
    transport = transport_over(http)
    await transport.aclose()

    with pytest.raises(ClientStateError, match=r"closed\. Make a new one") as raised:
        await transport.send(READ)

    assert raised.value.call == "GET /v1/contact/{id}"

    assert http.sent == []


def test_use_in_another_event_loop_raises():
    transport = transport_over(Scripted(OK))

    @jumping_time
    async def use() -> None:
        await transport.send(READ)

    use()
    with pytest.raises(ClientStateError, match=r"loop that has ended\. A client belongs to"):
        use()


def test_closing_in_another_event_loop_raises():
    transport = transport_over(Scripted(OK))
    loop = asyncio.new_event_loop()
    loop.run_until_complete(transport.send(READ))

    with pytest.raises(ClientStateError, match=r"in use in another event loop\. Close it there"):
        asyncio.run(transport.aclose())
    loop.run_until_complete(transport.send(READ))  # nothing of it was closed
    loop.close()


def test_a_client_whose_event_loop_has_ended_may_be_closed_in_another():
    transport = transport_over(Scripted(OK))
    asyncio.run(transport.send(READ))

    asyncio.run(transport.aclose())

    with pytest.raises(ClientStateError, match="the client is closed"):
        asyncio.run(transport.send(READ))


@jumping_time
async def test_a_body_that_json_cannot_express_is_refused_before_anything_is_sent():
    http = Scripted(OK)
    request = Endpoint("POST", "/v1/contact", object, Repeat.UNSAFE).request(body={"a": object()})

    with pytest.raises(ValueError, match="cannot be written as JSON"):
        await transport_over(http).send(request)

    assert http.sent == []


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), "30", None, True])
@pytest.mark.parametrize("name", ["timeout_s", "deadline_s"])
def test_time_limits_must_leave_time(name, seconds):
    with pytest.raises(ValueError, match=f"{name} must be"):
        transport_over(Scripted(OK), **{name: seconds})


@pytest.mark.parametrize(("name", "value"), [("retry", 5), ("on_attempt", 5)])
def test_options_of_another_type_are_refused(name, value):
    options = {name: value}
    with pytest.raises(ValueError, match=f"{name} must be"):
        Options(**options)


def test_a_hook_that_would_have_to_be_awaited_is_refused():
    async def hook(event: AttemptEvent) -> None: ...

    with pytest.raises(ValueError, match="plain function"):
        transport_over(Scripted(OK), on_attempt=hook)


@pytest.mark.parametrize("failure", [asyncio.CancelledError, KeyError])
@jumping_time
async def test_a_hook_cannot_break_a_call_whatever_it_raises(failure, caplog):
    def hook(event: AttemptEvent) -> None:
        raise failure

    assert await transport_over(Scripted(OK), on_attempt=hook).send(READ) == {}

    assert "the on_attempt hook failed; the call continues" in caplog.text


@jumping_time
async def test_a_hook_that_returns_a_coroutine_is_logged(caplog):
    def hook(event: AttemptEvent) -> object:
        return asyncio.sleep(0)

    await transport_over(Scripted(OK), on_attempt=hook).send(READ)

    assert "on_attempt returned a coroutine" in caplog.text


@jumping_time
@pytest.mark.parametrize("last", [answer(404), answer(404, b"<html>", X_Request_Id="r-1")])
async def test_a_delete_that_a_gateway_does_not_know_is_not_taken_for_done(last):
    delete = Endpoint("DELETE", "/v1/contact/{id}", type(None), Repeat.IDEMPOTENT).request(id=7)

    with pytest.raises(NotFoundError) as raised:
        await transport_over(Scripted(answer(502), last)).send(delete)

    assert raised.value.may_have_taken_effect


async def test_a_call_does_not_show_what_it_sends():
    loop = asyncio.get_running_loop()
    shown = repr(Call(READ, b'{"phone": "15550000001"}', loop, now(), now() + 1))

    assert shown == "<Call of GET /v1/contact/{id}>"


@jumping_time
async def test_a_deadline_between_attempts_raises_with_the_last_error_as_its_cause():
    rate = RateLimit(1, per_s=60)
    http = Scripted(answer(503, X_Request_Id="r-1"), answer(502, X_Request_Id="r-2"), OK)
    transport = transport_over(http, rate=rate, deadline_s=100, retry=RetryPolicy(base_s=0))

    with pytest.raises(DeadlineError) as raised:
        await transport.send(READ)

    assert isinstance(raised.value.__cause__, ServerError)
    assert (raised.value.__cause__.status, raised.value.request_id) == (502, "r-2")
    assert raised.value.attempts == 2
    assert transport.waiting == "", "it waited for the rate limit"

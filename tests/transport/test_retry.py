"""The table of retries, cell by cell."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec import structs
from multidict import CIMultiDict

from heymarket_async import (
    AuthenticationError,
    ConnectError,
    DecodeError,
    HeymarketError,
    NoResponseError,
    RateLimitError,
    Repeat,
    RetryPolicy,
    ServerError,
    StatusError,
)
from heymarket_async.endpoints.contacts import Contacts
from heymarket_async.endpoints.messages import Messages
from heymarket_async.pacing.window import RateLimit
from heymarket_async.request import Endpoint
from heymarket_async.transport.http import Answer
from tests.conftest import Scripted, Step, answer, jumping_time, now, transport_over
from tests.endpoints.texting import text

OK = answer(200, {"ok": True})
READ = Endpoint("POST", "/v1/contacts", object, Repeat.READ).request(body={})
WRITE = Endpoint("PUT", "/v1/contact/{id}", object, Repeat.IDEMPOTENT).request(id=7, body={})
CREATE = Endpoint("POST", "/v1/contact", object, Repeat.UNSAFE).request(body={})
DELETE = Endpoint("DELETE", "/v1/contact/{id}", type(None), Repeat.IDEMPOTENT).request(id=7)

LONG_AGO = {"Retry_After": "Mon, 23 Nov 2026 10:00:00 GMT", "Date": "Mon, 23 Nov 2026 10:00:01 GMT"}

not_sent: Step = ConnectError("refused")
lost: Step = NoResponseError("reset")
garbled = [answer(200, b"<html>"), answer(200, b'{"ok": tr'), answer(200, b"")]
other_shape = answer(200, ["ok"])
PASSING = [408, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524, 529, 530, 599]
MAY_BE_DONE = {301, 302, 303, 501, 505, 600}
FINAL = [301, 302, 303, 307, 308, 400, 403, 404, 405, 409, 410, 413, 422, 501, 505, 600]


def fresh(step: Step) -> Step:
    """Return a new error for every case, because raising one changes it."""
    return type(step)(*step.args) if isinstance(step, Exception) else step


@pytest.mark.parametrize("request_", [READ, WRITE, CREATE], ids=["read", "write", "create"])
@pytest.mark.parametrize("failure", [not_sent, answer(429)], ids=["not sent", "429"])
@jumping_time
async def test_what_was_certainly_not_done_is_sent_again(request_, failure):
    http = Scripted(fresh(failure), OK)

    assert await transport_over(http).send(request_) == {"ok": True}

    assert len(http.sent) == 2
    assert http.sent[0][:2] == http.sent[1][:2]
    assert http.sent[0].body == http.sent[1].body


@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize(
    "failure",
    [lost, *map(answer, PASSING), *garbled],
    ids=["lost", *map(str, PASSING), "html", "cut", "empty"],
)
@jumping_time
async def test_what_may_have_been_done_is_sent_again_where_twice_is_as_good(request_, failure):
    http = Scripted(fresh(failure), OK)

    assert await transport_over(http).send(request_) == {"ok": True}

    assert len(http.sent) == 2


@pytest.mark.parametrize(
    "failure",
    [lost, *map(answer, PASSING), *garbled],
    ids=["lost", *map(str, PASSING), "html", "cut", "empty"],
)
@jumping_time
async def test_a_create_that_may_have_been_done_is_not_sent_again(failure):
    http = Scripted(fresh(failure), OK)

    with pytest.raises(HeymarketError) as raised:
        await transport_over(http).send(CREATE)

    assert len(http.sent) == 1
    assert raised.value.may_have_taken_effect
    assert raised.value.attempts == 1


@jumping_time
async def test_a_request_that_came_too_early_is_sent_again_where_twice_is_as_good():
    for request in (READ, WRITE):
        http = Scripted(answer(425), OK)
        assert await transport_over(http).send(request) == {"ok": True}
        assert len(http.sent) == 2

    http = Scripted(answer(425), OK)
    with pytest.raises(StatusError) as raised:
        await transport_over(http).send(CREATE)
    assert len(http.sent) == 1
    assert not raised.value.may_have_taken_effect


@pytest.mark.parametrize(("status", "attempts"), [(401, 1), (403, 1), (407, 1), (0, 5), (502, 5)])
@jumping_time
async def test_a_proxy_that_wants_another_login_is_not_asked_again(status, attempts):
    http = Scripted(ConnectError("refused", proxy_status=status))

    with pytest.raises(ConnectError):
        await transport_over(http).send(READ)

    assert len(http.sent) == attempts


@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
@jumping_time
async def test_an_empty_body_that_may_be_cut_is_a_lost_answer(request_):
    http = Scripted(Answer(200, CIMultiDict(), b"", may_be_cut=True), OK)

    assert await transport_over(http).send(request_) == {"ok": True}

    assert len(http.sent) == 2


@jumping_time
async def test_an_empty_body_that_may_be_cut_says_enough_where_no_content_is_needed():
    http = Scripted(Answer(200, CIMultiDict(), b"", may_be_cut=True), OK)

    await transport_over(http).send(DELETE)

    assert len(http.sent) == 1


@pytest.mark.parametrize("request_", [READ, WRITE, CREATE], ids=["read", "write", "create"])
@pytest.mark.parametrize("status", FINAL)
@jumping_time
async def test_a_refusal_is_final(request_, status):
    http = Scripted(answer(status), OK)

    with pytest.raises(StatusError) as raised:
        await transport_over(http).send(request_)

    assert len(http.sent) == 1
    assert raised.value.status == status
    assert raised.value.may_have_taken_effect is (status in MAY_BE_DONE and request_ is not READ)


@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
@jumping_time
async def test_json_of_another_shape_is_final(request_):
    http = Scripted(other_shape, OK)

    with pytest.raises(DecodeError) as raised:
        await transport_over(http).send(structs.replace(request_, returns=dict[str, object]))

    assert len(http.sent) == 1
    assert raised.value.may_have_taken_effect is (request_ is WRITE)


@jumping_time
async def test_a_page_of_a_gateway_that_comes_again_and_again_is_named():
    http = Scripted(answer(200, b"<html>"))

    with pytest.raises(DecodeError, match=r"it is an HTML page, .*check base_url.*; 3 attempts"):
        await transport_over(http, retry=RetryPolicy(attempts=3)).send(READ)

    assert len(http.sent) == 3


@pytest.mark.parametrize("request_", [READ, WRITE, CREATE], ids=["read", "write", "create"])
@jumping_time
async def test_a_refused_token_is_replaced_once(request_):
    http = Scripted(answer(401), OK)

    assert await transport_over(http, retry=RetryPolicy(attempts=1)).send(request_)

    assert len(http.sent) == 2
    assert now() == 0


@jumping_time
async def test_a_token_that_is_refused_twice_is_an_error():
    http = Scripted(answer(401), answer(401), OK)

    with pytest.raises(AuthenticationError) as raised:
        await transport_over(http).send(READ)

    assert len(http.sent) == 2
    assert not raised.value.may_have_taken_effect


@jumping_time
async def test_a_token_may_be_refused_once_more_in_a_later_attempt():
    http = Scripted(answer(401), answer(503), answer(401), OK)

    await transport_over(http).send(READ)

    assert len(http.sent) == 4


@pytest.mark.parametrize("gone", [404, 410])
@pytest.mark.parametrize("failure", [lost, answer(500), answer(504)], ids=["lost", "500", "504"])
@jumping_time
async def test_a_repeated_delete_that_finds_nothing_has_succeeded(failure, gone):
    http = Scripted(fresh(failure), answer(gone, X_Request_Id="r-1"))

    await transport_over(http).send(DELETE)

    assert len(http.sent) == 2


@pytest.mark.parametrize("failure", [not_sent, answer(429)], ids=["not sent", "429"])
@jumping_time
async def test_a_delete_that_finds_nothing_and_was_not_done_before_raises(failure):
    http = Scripted(fresh(failure), answer(404, X_Request_Id="r-1"))

    with pytest.raises(StatusError, match="404"):
        await transport_over(http).send(DELETE)


@jumping_time
async def test_an_update_that_finds_nothing_after_a_lost_answer_raises():
    http = Scripted(fresh(lost), answer(404, X_Request_Id="r-1"))

    with pytest.raises(StatusError) as raised:
        await transport_over(http).send(WRITE)

    assert raised.value.status == 404
    assert raised.value.may_have_taken_effect, "the first attempt may have been carried out"


@jumping_time
async def test_an_uncertain_attempt_is_remembered_when_the_last_one_was_not_sent():
    http = Scripted(fresh(lost), fresh(not_sent))

    with pytest.raises(ConnectError) as raised:
        await transport_over(http).send(WRITE)

    assert raised.value.may_have_taken_effect
    assert raised.value.attempts == 5


@jumping_time
async def test_reads_never_claim_to_have_taken_effect():
    http = Scripted(answer(503))

    with pytest.raises(ServerError) as raised:
        await transport_over(http, retry=RetryPolicy(attempts=3)).send(READ)

    assert len(http.sent) == 3
    assert not raised.value.may_have_taken_effect


@jumping_time
async def test_waits_double_at_most_and_stay_below_the_cap():
    http = Scripted(answer(503))
    policy = RetryPolicy(attempts=9, base_s=1, cap_s=8)

    with pytest.raises(ServerError):
        await transport_over(http, retry=policy).send(READ)

    times = [sent.at for sent in http.sent]
    waits = [later - earlier for earlier, later in pairwise(times)]
    limits = [1, 2, 4, 8, 8, 8, 8, 8]
    assert all(0 <= wait <= limit for wait, limit in zip(waits, limits, strict=True))
    assert len(set(waits)) == 8, "waits are random, so that callers do not come back together"


@pytest.mark.parametrize("status", [429, 500, 503])
@jumping_time
async def test_the_wait_that_the_server_asks_for_is_never_undercut(status):
    http = Scripted(answer(status, Retry_After="7"), OK)

    await transport_over(http, retry=RetryPolicy(base_s=1)).send(READ)

    assert 7 <= http.sent[1].at <= 8


@jumping_time
async def test_a_wait_given_as_a_date_counts_from_the_servers_own_date():
    date, later = "Mon, 23 Nov 2026 10:00:00 GMT", "Mon, 23 Nov 2026 10:00:09 GMT"
    http = Scripted(answer(503, Retry_After=later, Date=date), OK)

    await transport_over(http, retry=RetryPolicy(base_s=0)).send(READ)

    assert http.sent[1].at == pytest.approx(9)


@jumping_time
async def test_a_wait_above_the_cap_raises_at_once():
    http = Scripted(answer(429, Retry_After="121"), OK)

    with pytest.raises(RateLimitError) as raised:
        await transport_over(http, retry=RetryPolicy(max_retry_after_s=120)).send(READ)

    assert raised.value.retry_after_s == 121
    assert now() == 0


@pytest.mark.parametrize("hint", [{}, {"Retry_After": "0"}, {"Retry_After": "-5"}, LONG_AGO])
@pytest.mark.parametrize("request_", [READ, CREATE], ids=["read", "create"])
@jumping_time
async def test_a_429_without_a_hint_outlasts_the_minute(request_, hint):
    http = Scripted(answer(429, **hint), OK)

    await transport_over(http).send(request_)

    assert http.sent[1].at > 60


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (lambda over: Contacts(over).page(), []),
        (lambda over: Messages(over).send(text()), {"id": 7}),
        (lambda over: Messages(over).send_once(text()), {"id": 7}),
    ],
    ids=["contacts", "send", "send_once"],
)
@jumping_time
async def test_a_call_outlasts_three_429s_that_say_no_time(call, body):
    http = Scripted(answer(429), answer(429), answer(429), answer(200, body))

    await call(transport_over(http, rate=RateLimit(500)))

    assert len({sent.body for sent in http.sent}) == 1
    assert len(http.sent) == 4
    assert now() > 180


@jumping_time
async def test_a_wait_that_would_end_after_the_deadline_is_not_begun():
    http = Scripted(answer(429, Retry_After="50"), OK)

    with pytest.raises(RateLimitError):
        await transport_over(http, deadline_s=49).send(READ)

    assert now() == 0


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "1", None, True])
@pytest.mark.parametrize("field", ["attempts", "base_s", "cap_s", "max_retry_after_s"])
def test_a_policy_that_makes_no_sense_is_refused(field, value):
    with pytest.raises(ValueError, match=f"retry.{field} must be"):
        RetryPolicy(**{field: value})

import asyncio
import json
import time
from email.utils import parsedate_to_datetime

import aiohttp
import pytest

from heymarket_async.sandbox import Readings, Sandbox
from heymarket_async.sandbox.faults import Fault

JORDAN = {"phone": "15105553344"}
CREATE, COUNT = "POST /v1/contact", "POST /v1/contacts/count"


async def test_an_ordered_answer_hits_its_route_and_is_used_up(serve):
    account = await serve()
    account.sandbox.faults.answer(503, on=CREATE, times=2)
    assert await account.status(COUNT, {}) == 200
    assert [await account.status(CREATE, JORDAN) for _ in range(3)] == [503, 503, 200]
    assert [seen.fault for seen in account.sandbox.requests] == [
        None,
        "answer 503",
        "answer 503",
        None,
    ]
    assert len(account.sandbox.store) == 1


async def test_a_fault_lets_the_first_requests_of_its_route_pass(serve):
    account = await serve()
    account.sandbox.faults.answer(503, on=CREATE, after=2)
    account.sandbox.faults.answer(502, on=COUNT)
    assert await account.status(COUNT, {}) == 502
    assert [await account.status(CREATE, JORDAN) for _ in range(4)] == [200, 200, 503, 200]
    with pytest.raises(ValueError, match="after must not be negative"):
        account.sandbox.faults.html(after=-1)


async def test_an_answer_may_come_after_the_write(serve):
    account = await serve()
    account.sandbox.faults.answer(500, on=CREATE, after_write=True)
    assert await account.status(CREATE, JORDAN) == 500
    assert len(account.sandbox.store) == 1


@pytest.mark.parametrize(
    ("body", "sent"),
    [(b"raw", b"raw"), ("text", b"text"), ({"a": [1]}, b'{"a":[1]}'), ([], b"[]")],
)
async def test_an_answer_may_have_any_body_and_headers(serve, body, sent):
    account = await serve()
    account.sandbox.faults.answer(418, body=body, headers={"Retry-After": "3"})
    async with account.session.get("/v1/team") as response:
        assert (response.status, await response.read()) == (418, sent)
        assert response.headers["Retry-After"] == "3"


async def test_an_answer_without_a_body_has_the_error_body_of_its_status(serve):
    account = await serve(readings=Readings(error_body="code"))
    account.sandbox.faults.answer(429, headers={"Retry-After": "1"})
    status, answer = await account.try_("GET /v1/team")
    assert (status, answer["error_code"]) == (429, "rate_limit_exceeded")


async def test_a_success_without_a_body_is_empty(serve):
    account = await serve()
    account.sandbox.faults.answer(204)
    async with account.session.get("/v1/team") as response:
        assert (response.status, await response.read()) == (204, b"")


async def test_a_route_is_named_as_the_docs_spell_it(serve):
    account = await serve(3)
    key = account.sandbox.store.contacts[0]["id"]
    account.sandbox.faults.answer(503, on="GET /v1/contact/{id}")
    assert await account.status(f"GET /v1/contact/{key}") == 503


async def test_an_unknown_route_is_an_error_that_names_the_known_ones(serve):
    account = await serve()
    with pytest.raises(ValueError, match=r"no route 'GET /x'; known: .*POST /v1/contacts"):
        account.sandbox.faults.reset(on="GET /x")
    with pytest.raises(ValueError, match="times"):
        account.sandbox.faults.reset(times=0)


async def test_faults_strike_in_the_order_they_were_added(serve):
    account = await serve()
    for status in (500, 502, 503):
        account.sandbox.faults.answer(status)
    assert [await account.status(COUNT, {}) for _ in range(4)] == [500, 502, 503, 200]


async def test_a_standing_fault_strikes_until_it_is_cleared(serve):
    account = await serve()
    account.sandbox.faults.answer(500, times=None)
    assert {await account.status(COUNT, {}) for _ in range(5)} == {500}
    account.sandbox.faults.clear()
    assert await account.status(COUNT, {}) == 200


@pytest.mark.parametrize(("after_write", "contacts"), [(False, 0), (True, 1)])
async def test_a_reset_tears_the_connection_down(serve, capfd, caplog, after_write, contacts):
    account = await serve()
    account.sandbox.faults.reset(on=CREATE, after_write=after_write)
    with pytest.raises(aiohttp.ClientOSError, match="reset by peer"):
        await account.ask(CREATE, JORDAN)
    assert len(account.sandbox.store) == contacts
    assert account.sandbox.requests[-1].status is None
    assert (capfd.readouterr().err, caplog.text) == ("", "")


@pytest.mark.parametrize(("route", "sent"), [(CREATE, JORDAN), ("POST /v1/contacts", {})])
async def test_a_cut_body_follows_right_headers_and_the_write(serve, capfd, caplog, route, sent):
    account = await serve(100)
    account.sandbox.faults.cut_body(on=route)
    async with account.session.post(route.split()[1], json=sent) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    assert len(account.sandbox.store) == 100 + (route == CREATE)
    assert account.sandbox.requests[-1].fault == "cut_body"
    assert (capfd.readouterr().err, caplog.text) == ("", "")


async def test_even_an_empty_body_can_be_cut(serve):
    account = await serve(readings=Readings(error_body="empty"))
    account.sandbox.faults.cut_body()
    async with account.session.get("/v1/contact/5") as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_drop_idle_strikes_only_on_a_connection_that_was_used_before(serve):
    account = await serve()
    account.sandbox.faults.drop_idle(on=CREATE)
    await account.ask(COUNT, {})
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await account.ask(CREATE, JORDAN)
    assert len(account.sandbox.store) == 0
    assert account.sandbox.requests[-1].fault == "drop_idle"
    await account.ask(CREATE, JORDAN)


async def test_drop_idle_spares_a_fresh_connection(serve):
    account = await serve()
    account.sandbox.faults.drop_idle()
    await account.ask(CREATE, JORDAN)
    assert account.sandbox.requests[-1].fault is None


@pytest.mark.parametrize("status", [200, 502])
async def test_an_html_page_comes_in_place_of_json(serve, status):
    account = await serve()
    account.sandbox.faults.html(status=status, on=CREATE)
    async with account.session.post("/v1/contact", json=JORDAN) as response:
        assert (response.status, response.content_type) == (status, "text/html")
        assert (await response.text()).startswith("<!DOCTYPE html>")
    assert len(account.sandbox.store) == 0


@pytest.mark.parametrize("where", ["before", "middle"])
async def test_a_delay_waits_and_then_answers_in_full(serve, where):
    account = await serve()
    account.sandbox.faults.delay(0.05, where=where, on=COUNT)
    begin = time.monotonic()
    assert await account.ask(COUNT, {}) == 0
    assert time.monotonic() - begin >= 0.05


async def test_a_delay_before_holds_the_headers_back_and_one_in_the_middle_does_not(serve):
    account = await serve()
    account.sandbox.faults.delay(60, where="middle")
    account.sandbox.faults.delay(60, where="before")
    async with asyncio.timeout(5):
        response = await account.session.post("/v1/contacts/count", json={})
    assert response.status == 200
    response.close()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await account.ask(COUNT, {})


async def test_a_write_that_the_caller_gave_up_on_still_happens(serve, until):
    account = await serve()
    account.sandbox.faults.delay(0.4, on=CREATE)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await account.ask(CREATE, JORDAN)
    assert len(account.sandbox.store) == 0
    await until(lambda: len(account.sandbox.store))


async def test_closing_ends_a_delay_whose_caller_has_gone(serve, capfd, caplog):
    account = await serve()
    account.sandbox.faults.delay(60, on=CREATE)
    account.sandbox.faults._order(slow_reset(), COUNT, 1, 0)
    for route in (CREATE, COUNT):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await account.ask(route, JORDAN)
    await asyncio.sleep(0.02)  # until the sandbox notices that the connections are closed
    async with asyncio.timeout(5):
        await account.sandbox.aclose()
    assert (capfd.readouterr().err, caplog.text) == ("", "")


async def test_the_server_can_wait_for_requests_at_work(serve, until):
    account = await serve()
    account.sandbox.faults.delay(0.05)
    asking = asyncio.create_task(account.ask(COUNT, {}))
    await until(lambda: account.sandbox.requests)
    await account.sandbox._server.finished()
    assert account.sandbox.requests[0].status == 200
    assert await asking == 0


def slow_reset():
    return Fault(name="slow reset", wait_s=60, ends="reset")


async def test_a_wrong_clock_is_seen_in_date_stamps_and_tokens(serve):
    account = await serve()
    account.sandbox.faults.clock(3600)
    async with account.session.post("/v1/contact", json=JORDAN) as response:
        shown = parsedate_to_datetime(response.headers["Date"]).timestamp()
    assert 3590 < shown - time.time() < 3610
    assert await account.status_with(f"Bearer {account.token()}") == 401
    assert await account.status_with(f"Bearer {account.token(age_s=-3600)}") == 200
    account.sandbox.faults.clear()
    assert await account.status_with(f"Bearer {account.token()}") == 200


async def outcomes(account, requests):
    for _ in range(requests):
        try:
            await account.try_(COUNT, {})
        except aiohttp.ClientError:
            continue
    return [seen.fault for seen in account.sandbox.requests]


async def test_random_faults_are_repeatable_and_as_frequent_as_asked(serve):
    first, second = await serve(seed=3), await serve(seed=3)
    for account in (first, second):
        account.sandbox.faults.random(0.3)
    seen = await outcomes(first, 200)
    assert seen == await outcomes(second, 200)
    assert 40 < sum(fault is not None for fault in seen) < 80
    assert {"reset", "reset after write", "cut_body", "answer 503", "html 500"} <= set(seen)


async def test_random_faults_keep_to_their_route_and_kinds(serve):
    account = await serve()
    account.sandbox.faults.random(1.0, kinds=["429"], on=COUNT, seed=5, retry_after="7")
    async with account.session.post("/v1/contacts/count", json={}) as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "7")
    assert await account.status(CREATE, JORDAN) == 200


async def test_a_random_429_may_come_without_retry_after(serve):
    account = await serve()
    account.sandbox.faults.random(1.0, kinds=["429"], retry_after=None)
    async with account.session.get("/v1/team") as response:
        assert "Retry-After" not in response.headers


@pytest.mark.parametrize("kind", ["burn", "html", "5000"])
async def test_an_unknown_kind_is_an_error(serve, kind):
    account = await serve()
    with pytest.raises(ValueError, match=f"no kind '{kind}'"):
        account.sandbox.faults.random(0.5, kinds=[kind])


@pytest.mark.parametrize(
    "order",
    [
        lambda faults: faults.answer(99),
        lambda faults: faults.answer(1000),
        lambda faults: faults.delay(-1),
        lambda faults: faults.delay(float("nan")),
        lambda faults: faults.delay(1, where="end"),
        lambda faults: faults.random(7),
        lambda faults: faults.random(-1),
        lambda faults: faults.random(0.5, kinds=[]),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused_when_it_is_ordered(serve, order):
    account = await serve()
    with pytest.raises(ValueError, match="must"):
        order(account.sandbox.faults)


@pytest.mark.parametrize("body", [b'{"phone":"\xff"}', b"[" * 100_000])
async def test_a_body_that_is_no_json_is_refused_and_kept_as_it_came(serve, body):
    account = await serve()
    async with account.session.post("/v1/contact", data=body) as response:
        assert response.status == 400
        assert response.headers["X-Request-Id"]
    assert account.sandbox.requests[-1].body == body


@pytest.mark.parametrize(
    ("route", "body", "answer"),
    [
        (COUNT, 0, 0),
        (COUNT, "many", None),
        (COUNT, b'"12"', "12"),
        ("POST /v1/contact-fields", [{"id": 123, "title": None}], [{"id": 123, "title": None}]),
    ],
)
async def test_a_standing_answer_may_be_wrong_for_the_whole_account(serve, route, body, answer):
    account = await serve(3)
    account.sandbox.faults.answer(200, on=route, body=body, times=None)
    for _ in range(2):
        async with account.session.post(route.split()[1], json={}) as response:
            text = await response.read()
    assert text == b"many" if answer is None else json.loads(text) == answer


@pytest.mark.parametrize("route", ["POST /v1/contact-fields", "GET /v1/team"])
async def test_a_right_may_be_missing_for_one_route(serve, route):
    account = await serve(3)
    account.sandbox.faults.answer(403, on=route, times=None)
    assert await account.status(route) == 403
    assert await account.status(COUNT, {}) == 200


@pytest.mark.parametrize(
    ("status", "code"), [(422, "bad_data"), (410, "not_found"), (503, "server_error")]
)
async def test_only_an_error_of_the_server_is_called_one(serve, status, code):
    account = await serve()
    account.sandbox.faults.answer(status)
    assert (await account.try_("GET /v1/team"))[1]["error"] == code


async def test_a_latency_delays_every_answer_and_failure(serve):
    account = await serve()
    account.sandbox.faults.latency(0.05)
    account.sandbox.faults.answer(503)
    began = time.monotonic()

    assert [await account.status("GET /v1/team") for _ in range(2)] == [503, 200]
    assert time.monotonic() - began >= 0.1
    account.sandbox.faults.clear()
    assert account.sandbox.faults.latency_s == 0


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_a_latency_is_a_number_of_seconds(seconds):
    with pytest.raises(ValueError, match="seconds must not be negative"):
        Sandbox().faults.latency(seconds)

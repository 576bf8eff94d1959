"""The example services as processes, in front of a Heymarket that fails now and then."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import aiohttp
import pytest

from examples.http_errors import refusal_of
from heymarket_async import ClientStateError, DeadlineError, StoreError
from heymarket_async.sandbox import Sandbox
from tests.ports import free_port
from tests.redis_server import RedisServer

pytestmark = pytest.mark.unmeasured

ROOT = Path(__file__).parents[2]
PYTHON = [sys.executable, "-X", "dev", "-W", "error"]
COMMANDS = {
    "fastapi": [*PYTHON, "-m", "uvicorn", "examples.fastapi_service.app:app"],
    "aiohttp": [*PYTHON, "-m", "examples.aiohttp_service.app"],
}
ENDED = (0, -signal.SIGTERM)  # uvicorn ends by the signal, once all is closed
PERSON = {"phone": "15105550101", "first": "Ada"}


@pytest.fixture
def sandbox():
    with Sandbox(contacts=20, seed=3, limit=None) as sandbox:
        yield sandbox


@contextmanager
def serving(name, sandbox, tmp_path, **more):
    """Run a service; give its process, with its address and what it writes."""
    port = free_port()
    environment = {
        **os.environ,
        "HEYMARKET_BASE_URL": sandbox.url,
        "HEYMARKET_SECRET_ID": sandbox.credentials.secret_id,
        "HEYMARKET_SECRET_KEY": sandbox.credentials.secret_key,
        **more,
    }
    with (tmp_path / "log").open("wb") as log:
        command = [*COMMANDS[name], "--port", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _await_port(process, port)
            process.url, process.log = f"http://127.0.0.1:{port}", tmp_path / "log"
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def request_s():
    return "30"  # more than enough on a busy machine


waits_to_the_end = pytest.mark.parametrize("request_s", ["3"])
"""Of a test in which a caller waits as long as a request may take."""


@pytest.fixture(params=list(COMMANDS))
def service(request, request_s, sandbox, tmp_path):
    with serving(request.param, sandbox, tmp_path, REQUEST_S=request_s) as process:
        yield process


def _await_port(process, port) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("the service ended at once")


@pytest.fixture
async def caller(service):
    async with aiohttp.ClientSession(service.url) as session:
        yield session


async def put(caller, person=PERSON):
    async with caller.put("/contacts", json=person) as answer:
        return answer.status, await answer.json(), answer.headers


def contacts_with(sandbox, phone: str) -> int:
    return sum(phone.encode() in line for line in sandbox.store.lines())


async def test_a_person_becomes_a_contact_once(service, caller, sandbox):
    first = await put(caller)
    again = await put(caller)

    assert (first[0], again[0]) == (201, 200)
    assert first[1]["id"] == again[1]["id"] is not None
    assert contacts_with(sandbox, PERSON["phone"]) == 1


async def test_a_lost_answer_makes_no_second_contact(service, caller, sandbox):
    sandbox.faults.reset(on="POST /v1/batch/contacts", after_write=True)

    status, _, _ = await put(caller)

    assert status == 201
    assert contacts_with(sandbox, PERSON["phone"]) == 1


async def test_many_callers_of_one_person_make_one_contact(service, caller, sandbox):
    answers = await asyncio.gather(*(put(caller) for _ in range(20)))

    assert {status for status, _, _ in answers} <= {200, 201}
    assert contacts_with(sandbox, PERSON["phone"]) == 1


async def test_a_person_is_found(service, caller, sandbox):
    await put(caller)

    async with caller.post("/contacts/find", json=PERSON) as found:
        assert found.status == 200
        assert (await found.json())["is_opted_out"] is False
    async with caller.post("/contacts/find", json={"phone": "15105559999"}) as nobody:
        assert nobody.status == 404


WRONG = {
    "no phone": ({"phone": "510-555-01"}, "^phone must be a valid number"),
    "half of an emoji": ({**PERSON, "first": "Ada \ud83d"}, None),
    "a control character": ({**PERSON, "last": "Love\x00lace"}, "^last must have at most"),
    "a misspelt key": ({**PERSON, "fisrt": "Ada"}, "fisrt"),
    "another type": ({**PERSON, "first": 5}, "first"),
    "a list": ([PERSON], None),
}


async def refused(caller, method, path, **sent):
    """Send a request that is refused; return the status, and the detail for people."""
    async with caller.request(method, path, **sent) as answer:
        body = await answer.json()
    assert set(body) == {"error", "detail", "request_id"}
    return answer.status, body["detail"]


async def test_wrong_input_is_the_callers_mistake_and_the_field_is_named(service, caller, sandbox):
    for name, (person, problem) in WRONG.items():
        for method, path in (("PUT", "/contacts"), ("POST", "/contacts/find")):
            status, detail = await refused(caller, method, path, json=person)
            assert status == 422, (name, path)
            assert problem is None or re.search(problem, detail), (name, path)
    assert not sandbox.requests
    assert_quiet(service)


async def test_what_no_route_takes_is_refused_in_the_same_shape(service, caller, sandbox):
    assert (await refused(caller, "PUT", "/contacts", data=b"{"))[0] == 422
    assert (await refused(caller, "GET", "/nothing"))[0] == 404
    assert (await refused(caller, "DELETE", "/contacts"))[0] == 405
    assert (await refused(caller, "POST", "/contacts/find", json=PERSON)) == (
        404,
        "nobody has this phone",
    )


async def test_a_long_body_is_refused(service, caller, sandbox):
    async def in_pieces():
        for _ in range(3):
            yield b" " * (1 << 20)

    for body in (BytesIO(b" " * (3 << 20)), in_pieces()):
        try:
            status, _ = await refused(caller, "PUT", "/contacts", data=body)
        except aiohttp.ClientConnectionError:
            continue  # it was still being sent when the service had answered
        assert status == 413
    assert not sandbox.requests
    assert (await put(caller))[0] == 201
    assert_quiet(service)


async def test_a_phone_may_be_written_as_people_write_it(service, caller, sandbox):
    status, _, _ = await put(caller, {"phone": "+1 (510) 555-0102"})

    assert status == 201
    assert contacts_with(sandbox, "15105550102") == 1


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_phone_without_a_country_code_is_of_the_region(name, sandbox, tmp_path):
    with serving(name, sandbox, tmp_path, REGION="US") as process:
        async with aiohttp.ClientSession(process.url) as caller:
            status, _, _ = await put(caller, {"phone": "(510) 555-0102"})

    assert status == 201
    assert contacts_with(sandbox, "15105550102") == 1


async def test_the_reason_of_heymarket_reaches_the_caller_and_the_log(service, caller, sandbox):
    body = {"error_code": "bad_data", "message": f"{PERSON['phone']} is on a list of no contact"}
    sandbox.faults.answer(400, body=body, on="POST /v1/contact/get")

    status, detail = await refused(caller, "PUT", "/contacts", json=PERSON)

    assert (status, detail) == (422, "Heymarket refused it: *** is on a list of no contact")
    log = service.log.read_text()
    assert "answered 422: BadRequestError: POST /v1/contact/get answered 400 bad_data" in log
    assert PERSON["phone"] not in log


def test_a_caller_comes_again_soon_where_nothing_was_sent():
    refusal = refusal_of(StoreError("was not sent: the store of the rate limit does not answer"))

    assert (refusal.status, refusal.headers) == (503, {"Retry-After": "1"})


@pytest.mark.parametrize("kind", [DeadlineError, ClientStateError])
def test_a_caller_learns_that_the_result_of_a_write_is_unknown(kind):
    error = kind("was still waiting")
    error.may_have_taken_effect = True

    assert (refusal_of(error).status, refusal_of(error).headers) == (504, {})


FAULTS = [
    ({"status": 400}, 422, "BadRequestError"),
    ({"status": 403}, 502, "PermissionDeniedError"),
    ({"status": 500}, 502, "ServerError"),
    # The last: it holds up what is asked after it.
    ({"status": 429, "headers": {"Retry-After": "30"}}, 503, "RateLimitError"),
]


@waits_to_the_end
async def test_an_error_answer_shows_the_caller_the_next_step(service, caller, sandbox):
    for fault, status, name in FAULTS:
        sandbox.faults.clear()
        sandbox.faults.answer(**fault, on="POST /v1/contact/get", times=None)

        answered, body, headers = await put(caller)

        assert (answered, body["error"]) == (status, name)
        assert body["request_id"]
        assert body["detail"]
        assert ("Retry-After" in headers) is (status == 503)
    assert PERSON["phone"] not in service.log.read_text()


@waits_to_the_end
async def test_a_heymarket_that_hangs_costs_a_caller_its_time_and_no_more(service, caller, sandbox):
    sandbox.faults.delay(60, on="POST /v1/contact/get")

    hanging = asyncio.create_task(put(caller))
    while not sandbox.requests:
        await asyncio.sleep(0.01)
    status, _, _ = await put(caller)

    assert status == 201
    assert (await hanging)[0] == 504


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_used_up_budget_has_an_answer_of_its_own(name, sandbox, tmp_path):
    with RedisServer() as store:
        shared = {"HEYMARKET_STORE": store.url, "HEYMARKET_SHARE": "0.002"}  # one a minute
        shared |= {"HEYMARKET_FALLBACK": "1", "REQUEST_S": "3"}
        with serving(name, sandbox, tmp_path, **shared) as process:
            async with aiohttp.ClientSession(process.url) as caller:
                statuses = []
                for _ in range(2):
                    async with caller.post("/contacts/find", json=PERSON) as answer:
                        statuses.append(answer.status)
                assert answer.headers["Retry-After"] == "1"
            assert end(process) in ENDED

    assert statuses == [404, 503]
    assert len(sandbox.requests) == 1


async def test_the_health_check_costs_heymarket_nothing(service, caller, sandbox):
    async with caller.get("/health") as answer:
        assert await answer.json() == {"status": "ok", "waits_for": ""}
    assert not sandbox.requests


async def test_a_caller_that_hangs_up_leaves_nothing_behind(service, caller, sandbox):
    sandbox.faults.delay(1, on="POST /v1/contact/get", times=10)
    calls = [asyncio.create_task(put(caller)) for _ in range(10)]
    while len(sandbox.requests) < 10:
        await asyncio.sleep(0.01)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await asyncio.sleep(1.5)

    assert {each.path for each in sandbox.requests} == {"/v1/contact/get"}  # nothing was created
    assert (await put(caller))[0] == 201
    assert end(service) in ENDED
    assert_quiet(service)


async def test_a_service_that_stops_answers_its_open_requests(service, caller, sandbox):
    sandbox.faults.delay(0.5, on="POST /v1/contact/get")
    begun = asyncio.create_task(put(caller))
    while not sandbox.requests:
        await asyncio.sleep(0.01)
    service.send_signal(signal.SIGTERM)

    assert (await begun)[0] == 201
    await caller.close()
    assert await asyncio.to_thread(service.wait, 30) in ENDED
    assert_quiet(service)


def end(service) -> int:
    service.send_signal(signal.SIGTERM)
    return service.wait(30)


def assert_quiet(service) -> None:
    log = service.log.read_text()
    assert not [word for word in ("Warning", "Traceback", "never", "Unclosed") if word in log], log

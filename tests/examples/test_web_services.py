"""The example services as processes, in front of a Heymarket that fails now and then."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from examples.http_errors import refusal_of
from heymarket_async import ClientStateError, DeadlineError, StoreError
from heymarket_async.sandbox import Sandbox
from tests.conftest import unmeasured
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
        **unmeasured(),
        "HEYMARKET_BASE_URL": sandbox.url,
        "HEYMARKET_SECRET_ID": sandbox.credentials.secret_id,
        "HEYMARKET_SECRET_KEY": sandbox.credentials.secret_key,
        "REQUEST_S": "3",
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


@pytest.fixture(params=list(COMMANDS))
def service(request, sandbox, tmp_path):
    with serving(request.param, sandbox, tmp_path) as process:
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


async def test_a_wrong_phone_is_the_callers_mistake(service, caller, sandbox):
    for method, path in (("PUT", "/contacts"), ("POST", "/contacts/find")):
        async with caller.request(method, path, json={"phone": "510-555-01"}) as answer:
            assert answer.status == 422, path
            assert "phone must be E.164" in await answer.text(), path
    assert not sandbox.requests


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


async def test_an_error_answer_shows_the_caller_the_next_step(service, caller, sandbox):
    for fault, status, name in FAULTS:
        sandbox.faults.clear()
        sandbox.faults.answer(**fault, on="POST /v1/contact/get", times=None)

        answered, body, headers = await put(caller)

        assert (answered, body["error"]) == (status, name)
        assert body["request_id"]
        assert ("Retry-After" in headers) is (status == 503)
    assert PERSON["phone"] not in service.log.read_text()


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
        with serving(name, sandbox, tmp_path, **shared, HEYMARKET_FALLBACK="1") as process:
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

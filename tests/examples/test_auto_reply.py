"""The auto-reply service, in front of a sandbox that delivers too often."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from heymarket_async.sandbox import Sandbox
from tests.ports import free_port
from tests.redis_server import RedisServer
from tests.webhooks.test_adapters import server_in_this_loop

pytestmark = pytest.mark.unmeasured

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-W", "error", "-m", "uvicorn", "examples.auto_reply.app:app"]
PHONE, OTHER = "15105550101", "15105550102"
TEXT = "We are closed until Monday."
SEND = "POST /v1/message/send"


@pytest.fixture
def environment():
    """A sandbox with a Redis, and the variables that the service needs for both."""
    with ExitStack() as stack:
        store = stack.enter_context(RedisServer())
        sandbox = stack.enter_context(Sandbox(contacts=20, seed=3, limit=None))
        variables = {
            "HEYMARKET_BASE_URL": sandbox.url,
            "HEYMARKET_SECRET_ID": sandbox.credentials.secret_id,
            "HEYMARKET_SECRET_KEY": sandbox.credentials.secret_key,
            "HEYMARKET_STORE": store.url,
            "HEYMARKET_WEBHOOK_TOKENS": "old new",
            "AUTO_REPLY_CREATOR_ID": "4201",
            "AUTO_REPLY_TEXT": TEXT,
        }
        yield sandbox, variables


def replies(sandbox) -> list[str]:
    return [f"{sent.phone} {sent.text}" for sent in sandbox.outbox]


# Two processes


def start(port: int, variables: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [*COMMAND, "--port", str(port), "--log-level", "warning"]
    environment = {**os.environ, **variables}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)


def await_port(process: subprocess.Popen[bytes], port: int) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("the service ended at once")


def test_a_text_that_is_delivered_46_times_two_at_once_gets_one_reply(environment):
    sandbox, variables = environment
    ports = {"old": free_port(), "new": free_port()}
    processes = [start(port, variables) for port in ports.values()]
    try:
        for process, (token, port) in zip(processes, ports.items(), strict=True):
            await_port(process, port)
            url = f"http://127.0.0.1:{port}/heymarket"
            sandbox.webhooks.add(url, token, duplicate=23)  # to each of both
        sandbox.customer.text(PHONE, "Are you open?")
        sandbox.webhooks.settle()
        for process in processes:
            process.send_signal(signal.SIGTERM)
        errors = [process.communicate(timeout=30)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()

    assert replies(sandbox) == [f"{PHONE} {TEXT}"]
    assert not [each for each in errors if b"Traceback" in each or PHONE.encode() in each]
    assert len(sandbox.webhooks.deliveries) >= 46
    assert sandbox.webhooks.deliveries[-1].status == 200


# In this process


class Service:
    """The service in this loop."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        module = importlib.import_module("examples.auto_reply.app")
        app = importlib.reload(module).app  # it reads the environment once
        self.server = server_in_this_loop(app)
        self.serving = asyncio.create_task(self.server.serve())

    async def deliver(self, token: str = "new", **options: object) -> None:
        while not self.server.started:
            await asyncio.sleep(0.005)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.sandbox.webhooks.add(f"http://127.0.0.1:{port}/heymarket", token, **options)

    async def end(self) -> list[str]:
        """End the service when all is handled, and return the texts that people received."""
        await asyncio.to_thread(self.sandbox.webhooks.settle)
        self.server.should_exit = True
        await self.serving
        return replies(self.sandbox)


@pytest.fixture
async def service(environment, monkeypatch):
    sandbox, variables = environment
    for name, value in variables.items():
        monkeypatch.setitem(os.environ, name, value)
    service = Service(sandbox)
    yield service
    service.server.should_exit = True
    await service.serving


async def test_stop_and_help_are_left_to_heymarket_and_a_person_gets_one_reply(service):
    await service.deliver()
    words = [
        *("STOP", " stop\n", "Unsubscribe", "HELP", "Help!", "start", "YES", "quit"),
        *("STOP ALL", "opt out", "Opt-Out.", "OPTOUT", "REVOKE", "(stop)", "\u200bSTOP"),
    ]
    for number, word in enumerate(words):
        service.sandbox.customer.text(f"151055502{number:02}", word)
    for text in ("Stop by on Monday?", "Hello?"):
        service.sandbox.customer.text(OTHER, text)

    assert await service.end() == [f"{OTHER} {TEXT}"]
    assert len(service.sandbox.requests) == 1  # the others were not even tried


async def test_a_lost_answer_brings_no_second_reply(service):
    await service.deliver(duplicate=3)
    service.sandbox.faults.reset(on=SEND, after_write=True)
    message_id = service.sandbox.customer.text(PHONE, "Are you open?")

    assert await service.end() == [f"{PHONE} {TEXT}"]
    # By it, Heymarket knows a reply that a process which was killed has sent already.
    assert service.sandbox.outbox[0].local_id == f"auto-reply-{message_id}"


async def test_a_refused_reply_is_tried_once_and_logged_without_the_phone(service, caplog):
    await service.deliver(duplicate=3)
    service.sandbox.faults.answer(400, on=SEND, times=None)
    service.sandbox.customer.text(PHONE, "Are you open?")

    assert await service.end() == []
    assert len(service.sandbox.requests) == 1
    assert "was not handled: BadRequestError in " in caplog.text
    assert PHONE not in caplog.text


async def test_after_a_refusal_that_passes_the_next_delivery_brings_the_reply(service):
    await service.deliver(duplicate=2)
    service.sandbox.faults.answer(403, on=SEND)
    service.sandbox.customer.text(PHONE, "Are you open?")

    assert await service.end() == [f"{PHONE} {TEXT}"]


async def test_other_events_and_wrong_tokens_bring_nothing(service):
    await service.deliver("guessed")
    await service.deliver(kinds=["chat_opened", "message_sent"])
    service.sandbox.customer.text(PHONE, "Are you open?")

    assert await service.end() == []
    assert {each.status for each in service.sandbox.webhooks.deliveries} <= {200, 401}

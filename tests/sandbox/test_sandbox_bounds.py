"""Limits of the memory for requests; no request data in the log."""

import asyncio
import io
import logging
from contextlib import AsyncExitStack

import pytest

from heymarket_async.sandbox import Readings

MIB = 1024 * 1024
BOUND = 64 * MIB
STRANGER = {"Authorization": "Bearer nobody"}


def bodies_of(sandbox):
    return [received.body for received in sandbox.requests]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("/v1/contact", STRANGER, 401), ("/v1/contact", None, 400), ("/nowhere", None, 404)],
)
async def test_bodies_of_refused_requests_are_bounded_by_bytes(path, headers, status, serve):
    account = await serve()
    sent = [bytes([65 + number]) * 9 * MIB for number in range(9)]
    for body in sent:
        data = io.BytesIO(body)
        async with account.session.post(path, data=data, headers=headers) as response:
            assert response.status == status
    kept = bodies_of(account.sandbox)
    assert sum(map(len, kept)) <= BOUND
    assert len(kept) >= 3
    assert kept == sent[-len(kept) :]


async def test_a_body_is_not_kept_as_the_many_objects_that_it_decodes_to(serve):
    account = await serve()
    body = b"[" + b"[]," * 100_000 + b"[]]"
    async with account.session.post("/v1/contact", data=body, headers=STRANGER) as response:
        assert response.status == 401
    (received,) = account.sandbox.requests
    assert len(received.body) == 100_001
    assert received.size < 2 * len(body)


async def test_long_headers_and_targets_are_bounded_too(serve, monkeypatch):
    monkeypatch.setattr("heymarket_async.sandbox.received.MAX_BYTES", 2 * MIB)
    account = await serve()
    headers = {f"X-{number}": "v" * 8000 for number in range(50)} | STRANGER
    query = "&".join(f"{number:x}" for number in range(1000))
    for _ in range(10):
        await account.status(f"GET /nowhere?{query}", headers=headers)
    requests = account.sandbox.requests
    assert 2 <= len(requests) < 10
    held = sum(len(value) for received in requests for value in received.headers.values())
    assert held <= 2 * MIB
    assert len(requests[-1].query) == 1000


async def test_clearing_the_requests_makes_room(serve, monkeypatch):
    monkeypatch.setattr("heymarket_async.sandbox.received.MAX_BYTES", MIB)
    account = await serve()
    for _ in range(4):
        for _ in range(3):
            await account.status("POST /nowhere", "x" * 200_000)
        assert len(account.sandbox.requests) == 3
        account.sandbox.requests.clear()


async def test_the_newest_request_is_kept_whatever_its_size(serve, monkeypatch):
    monkeypatch.setattr("heymarket_async.sandbox.received.MAX_BYTES", 1000)
    account = await serve()
    for body in ("a" * 900, "b" * 900):
        await account.status("POST /nowhere", body)
    assert bodies_of(account.sandbox) == ["b" * 900]


async def test_a_large_body_is_refused_before_it_has_arrived(serve):
    account = await serve()
    key = account.sandbox.api_key
    head = f"POST /v1/contact HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
    for rest in (f"Content-Length: {11 * MIB}\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"):
        data = b"" if "Length" in rest else b"b00000\r\n" + b"x" * 11 * MIB
        async with account.sends((head + rest).encode() + data) as (reader, _):
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert answer.startswith(b"HTTP/1.1 413")
        assert account.sandbox.requests[-1].body is None


async def test_bodies_that_never_end_are_bounded_together(serve, monkeypatch, until):
    monkeypatch.setattr("heymarket_async.sandbox.received.MAX_BYTES", MIB)
    account = await serve()
    head = b"POST /v1/contact HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n"
    async with AsyncExitStack() as callers:
        for _ in range(6):
            await callers.enter_async_context(account.sends(head + b"x" * 300_000))
        requests = account.sandbox.requests
        await until(lambda: any(received.status == 401 for received in requests))
        unanswered = [received for received in requests if received.status is None]
        assert sum(len(received.raw) for received in unanswered) <= MIB
    await until(lambda: not account.sandbox._server._at_work)
    assert account.sandbox._server.recent.receiving == 0


async def test_a_compressed_body_is_not_unpacked(serve):
    account = await serve(readings=Readings(max_body_bytes=1000))
    headers = {"Content-Encoding": "gzip"}
    async with account.session.post("/v1/contact", data=b"no gzip", headers=headers) as response:
        assert response.status == 400
    assert account.sandbox.requests[-1].body == b"no gzip"


async def test_requests_refused_for_the_limit_are_counted_in_little_room(serve):
    account = await serve(limit=2, readings=Readings(counts_429=True))
    statuses = [await account.status("GET /v1/team") for _ in range(5)]
    assert statuses == [200, 200, 429, 429, 429]
    windows = account.sandbox._server._access._limits.values()
    assert [len(window._counted) for window in windows] == [2]


async def test_numbers_that_are_too_long_are_refused_and_no_failure(serve):
    account = await serve()
    account.session.headers["Authorization"] = f"Bearer {account.token(iat=-(10**400))}"
    assert await account.status("GET /v1/team") == 401
    account.session.headers["Authorization"] = f"Bearer {account.sandbox.api_key}"
    body = {"phone": "15105553344", "custom": {"9" * 5000: "x"}}
    assert await account.status("POST /v1/contact", body) == 200


async def test_a_failure_of_the_sandbox_shows_its_type_and_nothing_else(serve, monkeypatch, caplog):
    account = await serve()
    asyncio.get_running_loop().set_debug(True)

    phone = "15105553344"

    def fail(**_options):
        raise ZeroDivisionError(phone)

    monkeypatch.setattr(account.sandbox.store, "count", fail)
    body = {"date": "2024-04-12T15:30:00Z"}
    status, answer = await account.try_("POST /v1/contacts/count", body)
    assert (status, answer["message"]) == (500, "the sandbox failed: ZeroDivisionError")
    assert "in fail" in caplog.text
    assert phone not in caplog.text


@pytest.mark.parametrize(
    "rest",
    [
        b"Authorization: Bearer sec\0ret\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz15105553344\r\n",
    ],
)
async def test_a_broken_request_leaves_nothing_of_itself_in_the_log(rest, serve, caplog):
    caplog.set_level(logging.DEBUG, "heymarket_async.sandbox")
    account = await serve()
    head = b"POST /v1/contact HTTP/1.1\r\nHost: localhost\r\n"
    async with account.sends(head + rest) as (reader, _):
        assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
    assert "BadHttpMessage" in caplog.text
    assert "sec" not in caplog.text
    assert "15105553344" not in caplog.text

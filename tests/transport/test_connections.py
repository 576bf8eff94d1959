"""A stray answer is not used as the answer of the next call, over real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import aiohttp
import msgspec
import pytest
import uvloop
from aiohttp.client_proto import ResponseHandler

from heymarket_async import ConnectError, HeymarketClient, NewContact, RetryPolicy
from heymarket_async.transport import connections
from heymarket_async.transport.connections import Connector
from tests.conftest import SECRET
from tests.transport.test_http import request_of, server

STRAY = msgspec.json.encode({"id": 666, "rev": 1, "phone": "15105550666"})
QUICK = RetryPolicy(attempts=3, base_s=0.0)
JORDAN = NewContact(phone="15105550001")


def of_length(content: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)


def chunked(content: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)


STRAYS = {
    "an answer": of_length(STRAY),
    "in chunks": chunked(STRAY),
    "two answers": 2 * of_length(STRAY),
    "a head": of_length(STRAY)[: -len(STRAY)],
    "half a head": of_length(STRAY)[:20],
    "half a body": of_length(STRAY)[:-5],
    "an interim answer": b"HTTP/1.1 103 Early Hints\r\n\r\n",
    "no HTTP": b"}\r\n\r\n<html>",
    "blank": b"\r\n",
}


class Server:
    """Answers every call, and sends stray bytes after the first answer."""

    def __init__(self, stray: bytes, *, at_once: bool = False, frame: Callable = of_length):
        self.stray, self.at_once, self.frame = stray, at_once, frame
        self.asked: list[str] = []
        self.has_sent_more = asyncio.Event()
        self.may_send_more = asyncio.Event()

    def answer(self, request: bytes) -> bytes:
        method, path = request.decode().split(" ")[:2]
        self.asked.append(f"{method} {path}")
        number = int(path.rpartition("/")[2]) if method == "GET" else 7
        return self.frame(msgspec.json.encode({"id": number, "rev": 1}))

    async def __call__(self, reader, writer):
        answer = self.answer(await request_of(reader))
        stray, self.stray = self.stray, b""  # over the first connection only
        writer.write(answer + stray if self.at_once else answer)
        if stray and not self.at_once:
            await self.may_send_more.wait()
            writer.write(stray)
            self.has_sent_more.set()
        while True:
            writer.write(self.answer(await request_of(reader)))


@pytest.fixture(params=["own", "borrowed"])
async def session(request):
    if request.param == "own":
        yield None
        return
    async with aiohttp.ClientSession() as session:
        yield session


def client_of(url: str, session: aiohttp.ClientSession | None = None, **options) -> HeymarketClient:
    return HeymarketClient(SECRET, base_url=url, session=session, retry=QUICK, **options)


async def until_read(serving: Server) -> None:
    serving.may_send_more.set()
    await serving.has_sent_more.wait()
    for _ in range(3):
        await asyncio.sleep(0)  # the loop reads it meanwhile


async def until_there(serving: Server) -> None:
    serving.may_send_more.set()
    await serving.has_sent_more.wait()  # and the loop has read nothing since


@pytest.mark.parametrize("wait", [until_read, until_there])
@pytest.mark.parametrize("stray", STRAYS.values(), ids=STRAYS)
async def test_what_comes_over_an_idle_connection_answers_no_call(stray, wait, session):
    serving = Server(stray)
    async with server(serving) as (url, made), client_of(url, session) as client:
        assert (await client.contacts.get(2)).id == 2
        await wait(serving)
        assert [(await client.contacts.get(n)).id for n in (3, 4)] == [3, 4]

    is_harmless = stray == STRAYS["blank"] and wait is until_read
    # aiohttp forgets the beginning of an answer before a borrowed session lets us look.
    is_missed = session and stray == STRAYS["half a head"] and wait is until_read
    assert len(made) == (1 if is_harmless or is_missed else 2)
    assert serving.asked == ["GET /v1/contact/2", "GET /v1/contact/3", "GET /v1/contact/4"]


@pytest.mark.parametrize("frame", [of_length, chunked])
@pytest.mark.parametrize("stray", STRAYS.values(), ids=STRAYS)
async def test_what_comes_behind_an_answer_answers_no_call(stray, frame, session):
    serving = Server(stray, at_once=True, frame=frame)
    async with server(serving) as (url, _), client_of(url, session) as client:
        assert [(await client.contacts.get(n)).id for n in (2, 3, 4)] == [2, 3, 4]


@pytest.mark.parametrize("wait", [until_read, until_there])
async def test_an_earlier_answer_is_not_taken_for_that_of_a_write(wait, session):
    serving = Server(of_length(STRAY))
    async with server(serving) as (url, made), client_of(url, session) as client:
        await client.contacts.get(2)
        await wait(serving)
        created = await client.contacts.create(JORDAN)

    assert created.id == 7
    assert serving.asked == ["GET /v1/contact/2", "POST /v1/contact"]
    assert len(made) == 2


async def test_each_of_many_connections_is_looked_at(session):
    serving = Server(of_length(STRAY))
    numbers = range(2, 12)
    async with server(serving) as (url, made), client_of(url, session) as client:
        await asyncio.gather(*map(client.contacts.get, numbers))
        await until_read(serving)
        found = await asyncio.gather(*map(client.contacts.get, numbers))
        again = await asyncio.gather(*map(client.contacts.get, numbers))

    assert [contact.id for contact in found + again] == [*numbers, *numbers]
    assert len(made) > len(numbers)


async def test_the_end_of_an_idle_connection_is_seen_before_a_write_is_sent_over_it(session):
    async def serve(reader, writer):
        requests.append(await request_of(reader))
        writer.write(of_length(b'{"id": 7, "rev": 1}'))
        await writer.drain()

    requests: list[bytes] = []
    async with server(serve) as (url, made), client_of(url, session) as client:
        for _ in range(3):
            assert (await client.contacts.create(JORDAN)).id == 7
            await asyncio.sleep(0)  # the end comes, and the loop does not read it

    assert len(requests) == len(made) == 3


async def test_a_stray_answer_during_a_write_is_recognized_only_by_its_id():
    async def serve(reader, writer):
        await request_of(reader)
        writer.write(of_length(STRAY))
        await writer.drain()
        await reader.read()

    async with server(serve) as (url, made), client_of(url) as client:
        with pytest.raises(Exception, match="about another id") as raised:
            await client.contacts.update(3, JORDAN)

    assert raised.value.may_have_taken_effect
    assert len(made) == 1


async def test_no_kept_alive_connection_is_given_up_without_a_reason(session):
    serving = Server(b"")
    async with server(serving) as (url, made), client_of(url, session) as client:
        for number in range(2, 6):
            assert (await client.contacts.get(number)).id == number
            await asyncio.sleep(0)

    assert len(made) == 1


@pytest.mark.parametrize("loop_of", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_bytes_that_no_loop_has_read_are_seen_behind_tls_too(loop_of):
    certificate = Path(__file__).parents[1] / "certificate.pem"
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate)
    theirs = ssl.create_default_context(cafile=str(certificate))
    theirs.check_hostname = False

    async def ask_three_times(stray: bytes) -> int:
        serving = Server(stray)
        async with server(serving, ssl=ours) as (url, made):
            at = url.replace("http", "https")
            async with client_of(at, ssl=theirs) as client:
                assert (await client.contacts.get(2)).id == 2
                if stray:
                    await until_there(serving)
                assert [(await client.contacts.get(n)).id for n in (3, 4)] == [3, 4]
        return len(made)

    with asyncio.Runner(loop_factory=loop_of) as runner:
        assert runner.run(ask_three_times(of_length(STRAY))) == 2
        assert runner.run(ask_three_times(b"")) == 1


class Early:
    """Sends bytes over the first connections before a request arrives."""

    def __init__(self, early: bytes, *, times: int = 1, closes: bool = False):
        self.early, self.times, self.closes = early, times, closes
        self.got = b""
        self.then = Server(b"")

    async def __call__(self, reader, writer):
        self.times -= 1
        if self.times < 0:
            await self.then(reader, writer)
        writer.write(self.early)
        if self.closes:
            writer.close()
        self.got += await reader.read()


@pytest.fixture
def patient(monkeypatch):
    """Makes the tests independent of how soon the server, in the same loop, runs."""
    monkeypatch.setattr(connections, "_TURNS", 30, raising=False)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    ("early", "closes"),
    [(early, closes) for early in STRAYS.values() for closes in (False, True) if early.strip()]
    + [(b"", True)],
)
async def test_what_comes_over_a_new_connection_answers_no_call(early, closes, session):
    serving = Early(early, closes=closes)
    async with server(serving) as (url, made), client_of(url, session) as client:
        assert (await client.contacts.create(JORDAN)).id == 7

    assert (serving.got, serving.then.asked) == (b"", ["POST /v1/contact"])
    assert len(made) == 2


@pytest.mark.usefixtures("patient")
async def test_a_server_that_always_answers_too_early_is_given_up(session):
    serving = Early(of_length(STRAY), times=99)
    async with server(serving) as (url, made), client_of(url, session) as client:
        with pytest.raises(ConnectError, match="before anything was sent") as raised:
            await client.contacts.create(JORDAN)

    assert not raised.value.may_have_taken_effect
    assert (serving.got, len(made)) == (b"", QUICK.attempts)


@pytest.mark.usefixtures("patient")
async def test_what_comes_early_behind_tls_answers_no_call(session):
    certificate = Path(__file__).parents[1] / "certificate.pem"
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate)
    theirs = ssl.create_default_context(cafile=str(certificate))
    theirs.check_hostname = False
    serving = Early(of_length(STRAY))
    async with server(serving, ssl=ours) as (url, made):
        async with client_of(url.replace("http", "https"), session, ssl=theirs) as client:
            assert [(await client.contacts.get(n)).id for n in (2, 3)] == [2, 3]

    assert (serving.got, len(made)) == (b"", 2)


class Transport:
    """Has a socket, or none that can be asked for."""

    def __init__(self, found: object = None):
        self.found = found

    def get_extra_info(self, name: str) -> object:
        return self.found

    def is_closing(self) -> bool:
        return False


async def test_a_parser_that_fails_and_a_transport_without_a_socket_are_taken_as_they_are():
    class Failing:
        def feed_eof(self):
            raise ValueError("half a head that makes no sense")

    protocol = ResponseHandler(asyncio.get_running_loop())
    protocol.transport = Transport()
    assert connections._is_clean(protocol)()

    protocol._parser = Failing()
    assert not connections._is_clean(protocol)()


async def test_what_aiohttp_lets_us_ask_is_still_there():
    """If this fails, aiohttp has changed, and `transport/connections.py` guards less or nothing."""
    async with (
        server(Server(b"")) as (url, _),
        aiohttp.ClientSession(connector=Connector()) as session,
    ):
        for _ in range(2):
            async with session.get(f"{url}/1") as response:
                await response.read()
        ((protocol, _),) = next(iter(session.connector._conns.values()))

    assert vars(protocol)["is_connected"].__qualname__.startswith("_is_clean")
    assert len(protocol._buffer) == 0
    assert protocol._tail == b""
    assert hasattr(protocol, "_payload")
    assert hasattr(protocol, "_parser")
    assert hasattr(aiohttp.http.HttpResponseParser, "feed_eof")
    assert hasattr(aiohttp.ClientRequest, "send")

"""Requests without a `ClientSession`: the same on the wire, and not where sessions are watched."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace

import aiohttp
import msgspec
import pytest
import wrapt
from aioresponses import aioresponses
from multidict import CIMultiDict
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from heymarket_async import HeymarketClient, RetryPolicy
from heymarket_async.privacy import Hidden
from heymarket_async.transport import direct, wire
from heymarket_async.transport.http import Http
from tests.conftest import SECRET
from tests.endpoints.conftest import Response
from tests.transport.test_http import OK, request_of, server

pytestmark = pytest.mark.skipif(
    os.environ.get("HEYMARKET_TEST_WAY") == "session", reason="it is about the other way"
)

HEADERS = wire.headers("test/1", Hidden("t0ken"), has_body=True).reveal()
CALLS = int(os.environ.get("HEYMARKET_LOAD_CALLS", "20000"))


@pytest.fixture
async def http():
    http = Http()
    yield http
    await http.aclose()


@pytest.fixture
async def echo():
    """A server that answers with what it was sent."""
    async with server(echoing) as (url, connections):
        yield url, connections


def until_closed(answer):
    """Return a server's side of a connection: it answers requests until the client closes it."""

    async def serve(reader, writer):
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await answer(reader, writer)

    return serve


@until_closed
async def echoing(reader, writer):
    said = msgspec.json.encode((await request_of(reader)).decode())
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said))


async def exchange(http, url, method="POST", body=b"{}", target="/x?a=%2F", **options):
    headers = Hidden(CIMultiDict(options.pop("headers", HEADERS)))
    return await http.exchange(
        method, url, target, headers=headers, body=body, timeout_s=5, **options
    )


def by_session(monkeypatch):
    monkeypatch.setattr(direct, "why_not", lambda: "a test asks for it")


@pytest.mark.parametrize(
    "body", [None, b"", b"{}", b"x" * 300_000], ids=["no", "empty", "{}", "large"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("prefix", ["", "/heymarket"])
async def test_both_ways_send_the_same(echo, monkeypatch, method, body, prefix):
    url, http, judge = echo[0] + prefix, Http(), Http()

    sent = await exchange(http, url, method, body)
    by_session(monkeypatch)
    wanted = await exchange(judge, url, method, body)

    assert sent.body == wanted.body
    start = f"{method} {prefix}/x?a=%2F HTTP/1.1\r\nHost: 127.0.0.1"
    assert msgspec.json.decode(sent.body).startswith(start)
    await asyncio.gather(http.aclose(), judge.aclose())


async def test_both_ways_send_the_same_through_a_proxy(echo, monkeypatch):
    proxy = echo[0].replace("http://", "http://user:secret-pass@")
    http, judge = Http(proxy=proxy), Http(proxy=proxy)

    sent = await exchange(http, "http://127.0.0.1:1/heymarket")
    by_session(monkeypatch)
    wanted = await exchange(judge, "http://127.0.0.1:1/heymarket")

    assert sent.body == wanted.body
    start = "POST http://127.0.0.1:1/heymarket/x?a=%2F HTTP/1.1\r\n"
    assert msgspec.json.decode(sent.body).startswith(start)
    await asyncio.gather(http.aclose(), judge.aclose())


async def test_a_new_token_is_sent_at_once(http, echo):
    for token in ("one", "two", "one"):
        answer = await exchange(http, echo[0], headers={"Authorization": f"Bearer {token}"})
        assert f"Bearer {token}\r\n" in msgspec.json.decode(answer.body)


@pytest.mark.parametrize("text", ["a\r\nX-Evil: 1", "a\nb", "a\0b", "a\x7f"])
async def test_a_header_cannot_begin_another_one(http, echo, text):
    with pytest.raises(ValueError, match="control character"):
        await exchange(http, echo[0], headers={"User-Agent": text})

    assert (await exchange(http, echo[0])).status == 200


INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
ANSWERS = {
    "an interim answer before it": INTERIM + INTERIM + OK,
    "in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "an error": b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nok",
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_a_connection_is_used_again_after_any_whole_answer(http, name):
    @until_closed
    async def serve(reader, writer):
        await request_of(reader)
        for byte in ANSWERS[name]:  # as slowly as can be
            writer.write(bytes([byte]))
            await asyncio.sleep(0)

    async with server(serve) as (url, connections):
        bodies = [(await exchange(http, url)).body for _ in range(3)]

    assert bodies == [b"" if name == "no content" else b"ok"] * 3
    assert len(connections) == 1


async def test_a_head_and_a_body_may_follow_each_other_on_one_connection(http):
    @until_closed
    async def serve(reader, writer):
        is_head = (await request_of(reader)).startswith(b"HEAD")
        writer.write(OK[:-2] if is_head else OK)

    async with server(serve) as (url, connections):
        methods = ["HEAD", "POST", "HEAD", "GET"]
        bodies = [(await exchange(http, url, method, None)).body for method in methods]

    assert bodies == [b"", b"ok", b"", b"ok"]
    assert len(connections) == 1


CLOSING = {
    "closed after it": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    "without a length": b"HTTP/1.1 200 OK\r\n\r\nok",
    "an old version": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "another protocol": b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nok",
}


@pytest.mark.parametrize("name", CLOSING)
async def test_a_connection_that_ends_with_its_answer_is_not_used_again(http, name):
    async def serve(reader, writer):
        await request_of(reader)
        writer.write(CLOSING[name])
        if name != "without a length":
            await asyncio.sleep(60)  # the client does not wait for the end

    async with server(serve) as (url, connections):
        bodies = [(await exchange(http, url)).body for _ in range(2)]

    assert bodies == [b"" if name == "another protocol" else b"ok"] * 2
    assert len(connections) == 2


async def test_a_connection_is_not_used_again_before_all_of_a_request_was_sent(http):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await asyncio.sleep(60)  # and reads no more

    async with server(serve) as (url, connections):
        for _ in range(2):
            assert (await exchange(http, url, body=b"x" * (32 << 20))).status == 200

    assert len(connections) == 2


async def test_idle_connections_are_closed_by_a_timer(http, echo, monkeypatch):
    url, connections = echo
    monkeypatch.setattr(direct, "IDLE_S", 0.05)

    await asyncio.gather(*(exchange(http, url) for _ in range(3)))
    assert len(connections) == 3
    await asyncio.wait_for(asyncio.wait(connections), 5)  # the server sees their ends

    assert (await exchange(http, url)).status == 200
    assert len(connections) == 4


async def test_the_timer_leaves_a_connection_that_was_used_meanwhile(http, echo):
    await exchange(http, echo[0])
    sender = http._direct
    (route,) = sender._routes.values()
    before = list(route.idle)

    sender._timer.cancel()
    sender._close_idle()

    assert list(route.idle) == before
    assert sender._timer is not None


async def test_a_connection_that_was_idle_for_long_is_not_used(http, echo):
    url, connections = echo
    await exchange(http, url)
    (route,) = http._direct._routes.values()
    connection, since, needs_parser = route.idle.pop()
    route.idle.append((connection, since - direct.IDLE_S, needs_parser))

    await exchange(http, url)

    assert len(connections) == 2


async def test_a_dropped_idle_connection_is_not_used(http, echo):
    url, connections = echo
    await exchange(http, url)
    connections[0].cancel()
    await asyncio.wait(connections)

    assert (await exchange(http, url)).status == 200
    assert len(connections) == 2


async def test_cancelling_at_any_moment_leaves_nothing_behind(http):
    @until_closed
    async def serve(reader, writer):
        await request_of(reader)
        writer.write(OK)

    async with server(serve) as (url, _):
        for turns in range(40):
            call = asyncio.ensure_future(exchange(http, url))
            for _ in range(turns % 20):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        assert (await exchange(http, url)).body == b"ok"
        idle = [each for route in http._direct._routes.values() for each in route.idle]
        assert len(http._direct.connector._acquired) == len(idle)


async def test_cancelling_within_a_body_without_an_end_says_nothing(http, caplog):
    head_is_sent = asyncio.Event()

    async def serve(reader, writer):
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\no")
        head_is_sent.set()
        await reader.read()

    async with server(serve) as (url, connections):
        call = asyncio.ensure_future(exchange(http, url))
        await head_is_sent.wait()
        await asyncio.sleep(0.05)  # the head arrives
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await asyncio.wait(connections)

    assert not caplog.records


async def test_a_connection_that_was_closed_meanwhile_is_not_kept(http, echo):
    await exchange(http, echo[0])
    (route,) = http._direct._routes.values()
    connection, _ = route.take(asyncio.get_running_loop().time())
    protocol = connection.protocol
    protocol.close()

    http._direct._give_back(connection, protocol, SimpleNamespace(chunked=False), route)

    assert not route.idle


async def test_a_call_that_is_cancelled_as_it_ends_leaves_the_connection_to_the_next_one(http):
    ends = asyncio.Event()

    async def serve(reader, writer):
        await request_of(reader)
        writer.write(OK[:-1])
        await ends.wait()
        writer.write(OK[-1:])
        await reader.read()

    async with server(serve) as (url, _):
        call = asyncio.ensure_future(exchange(http, url))
        await asyncio.sleep(0.05)  # its head arrives
        ends.set()
        (route,) = http._direct._routes.values()
        while not route.idle:
            await asyncio.sleep(0)
        connection, _ = route.take(asyncio.get_running_loop().time())  # as another call would
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

        assert call.cancelled()
        assert not connection.closed
        connection.close()


TRAILERS = [
    "X-Request-Id: other",
    "Retry-After: 3600",
    "Content-Encoding: gzip",
    "Connection: close",
]


@pytest.mark.parametrize("trailer", TRAILERS)
async def test_a_trailer_does_not_become_a_header_of_the_next_answer(http, trailer):
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"

    @until_closed
    async def serve(reader, writer):
        is_first = b"/first" in await request_of(reader)
        writer.write(chunked + f"{trailer}\r\n\r\n".encode() if is_first else OK)

    async with server(serve) as (url, connections):
        assert (await exchange(http, url, target="/first")).body == b"ok"
        answer = await exchange(http, url)

    assert answer.body == b"ok"
    assert set(answer.headers) == {"Content-Length"}
    assert len(connections) == 1


def test_a_client_is_closed_in_another_loop_once_its_own_has_ended():
    http = Http()

    async def call():
        async with server(until_closed(answer)) as (url, _):
            await exchange(http, url)

    async def answer(reader, writer):
        await request_of(reader)
        writer.write(OK)

    asyncio.run(call())
    asyncio.run(http.aclose())

    assert http._direct.connector.closed


async def test_a_status_below_100_is_an_answer(http):
    async def serve(reader, writer):
        await request_of(reader)
        writer.write(OK.replace(b"200", b"099"))
        await writer.drain()

    async with server(serve) as (url, _):
        assert (await exchange(http, url)).status == 99


async def test_an_idle_connection_keeps_no_body(http, echo):
    await exchange(http, echo[0])
    (route,) = http._direct._routes.values()

    assert not route.idle[0][0].protocol._payload._buffer


@pytest.mark.unmeasured
async def test_each_of_many_calls_gets_its_own_answer(echo):
    url, connections = echo
    async with HeymarketClient(SECRET, base_url=url, rate_limit=None) as client:

        async def work(name: int) -> None:
            for number in range(CALLS // 100):
                path = f"/{name}/{number}"
                assert f"GET {path} HTTP/1.1" in await client.request("GET", path, returns=str)

        await asyncio.gather(*map(work, range(100)))
    assert len(connections) <= 100


@pytest.mark.parametrize("is_met", [lambda: aiohttp.gone, lambda: False], ids=["gone", "other"])
@pytest.mark.parametrize("part", direct.EXPECTATIONS)
async def test_another_aiohttp_is_used_through_a_session(echo, part, is_met, monkeypatch, caplog):
    monkeypatch.setitem(direct.EXPECTATIONS, part, is_met)
    direct._unmet.cache_clear()
    caplog.set_level(logging.DEBUG, "heymarket_async")
    http = Http()

    for _ in range(2):
        assert (await exchange(http, echo[0])).status == 200

    (said,) = [record.getMessage() for record in caplog.records]
    assert said.endswith(f"{part} of aiohttp {aiohttp.__version__} is not as expected")
    assert http._by_session._own
    await http.aclose()
    direct._unmet.cache_clear()


GONE = [
    (aiohttp.client_proto, "ResponseHandler"),
    (aiohttp.streams.DataQueue, "read"),
    (aiohttp.client_proto.ResponseHandler, "should_close"),
    (aiohttp.connector.Connection, "closed"),
    (aiohttp.http, "HttpResponseParser"),
    (aiohttp.http, "RawResponseMessage"),
    (aiohttp.streams.StreamReader, "_buffer"),
]


@pytest.mark.parametrize(("owner", "name"), GONE, ids=[name for _, name in GONE])
def test_a_part_of_aiohttp_that_is_gone_is_noticed(owner, name, monkeypatch):
    direct._unmet.cache_clear()
    with monkeypatch.context() as patch:
        patch.delattr(owner, name)
        assert direct.why_not().endswith("is not as expected")
    direct._unmet.cache_clear()


def test_this_aiohttp_is_as_expected():
    assert direct.why_not() == ""
    assert all(is_met() for is_met in direct.EXPECTATIONS.values())


SEAMS = {
    "ClientSession": (aiohttp, "ClientSession"),
    "ClientSession.__init__": (aiohttp.ClientSession, "__init__"),
    "ClientSession.request": (aiohttp.ClientSession, "request"),
    "ClientSession._request": (aiohttp.ClientSession, "_request"),
    "ClientRequest": (aiohttp, "ClientRequest"),
    "ClientRequest.send": (aiohttp.ClientRequest, "send"),
    "TCPConnector.connect": (aiohttp.TCPConnector, "connect"),
}


@pytest.mark.parametrize("name", SEAMS)
def test_it_is_not_used_where_a_part_of_aiohttp_was_replaced(name, monkeypatch):
    owner, attribute = SEAMS[name]
    is_class = isinstance(getattr(owner, attribute), type)
    parts = dict.fromkeys(("request", "_request", "send"))
    other = type("Other", (), parts) if is_class else lambda *_: None

    assert not direct._is_own(other)
    monkeypatch.setattr(owner, attribute, other)
    assert "watched or replaced" in direct.why_not()


def test_a_wrapper_is_not_taken_for_a_part_of_aiohttp():
    wrapped = wrapt.FunctionWrapper(aiohttp.ClientSession._request, lambda *_: None)

    assert wrapped == aiohttp.ClientSession._request
    assert not direct._is_own(wrapped)
    assert direct._is_own(aiohttp.ClientSession._request)


@asynccontextmanager
async def client_after_a_call(url):
    async with HeymarketClient(SECRET, base_url=url, retry=RetryPolicy(attempts=1)) as client:
        await client.request("GET", "/first", returns=object)
        yield client


async def test_aioresponses_answers_even_if_it_begins_after_the_first_call(echo):
    async with client_after_a_call(echo[0]) as client:
        with aioresponses() as mocked:
            mocked.get(f"{echo[0]}/mocked", payload={"from": "it"}, response_class=Response)
            assert await client.request("GET", "/mocked", returns=dict) == {"from": "it"}
        assert "GET /last" in await client.request("GET", "/last", returns=str)


async def test_opentelemetry_sees_calls_even_if_it_begins_after_the_first_call(echo):
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = AioHttpClientInstrumentor()

    async with client_after_a_call(echo[0]) as client:
        for name in ("one", "two"):
            instrumentor.instrument(tracer_provider=provider)
            await client.request("GET", f"/{name}")
            await client.request("GET", f"/{name}")
            instrumentor.uninstrument()
            await client.request("GET", "/unseen")

    spans = exporter.get_finished_spans()
    seen = [span.attributes["http.url"].rpartition("/")[2] for span in spans]
    assert seen == ["one", "one", "two", "two"]
    provider.shutdown()


async def test_a_call_through_a_session_survives_when_another_one_takes_its_place():
    may_answer = asyncio.Event()
    instrumentor = AioHttpClientInstrumentor()

    @until_closed
    async def serve(reader, writer):
        if b"/slow" in await request_of(reader):
            await may_answer.wait()
        writer.write(OK.replace(b"ok", b"[]"))

    async with server(serve) as (url, _), client_after_a_call(url) as client:
        instrumentor.instrument()
        slow = asyncio.ensure_future(client.request("GET", "/slow", returns=list))
        await asyncio.sleep(0)  # it begins to connect
        instrumentor.uninstrument()
        instrumentor.instrument()
        assert await client.request("GET", "/quick", returns=list) == []
        may_answer.set()
        assert await slow == []
        instrumentor.uninstrument()

"""No token goes to a proxy in plain text."""

from __future__ import annotations

from contextlib import asynccontextmanager

import aiohttp
import pytest

from heymarket_async import ConnectError, HeymarketClient, NoResponseError, RetryPolicy
from heymarket_async.transport import direct, proxies
from heymarket_async.transport.connections import TunnelError
from tests.conftest import SECRET
from tests.ports import free_port
from tests.transport.test_http import of_length, server

ANSWER = of_length("200 OK", b"1042")
ONCE = RetryPolicy(attempts=1)
PROXY = "http://proxy.example:3128"
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxy_from_outside(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("no_proxy", ["", "elsewhere.example"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_the_proxy_of_the_environment_is_not_used_on_the_way_to_this_machine(
    host, no_proxy, monkeypatch
):
    async with server(ANSWER) as (url, connections), server(ANSWER) as (proxy, asked):
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", no_proxy)
        at = url.replace("127.0.0.1", host)
        async with HeymarketClient(SECRET, base_url=at, trust_env=True) as client:
            assert await client.contacts.count() == 1042

    assert (len(connections), len(asked)) == (1, 0)


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://127.0.0.1:8080", None),
        ("http://127.8.9.1", None),
        ("http://localhost:8080", None),
        ("https://localhost", None),
        ("http://[::1]:8080", None),
        ("https://internal.example", None),
        ("https://api.heymarket.com", PROXY),
    ],
)
def test_the_environment_names_a_proxy_for_other_machines_only(url, proxy, monkeypatch):
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, PROXY)
    monkeypatch.setenv("no_proxy", "internal.example")

    assert proxies.from_environment(url) == proxy


def test_a_proxy_elsewhere_is_refused_on_the_way_to_this_machine():
    with pytest.raises(ValueError, match="proxy must be on this machine if base_url is plain http"):
        HeymarketClient(SECRET, base_url="http://127.0.0.1:8080", proxy=PROXY)

    HeymarketClient(SECRET, base_url="http://127.0.0.1:8080", proxy="http://localhost:8888")
    HeymarketClient(SECRET, proxy=PROXY)


async def test_a_proxy_on_this_machine_may_look_on():
    async with server(ANSWER) as (proxy, asked):
        async with HeymarketClient(SECRET, base_url="http://127.0.0.1:1", proxy=proxy) as client:
            assert await client.contacts.count() == 1042

    assert len(asked) == 1


@pytest.mark.parametrize("proxy_of", ["session", "environment"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_proxy_of_a_borrowed_session_is_not_used_for_plain_http(
    method, proxy_of, monkeypatch
):
    async with server(ANSWER) as (url, connections), server(ANSWER) as (proxy, asked):
        own = {"proxy": proxy} if proxy_of == "session" else {"trust_env": True}
        monkeypatch.setenv("http_proxy", proxy)
        async with aiohttp.ClientSession(**own) as session:
            async with session.request(method, url) as answer:
                assert await answer.text() == "1042"
            assert (len(connections), len(asked)) == (0, 1)

            client = HeymarketClient(SECRET, base_url=url, session=session, retry=ONCE)
            assert await client.request(method, "/v1/count", returns=int) == 1042

    assert (len(connections), len(asked)) == (1, 1)


async def test_the_proxy_of_a_borrowed_session_is_used_for_https():
    refuses = of_length("502 No", b"")
    async with server(refuses) as (proxy, asked), aiohttp.ClientSession(proxy=proxy) as session:
        client = HeymarketClient(SECRET, session=session, retry=ONCE)
        with pytest.raises(ConnectError, match="the proxy answered 502 to CONNECT"):
            await client.contacts.count()

    assert len(asked) == 1


def no_tunnel(answer: bytes):
    """A proxy that reads a request, sends some bytes, and closes the connection."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    return serve


async def resets(reader, writer):
    writer.transport.abort()


NO_TUNNEL = {"closed": no_tunnel(b""), "reset": resets, "rubbish": no_tunnel(b"hello\r\n\r\n")}
WAYS = ["directly", "by session", "borrowed", "borrowed with its proxy"]


@pytest.fixture(params=WAYS)
def client_by(request, monkeypatch):
    """A function that opens a client with a proxy, for each way of sending."""

    @asynccontextmanager
    async def client_by(proxy: str, **options: object):
        url = proxy.replace("http://", "http://user:geheim@")
        if request.param == "by session":
            monkeypatch.setattr(direct, "why_not", lambda: "a test")
        if request.param in {"directly", "by session"}:
            async with HeymarketClient(SECRET, proxy=url, retry=ONCE, **options) as client:
                yield client
            return
        own = url if request.param == "borrowed with its proxy" else None
        async with aiohttp.ClientSession(proxy=own) as session:
            yield HeymarketClient(
                SECRET, session=session, proxy=None if own else url, retry=ONCE, **options
            )

    return client_by


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
@pytest.mark.parametrize("proxy", NO_TUNNEL)
async def test_nothing_was_sent_if_a_proxy_does_not_answer_connect(proxy, method, client_by):
    async with server(NO_TUNNEL[proxy]) as (url, asked), client_by(url) as client:
        with pytest.raises(ConnectError) as raised:
            await client.request(method, "/v1/contact", returns=None)

    assert len(asked) == 1
    error = raised.value
    assert f"the proxy {url} does not answer CONNECT like a proxy); nothing was sent" in str(error)
    assert isinstance(error.__cause__, TunnelError)
    assert (error.__cause__.__cause__, error.__cause__.__context__) == (None, None)


async def test_a_proxy_that_is_away_is_a_failed_connection(client_by):
    async with client_by(f"http://127.0.0.1:{free_port()}") as client:
        with pytest.raises(ConnectError, match="ClientProxyConnectionError"):
            await client.request("POST", "/v1/contact", returns=None)


async def test_a_proxy_that_closes_plain_http_may_have_passed_it_on():
    async with server(no_tunnel(b"")) as (proxy, _):
        at = {"base_url": "http://127.0.0.1:1", "proxy": proxy, "retry": ONCE}
        async with HeymarketClient(SECRET, **at) as client:
            with pytest.raises(NoResponseError, match="may have taken effect"):
                await client.request("POST", "/v1/contact", returns=None)
        async with aiohttp.ClientSession() as session:
            client = HeymarketClient(SECRET, session=session, **at)
            with pytest.raises(NoResponseError, match="may have taken effect"):
                await client.request("POST", "/v1/contact", returns=None)

"""No token goes to a proxy in plain text."""

from __future__ import annotations

import aiohttp
import pytest

from heymarket_async import ConnectError, HeymarketClient, RetryPolicy
from heymarket_async.transport import proxies
from tests.conftest import SECRET
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

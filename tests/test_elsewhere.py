"""Nothing leads a call elsewhere, and nothing of a server's fills a log."""

from __future__ import annotations

import logging

import pytest

from heymarket_async import ApiKey, HeymarketClient, NotFoundError, RetryPolicy, StatusError
from heymarket_async.endpoints.contacts import GET as GET_CONTACT
from heymarket_async.sandbox import Sandbox
from tests.conftest import SECRET, Scripted, answer, transport_over

GET = GET_CONTACT.request(id=5)


@pytest.fixture
async def sandbox():
    async with Sandbox(contacts=1) as sandbox:
        yield sandbox


def client_of(sandbox: Sandbox) -> HeymarketClient:
    return HeymarketClient(ApiKey(sandbox.api_key), base_url=sandbox.url)


@pytest.mark.parametrize(
    "base_url",
    [
        "https://host.example/a/../b",
        "https://host.example/..",
        "https://host.example/./a",
        "https://host.example/%2e%2e/a",
        "https://host.example/a/%2E%2e",
        "https://host.example/a/..%2fb",
        "https://host.example/a/%5c..%5Cb",
        "https://host.example/a//b",
        "https://host.example//a",
    ],
)
def test_a_base_url_that_leads_elsewhere_is_refused(base_url):
    with pytest.raises(ValueError, match="base_url must not have empty or dotted segments"):
        HeymarketClient(SECRET, base_url=base_url)


@pytest.mark.parametrize("path", ["", "/", "/v1", "/a/b/", "/a.b/..c", "/a%2Fb"])
def test_a_base_url_with_a_plain_path_is_taken(path):
    base_url = f"https://host.example{path}"

    assert HeymarketClient(SECRET, base_url=base_url).base_url == base_url.rstrip("/")


@pytest.mark.parametrize("path", ["/v1/..%2Fx", "/v1/%5C..%5Cx", "/..", "/v1/x/.", "/v1/%2E"])
async def test_a_path_with_hidden_dots_is_refused(path, sandbox):
    async with client_of(sandbox) as client:
        with pytest.raises(ValueError, match="path must not have empty or dotted segments"):
            await client.request("GET", path)

    assert not sandbox.requests


@pytest.mark.parametrize("method", ["CONNECT", "trace", "TRACE", "PROPFIND", "GE T", "", "GET\r\n"])
async def test_a_verb_that_is_no_call_is_refused(method, sandbox):
    async with client_of(sandbox) as client:
        with pytest.raises(ValueError, match="method must be one of GET, HEAD, POST, PUT, PATCH"):
            await client.request(method, "/v1/team")
        with pytest.raises(ValueError, match="method must be of type str"):
            await client.request(None, "/v1/team")

    assert not sandbox.requests


@pytest.mark.parametrize("method", ["get", "POST", "Put", "PATCH", "DELETE", "HEAD", "OPTIONS"])
async def test_the_verbs_of_calls_are_sent(method, sandbox):
    async with client_of(sandbox) as client:
        with pytest.raises(StatusError):
            await client.request(method, "/v9/none", returns=type(None))

    assert sandbox.requests[0].method == method.upper()


async def test_a_long_request_id_is_cut_wherever_it_is_shown(caplog):
    caplog.set_level(logging.DEBUG, logger="heymarket_async")
    events = []
    long = {"X_Request_Id": "r" * 8000, "Date": "d" * 8000}
    transport = transport_over(Scripted(answer(404, **long)), on_attempt=events.append)
    with pytest.raises(NotFoundError) as raised:
        await transport.send(GET)

    assert raised.value.request_id == events[0].request_id == "r" * 128
    assert events[0].date == "d" * 128
    assert len(str(raised.value)) < 300
    assert max(len(record.getMessage()) for record in caplog.records) < 400


@pytest.mark.parametrize("name", ["X-Request-Id", "Date"])
async def test_what_cannot_be_printed_is_not_shown(name):
    events = []
    headers = {name.replace("-", "_"): "\x1b[31m" + 8000 * "x"}
    transport = transport_over(Scripted(answer(404, **headers)), on_attempt=events.append)
    with pytest.raises(NotFoundError) as raised:
        await transport.send(GET)

    assert (raised.value.request_id, events[0].request_id, events[0].date) == ("", "", "")


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry_After": "9" * 8000},
        {"Retry_After": "x" * 8000, "Date": "y" * 8000},
        {"Location": "https://" + "h" * 8000 + "/x"},
        {"Location": "https://host\x1b[31m.example/"},
        {"Location": "/" + "p" * 8000},
        {"Content_Type": "t" * 8000},
    ],
)
@pytest.mark.parametrize("status", [302, 500])
async def test_other_headers_do_not_fill_a_message(headers, status):
    transport = transport_over(Scripted(answer(status, **headers)), retry=RetryPolicy(attempts=1))
    with pytest.raises(StatusError) as raised:
        await transport.send(GET)

    assert len(str(raised.value)) < 500
    assert str(raised.value).isprintable()

"""The client as its users make it: arguments, environment, derived clients, other calls."""

from __future__ import annotations

import asyncio
import pickle

import aiohttp
import msgspec
import pytest

import heymarket_async
from heymarket_async import (
    ApiKey,
    ApiSecret,
    ClientStateError,
    HeymarketClient,
    NotFoundError,
    RateLimit,
    Repeat,
    RetryPolicy,
    ServerError,
)
from heymarket_async.sandbox import Sandbox
from tests.conftest import SECRET
from tests.transport.test_http import request_of, server


@pytest.fixture
async def sandbox():
    async with Sandbox(contacts=50, seed=3) as sandbox:
        yield sandbox


def client_of(sandbox: Sandbox, **options) -> HeymarketClient:
    options = {"retry": RetryPolicy(base_s=0.001), **options}
    return HeymarketClient(ApiSecret(*sandbox.credentials), base_url=sandbox.url, **options)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(f"HEYMARKET_{name}", raising=False)


async def test_a_secret_of_the_environment_signs(sandbox, monkeypatch):
    monkeypatch.setenv("HEYMARKET_SECRET_ID", sandbox.credentials.secret_id)
    monkeypatch.setenv("HEYMARKET_SECRET_KEY", sandbox.credentials.secret_key)
    monkeypatch.setenv("HEYMARKET_API_KEY", "not used")
    monkeypatch.setenv("HEYMARKET_BASE_URL", sandbox.url)

    async with HeymarketClient.from_env() as client:
        assert await client.contacts.count() == 50


async def test_a_legacy_key_of_the_environment_is_used(sandbox, monkeypatch):
    monkeypatch.setenv("HEYMARKET_API_KEY", sandbox.api_key)

    async with HeymarketClient.from_env(base_url=sandbox.url) as client:
        assert await client.contacts.count() == 50


async def test_what_is_passed_wins_over_the_environment(sandbox, monkeypatch):
    monkeypatch.setenv("HEYMARKET_API_KEY", "wrong")
    monkeypatch.setenv("HEYMARKET_BASE_URL", "https://wrong.invalid")
    options = {"credentials": ApiKey(sandbox.api_key), "base_url": sandbox.url}

    async with HeymarketClient.from_env(**options) as client:
        assert await client.contacts.count() == 50


def test_the_environment_can_name_a_store_of_the_rate_limit(monkeypatch):
    monkeypatch.setenv("HEYMARKET_API_KEY", "key")
    monkeypatch.setenv("HEYMARKET_STORE", "redis://cache:6379/0")

    alone = RateLimit(500, per_s=60.0, store="redis://cache:6379/0")
    assert HeymarketClient.from_env()._transport._turns._rate == alone
    monkeypatch.setenv("HEYMARKET_SHARE", "0.2")
    shared = RateLimit(500, per_s=60.0, store="redis://cache:6379/0", share=0.2, fallback=0.1)
    assert HeymarketClient.from_env()._transport._turns._rate == shared
    assert HeymarketClient.from_env(rate_limit=None)._transport._turns._rate is None
    monkeypatch.setenv("HEYMARKET_FALLBACK", "0")
    assert HeymarketClient.from_env()._transport._turns._rate.fallback == 0.0
    monkeypatch.setenv("HEYMARKET_FALLBACK", "a tenth")
    with pytest.raises(ValueError, match=r"HEYMARKET_FALLBACK must be a number, such as 0\.2"):
        HeymarketClient.from_env()
    monkeypatch.delenv("HEYMARKET_FALLBACK")
    monkeypatch.delenv("HEYMARKET_STORE")
    with pytest.raises(ValueError, match="HEYMARKET_SHARE needs HEYMARKET_STORE"):
        HeymarketClient.from_env()


NAMES = ("SECRET_ID", "SECRET_KEY", "API_KEY", "BASE_URL", "STORE", "SHARE", "FALLBACK")


@pytest.mark.parametrize("empty", ["", " ", "\n"])
@pytest.mark.parametrize("name", NAMES)
def test_a_variable_that_is_empty_is_refused(name, empty, monkeypatch):
    if name != "API_KEY":
        monkeypatch.setenv("HEYMARKET_SECRET_ID", "id")
        monkeypatch.setenv("HEYMARKET_SECRET_KEY", "key")
    monkeypatch.setenv(f"HEYMARKET_{name}", empty)

    with pytest.raises(ValueError, match=f"HEYMARKET_{name} is set, but empty. Give it a value"):
        HeymarketClient.from_env()


def test_a_variable_that_is_not_needed_may_be_empty(monkeypatch):
    for name in NAMES:
        monkeypatch.setenv(f"HEYMARKET_{name}", "")

    options = {"credentials": ApiKey("key"), "base_url": "http://localhost", "rate_limit": None}
    assert HeymarketClient.from_env(**options).base_url == "http://localhost"


def test_a_slip_in_the_name_of_a_variable_is_logged(monkeypatch, caplog):
    monkeypatch.setenv("HEYMARKET_API_KEY", "k")
    monkeypatch.setenv("HEYMARKET_STOER", "redis://secret@127.0.0.1/0")
    monkeypatch.setenv("HEYMARKET_DEV_API_KEY", "of a profile")

    HeymarketClient.from_env()

    assert caplog.messages == [
        "Nothing reads HEYMARKET_STOER. If it is HEYMARKET_STORE, correct its name."
    ]


def test_a_limit_that_is_passed_wins_over_a_wrong_one_of_the_environment(monkeypatch):
    monkeypatch.setenv("HEYMARKET_API_KEY", "key")
    monkeypatch.setenv("HEYMARKET_STORE", "cache:6379")

    assert HeymarketClient.from_env(rate_limit=RateLimit(9))._transport._turns._rate == RateLimit(9)


@pytest.mark.parametrize(
    ("given", "missing"),
    [("SECRET_ID", "HEYMARKET_SECRET_KEY"), ("SECRET_KEY", "HEYMARKET_SECRET_ID")],
)
def test_half_a_secret_says_what_is_missing(given, missing, monkeypatch):
    monkeypatch.setenv(f"HEYMARKET_{given}", "x")

    with pytest.raises(ValueError, match=f"{missing} is not set"):
        HeymarketClient.from_env()


def test_no_credentials_say_which_variables_to_set():
    with pytest.raises(ValueError, match="HEYMARKET_SECRET_ID and HEYMARKET_SECRET_KEY"):
        HeymarketClient.from_env()


@pytest.mark.parametrize(
    "url",
    [
        "http://api.heymarket.com",
        "http://192.168.1.1",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
    ],
)
def test_plain_http_is_for_loopback_only(url):
    with pytest.raises(ValueError, match="base_url must be https"):
        HeymarketClient(SECRET, base_url=url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.heymarket.com",
        "ftp://a",
        "https://",
        "https://u:p@a",
        "https://a?b",
        "https://a?",
        "https://a#b",
        "https://a:99999",
        "https://a:x",
        "https://a\n",
        "https://a/b c",
        "https://a\\b",
        5,
        None,
    ],
)
def test_a_base_url_that_is_none_is_refused(url):
    with pytest.raises(ValueError, match="base_url"):
        HeymarketClient(SECRET, base_url=url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:80", "http://[::1]:80/", "http://localhost:80", "https://a/b/"]
)
def test_a_slash_at_the_end_of_the_base_url_makes_no_difference(url):
    assert HeymarketClient(SECRET, base_url=url).base_url == url.rstrip("/")


@pytest.mark.parametrize("agent", ["crm\n", "crm/1.0\x7f", "crm/é", None])
def test_a_user_agent_that_is_no_header_is_refused(agent):
    with pytest.raises(ValueError, match="user_agent"):
        HeymarketClient(SECRET, user_agent=agent)


@pytest.mark.parametrize("credentials", ["key", None, ("id", "key"), ApiSecret])
def test_credentials_of_another_kind_are_refused(credentials):
    with pytest.raises(ValueError, match=r"credentials must be ApiSecret\(secret_id, "):
        HeymarketClient(credentials)


@pytest.mark.parametrize(
    "options",
    [
        {"rate_limit": 500},
        {"retry": None},
        {"session": "x"},
        {"ssl": False},
        {"proxy": "garbage"},
        {"on_attempt": 5},
        {"timeout_s": "30"},
    ],
)
def test_options_of_another_type_are_refused(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be"):
        HeymarketClient(SECRET, **options)


def test_a_rate_limit_that_is_a_number_says_what_it_should_be():
    with pytest.raises(ValueError, match="rate_limit must be of type RateLimit or None, not int"):
        HeymarketClient(SECRET, rate_limit=500)


async def test_a_callable_that_is_not_async_is_a_wrong_argument(sandbox):
    async with HeymarketClient(lambda: SECRET, base_url=sandbox.url) as client:
        with pytest.raises(ValueError, match="credentials callable must be async"):
            await client.contacts.count()


async def test_the_user_agent_names_us_and_the_application(sandbox):
    async with client_of(sandbox, user_agent="crm-sync/2.1") as client:
        await client.contacts.count()

    agent = sandbox.requests[0].headers["User-Agent"]
    assert agent == f"heymarket-async/{heymarket_async.__version__} crm-sync/2.1"


async def test_short_secrets_of_tests_are_no_reason_to_warn():
    async with (
        Sandbox(contacts=3, secret_id="id", secret_key="key") as sandbox,
        HeymarketClient(ApiSecret("id", "key"), base_url=sandbox.url) as client,
    ):
        assert await client.contacts.count() == 3


def test_a_client_shows_no_secret():
    client = HeymarketClient(ApiSecret("identity", "a-secret-key"))

    assert repr(client) == "HeymarketClient(base_url='https://api.heymarket.com')"
    with pytest.raises(TypeError, match=r"does not pickle.*from_env"):
        pickle.dumps(client)


async def test_a_derived_client_shares_connections_and_closes_nothing(sandbox):
    async with client_of(sandbox) as client:
        patient = client.with_options(deadline_s=600)
        await client.contacts.count()
        await patient.contacts.count()
        await patient.aclose()

        assert await client.contacts.count() == 50

    with pytest.raises(ClientStateError):
        await patient.contacts.count()
    tokens = {received.headers["Authorization"] for received in sandbox.requests}
    assert len(tokens) == 1


async def test_a_derived_client_has_its_own_options(sandbox):
    async with client_of(sandbox) as client:
        impatient = client.with_options(retry=RetryPolicy(attempts=1))
        sandbox.faults.answer(500, times=2)

        with pytest.raises(ServerError):
            await impatient.contacts.count()
        assert await client.contacts.count() == 50


async def test_options_of_a_derived_client_are_checked(sandbox):
    async with client_of(sandbox) as client:
        with pytest.raises(ValueError, match="timeout_s"):
            client.with_options(timeout_s=0)


async def test_a_client_may_be_closed_twice_and_unused(sandbox):
    client = client_of(sandbox)
    await client.aclose()
    await client.aclose()

    with pytest.raises(ClientStateError, match="closed"):
        await client.contacts.count()


async def test_a_borrowed_session_stays_open(sandbox):
    async with aiohttp.ClientSession() as session:
        async with client_of(sandbox, session=session) as client:
            assert await client.contacts.count() == 50

        assert not session.closed


async def test_a_proxy_of_the_environment_is_used_only_if_wanted(monkeypatch):
    async def proxy(reader, writer):
        asked.append(await request_of(reader))
        writer.write(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")

    asked = []
    elsewhere = {"base_url": "https://api.invalid", "retry": RetryPolicy(attempts=1)}
    async with server(proxy) as (url, _):
        monkeypatch.setenv("https_proxy", url)
        for trust_env in (False, True):
            async with HeymarketClient(SECRET, trust_env=trust_env, **elsewhere) as client:
                with pytest.raises(heymarket_async.ConnectError):
                    await client.contacts.count()

    assert [each.split(b"\r\n")[0] for each in asked] == [b"CONNECT api.invalid:443 HTTP/1.1"]


async def test_calls_that_we_do_not_know_can_be_made(sandbox):
    async with client_of(sandbox) as client:
        team = await client.request("get", "/v1/team", returns=dict[str, object])
        raw = await client.request("GET", "/v1/team", repeat=Repeat.READ)
        count = await client.request(
            "POST", "/v1/contacts/count", body={}, query={"a": True, "b": "ü"}, returns=int
        )

    assert team["name"]
    assert isinstance(raw, msgspec.Raw)
    assert msgspec.json.decode(raw) == team
    assert count == 50
    assert sandbox.requests[-1].query == {"a": "true", "b": "ü"}


async def test_a_slash_at_the_end_of_a_path_and_a_quoted_one_are_sent(sandbox):
    async with client_of(sandbox) as client:
        for path in ("/v1/team/", "/v1/x%2Fy"):
            with pytest.raises(NotFoundError):
                await client.request("GET", path)

    assert [received.path for received in sandbox.requests] == ["/v1/team/", "/v1/x/y"]


async def test_none_is_no_body(sandbox):
    async with client_of(sandbox) as client:
        await client.request("GET", "/v1/team", body=None)

    assert sandbox.requests[0].body is None
    assert "Content-Type" not in sandbox.requests[0].headers


async def test_a_call_that_we_do_not_know_is_not_repeated_unless_said(sandbox):
    async with client_of(sandbox) as client:
        sandbox.faults.answer(500, times=2)
        with pytest.raises(ServerError) as raised:
            await client.request("POST", "/v1/contacts", body={})
        await client.request("POST", "/v1/contacts", body={}, repeat=Repeat.READ)

    assert raised.value.may_have_taken_effect
    assert len(sandbox.requests) == 3


async def test_a_get_that_we_do_not_know_is_a_read_unless_said(sandbox):
    async with client_of(sandbox) as client:
        sandbox.faults.answer(500, times=2)
        with pytest.raises(ServerError) as raised:
            await client.request("GET", "/v1/team", repeat=Repeat.UNSAFE)
        await client.request("GET", "/v1/team")

    assert raised.value.may_have_taken_effect
    assert len(sandbox.requests) == 3


@pytest.mark.parametrize(
    "path",
    [
        "",
        "v1/team",
        "https://a/v1",
        "//evil.example/v1",
        "/v1/../x",
        "/v1/./x",
        "/v1//x",
        "/v1?a=b",
        "/a b",
        "/a#b",
        "/a\\b",
        "/v1/te\tam",
        "/v1/team\r\nX-Evil:1",
        "/v1/té",
        "/v1/%2e%2e/x",
        None,
    ],
)
async def test_a_path_that_could_lead_elsewhere_is_refused(path, sandbox):
    async with client_of(sandbox) as client:
        with pytest.raises(ValueError, match="path must"):
            await client.request("GET", path)

    assert not sandbox.requests


@pytest.mark.parametrize(
    "options",
    [
        {"repeat": "read"},
        {"query": [("a", "1")]},
        {"query": {"a": None}},
        {"query": {"a": [1]}},
        {"method": ""},
    ],
)
async def test_a_call_of_our_own_is_checked_too(options, sandbox):
    arguments = {"method": "GET", "path": "/v1/team", **options}
    async with client_of(sandbox) as client:
        with pytest.raises(ValueError, match=next(iter(options))):
            await client.request(arguments.pop("method"), arguments.pop("path"), **arguments)

    assert not sandbox.requests


async def test_a_derived_client_of_a_subclass_keeps_what_that_added(sandbox):
    class TenantClient(HeymarketClient):
        tenant = ""

    async with TenantClient(ApiSecret(*sandbox.credentials), base_url=sandbox.url) as client:
        client.tenant = "a"

        assert client.with_options(deadline_s=10).tenant == "a"


@pytest.mark.parametrize("borrowed", [False, True])
async def test_closing_ends_calls_and_sends_nothing_more(sandbox, borrowed):
    sandbox.faults.delay(30, on="POST /v1/contacts/count")
    sandbox.faults.answer(503, headers={"Retry-After": "1"}, on="GET /v1/team", times=None)
    async with aiohttp.ClientSession() as session:
        client = client_of(sandbox, session=session if borrowed else None)
        calls = [
            asyncio.ensure_future(client.contacts.count()),
            asyncio.ensure_future(client.request("GET", "/v1/team", repeat=Repeat.READ)),
        ]
        while {received.status for received in sandbox.requests} != {None, 503}:
            await asyncio.sleep(0.01)

        await client.aclose()

        done, _ = await asyncio.wait(calls, timeout=20)
        assert len(done) == 2
        for call in calls:
            with pytest.raises(ClientStateError, match="closed"):
                call.result()
        await asyncio.sleep(1.2)
        assert len(sandbox.requests) == 2


async def test_what_calls_wait_for_can_be_asked(sandbox):
    async with client_of(sandbox) as client:
        assert client.waiting == ""


async def test_an_unknown_path_is_not_found(sandbox):
    async with client_of(sandbox) as client:
        with pytest.raises(NotFoundError):
            await client.request("GET", "/v9/none")

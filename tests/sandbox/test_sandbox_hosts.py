"""Web pages and requests to other hosts are refused, before anything is done with them."""

import asyncio

import pytest

from heymarket_async import ApiSecret, HeymarketClient

TEAM = "GET /v1/team"


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:{port}", "localhost.evil.example", "127.0.0.1.evil"),
        *("10.0.0.5", "[::2]", "[::1", "localhost@evil.example", "localhost:80:80", ""),
    ],
)
async def test_a_request_to_another_host_is_refused(host, serve):
    account = await serve()
    port = account.sandbox.url.rpartition(":")[2]
    headers = {"Host": host.format(port=port)}
    status, text = await account.try_(TEAM, headers=headers)
    assert status == 421
    assert 'Sandbox(hosts=["its name"])' in text
    assert "evil" not in text


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST:{port}", "127.0.0.1", "[::1]:{port}"),
        *("localhost.", "localhost.:{port}", "[0:0:0:0:0:0:0:1]", "[0000::0001]:{port}"),
    ],
)
async def test_a_request_to_this_machine_is_answered(host, serve):
    account = await serve()
    port = account.sandbox.url.rpartition(":")[2]
    headers = {"Host": host.format(port=port)}
    assert await account.status(TEAM, headers=headers) == 200


async def test_further_hosts_are_answered_once_they_are_named(serve):
    account = await serve(hosts=["Heymarket", "10.0.0.5", "FE80:0::2", "my_host.example."])
    for host in ("heymarket:8080", "10.0.0.5", "[fe80::2]:80", "my_host.example"):
        assert await account.status(TEAM, headers={"Host": host}) == 200
    assert await account.status(TEAM, headers={"Host": "10.0.0.6"}) == 421


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "::1", "localhost", "127.0.0.2"])
async def test_a_client_reaches_a_sandbox_at_its_url_wherever_it_listens(host, serve):
    sandbox = (await serve(1, host=host)).sandbox
    async with HeymarketClient(ApiSecret(*sandbox.credentials), base_url=sandbox.url) as client:
        assert await client.contacts.count() == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_request_of_a_web_page_is_refused(headers, serve):
    account = await serve(1)
    status, text = await account.try_("DELETE /v1/contact/10001", headers=headers)
    assert (status, "comes from a web page" in text) == (421, True)
    assert len(account.sandbox.store) == 1


@pytest.mark.parametrize("site", ["none", "same-origin"])
async def test_a_request_from_its_own_origin_is_answered(site, serve):
    account = await serve()
    headers = {"Origin": account.sandbox.url, "Sec-Fetch-Site": site}
    assert await account.status(TEAM, headers=headers) == 200


async def test_a_refusal_does_not_look_like_one_of_heymarket(serve):
    account = await serve()
    async with account.session.get("/v1/team", headers={"Origin": "null"}) as response:
        assert response.content_type == "text/plain"
        assert "X-Request-Id" not in response.headers


@pytest.mark.parametrize("headers", [{"Origin": "null"}, {"Host": "evil.example"}])
async def test_a_foreign_request_is_not_kept_and_uses_up_no_fault(headers, serve):
    account = await serve()
    account.sandbox.faults.answer(503)
    await account.try_(TEAM, headers=headers)
    assert not account.sandbox.requests
    assert await account.status(TEAM) == 503


async def test_a_preflight_gets_no_leave(serve):
    account = await serve()
    own = {"Origin": account.sandbox.url, "Access-Control-Request-Method": "PUT"}
    for headers in (own, {**own, "Origin": "http://evil.example"}):
        async with account.session.options("/v1/contact/10001", headers=headers) as response:
            assert response.status in {404, 421}
            assert not [name for name in response.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /v1/team HTTP/1.0\r\n\r\n",
        b"GET http://evil.example/v1/team HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /v1/contact HTTP/1.1\r\nHost: evil\r\nContent-Length: 9\r\n\r\n{",
    ],
    ids=["no host", "as to a proxy", "with a body that never ends"],
)
async def test_no_host_or_a_second_one_is_refused(request_, serve):
    account = await serve()
    async with account.sends(request_) as (reader, _):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert b" 421 " in head
    assert b"X-Request-Id" not in head

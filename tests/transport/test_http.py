"""Exchanges over real sockets, and every way in which they fail."""

from __future__ import annotations

import asyncio
import gc
import gzip
import ssl
import zlib
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from heymarket_async import ClientStateError, ConnectError, NoResponseError
from heymarket_async.privacy import Hidden
from heymarket_async.transport import direct, proxies
from heymarket_async.transport.http import Http

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def server(serve: Serve, **options: object):
    """A server that runs `serve` for every connection, and counts them."""
    connections: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0, **options)
    try:
        port = listening.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", connections
    finally:
        listening.close()
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


async def request_of(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (h for h in head.split(b"\r\n") if h.lower().startswith(b"content-length")), b":0"
    )
    return head + await reader.readexactly(int(length.split(b":")[1]))


@pytest.fixture(params=["directly", "by session"])
async def http(request, monkeypatch):
    if request.param == "by session":
        monkeypatch.setattr(direct, "why_not", lambda: "a test asks for it")
    http = Http()
    yield http
    await http.aclose()


async def exchange(
    http: Http, url: str, method: str = "POST", timeout_s: float = 5, **options: int
):
    return await http.exchange(
        method, url, "/x?a=%2F", headers=Hidden({}), body=b"{}", timeout_s=timeout_s, **options
    )


async def test_an_answer_comes_back_whole(http):
    received = []

    async def serve(reader, writer):
        received.append(await request_of(reader))
        writer.write(b"HTTP/1.1 404 No\r\nx-request-id: r-1\r\nContent-Length: 4\r\n\r\nnope")
        await writer.drain()

    async with server(serve) as (url, _):
        answer = await exchange(http, url)

    assert (answer.status, answer.body) == (404, b"nope")
    assert answer.headers["X-Request-Id"] == "r-1"
    assert received[0].startswith(b"POST /x?a=%2F HTTP/1.1\r\n")
    assert received[0].endswith(b"{}")


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_refused_connection_means_that_nothing_was_sent(http, unused_tcp_port, method):
    with pytest.raises(ConnectError, match="nothing was sent"):
        await exchange(http, f"http://127.0.0.1:{unused_tcp_port}", method)


async def test_a_name_that_does_not_resolve_means_that_nothing_was_sent(http):
    with pytest.raises(ConnectError, match="nothing was sent"):
        await exchange(http, "http://does-not-exist.invalid")


async def test_a_server_that_speaks_no_tls_means_that_nothing_was_sent(http):
    async def serve(reader, writer):
        await reader.read(100)
        writer.write(OK)
        await writer.drain()

    async with server(serve) as (url, _):
        with pytest.raises(ConnectError, match="nothing was sent"):
            await exchange(http, url.replace("http", "https"))


async def test_a_handshake_that_hangs_means_that_nothing_was_sent(http):
    async def serve(reader, writer):
        await reader.read()

    async with server(serve) as (url, _):
        with pytest.raises(ConnectError, match="nothing was sent"):
            await exchange(http, url.replace("http", "https"), timeout_s=0.6)  # half to connect


async def before_answer(reader, writer):
    await request_of(reader)


async def within_head(reader, writer):
    await request_of(reader)
    writer.write(OK[:20])
    await writer.drain()


async def within_body(reader, writer):
    await request_of(reader)
    writer.write(OK[:-1])
    await writer.drain()


async def within_chunks(reader, writer):
    await request_of(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal")
    await writer.drain()


async def no_http(reader, writer):
    await request_of(reader)
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    await writer.drain()


async def bad_compression(reader, writer):
    await request_of(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok")
    await writer.drain()


async def silence(reader, writer):
    await reader.read()


async def silence_in_body(reader, writer):
    await request_of(reader)
    writer.write(OK[:-1])
    await writer.drain()
    await reader.read()


CUTS = [before_answer, within_head, within_body, within_chunks, no_http, bad_compression]


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE"])
@pytest.mark.parametrize("serve", [*CUTS, silence, silence_in_body])
async def test_an_answer_that_is_not_whole_means_that_the_outcome_is_unknown(http, serve, method):
    async with server(serve) as (url, connections):
        with pytest.raises(NoResponseError) as raised:
            await exchange(http, url, method, timeout_s=0.6)

    assert len(connections) == 1, "sent once"
    assert raised.value.may_have_taken_effect is False, "that is for the call to say"


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE"])
async def test_a_dropped_kept_alive_connection_is_not_hidden(http, method):
    requests = []

    async def serve(reader, writer):
        requests.append(await request_of(reader))
        writer.write(OK)
        await writer.drain()
        requests.append(await request_of(reader))

    async with server(serve) as (url, _):
        await exchange(http, url, method)
        with pytest.raises(NoResponseError):
            await exchange(http, url, method)

    assert len(requests) == 2, "aiohttp would send all but POST a third time"


def answering(head: str, content: bytes = b"") -> Serve:
    async def serve(reader, writer):
        await request_of(reader)
        writer.write(f"HTTP/1.1 {head}\r\n\r\n".encode() + content)
        await writer.drain()

    return serve


def in_chunks(head: str, content: bytes) -> Serve:
    chunk = b"%x\r\n%b\r\n" % (len(content), content) if content else b""
    return answering(f"{head}\r\nTransfer-Encoding: chunked", chunk + b"0\r\n\r\n")


def of_length(head: str, content: bytes) -> Serve:
    return answering(f"{head}\r\nContent-Length: {len(content)}", content)


@asynccontextmanager
async def own_or_borrowed(is_borrowed: bool):
    async with aiohttp.ClientSession() as session:
        http = Http(session=session if is_borrowed else None)
        try:
            yield http
        finally:
            await http.aclose()


JSON = b'{"a": 1, "b": "two"}'
GZIP = gzip.compress(JSON, mtime=0)
ZIPPED = "200 OK\r\nContent-Encoding: gzip"


@pytest.mark.parametrize("is_borrowed", [False, True])
@pytest.mark.parametrize("framed", [in_chunks, of_length])
@pytest.mark.parametrize(
    "cut",
    [GZIP[:-1], GZIP[:-8], GZIP[:20], GZIP[:10], GZIP[:1], (2 * GZIP)[:-1]],
    ids=["last byte", "trailer", "within", "after the header", "first byte", "second member"],
)
async def test_a_compressed_body_that_ends_early_is_a_lost_answer(is_borrowed, framed, cut):
    async with own_or_borrowed(is_borrowed) as http, server(framed(ZIPPED, cut)) as (url, _):
        with pytest.raises(NoResponseError):
            await exchange(http, url)


async def test_a_compressed_body_that_ends_early_is_named_as_the_reason(http):
    async with server(of_length(ZIPPED, GZIP[:-1])) as (url, _):
        with pytest.raises(NoResponseError, match="its compressed body ends early"):
            await exchange(http, url)


@pytest.mark.parametrize("is_borrowed", [False, True])
@pytest.mark.parametrize(
    ("encoding", "content", "body"),
    [
        ("gzip", GZIP, JSON),
        ("X-GZip ", GZIP, JSON),
        ("gzip", gzip.compress(JSON[:5]) + gzip.compress(JSON[5:]), JSON),
        ("gzip", GZIP + bytes(512), JSON),
        ("deflate", zlib.compress(JSON), JSON),
        ("identity", JSON, JSON),
    ],
    ids=["gzip", "its old name", "two members", "padded", "zlib", "none"],
)
async def test_a_compressed_body_comes_back_as_it_was(is_borrowed, encoding, content, body):
    head = f"200 OK\r\nContent-Encoding: {encoding}"
    async with own_or_borrowed(is_borrowed) as http, server(in_chunks(head, content)) as (url, _):
        answer = await exchange(http, url)

    assert answer.body == body
    assert not answer.may_be_cut


@pytest.mark.parametrize(("framed", "may_be_cut"), [(in_chunks, True), (of_length, False)])
async def test_an_empty_compressed_body_may_be_cut_unless_it_has_a_length(http, framed, may_be_cut):
    async with server(framed(ZIPPED, gzip.compress(b"", mtime=0))) as (url, _):
        answer = await exchange(http, url)

    assert (answer.body, answer.may_be_cut) == (b"", may_be_cut)


@pytest.mark.parametrize("blank", [b"", b" \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
@pytest.mark.parametrize(
    "serve", [answering, in_chunks], ids=["closed after the head", "made whole by a gateway"]
)
@pytest.mark.parametrize("head", ["200 OK", "404 Not Found"])
async def test_a_blank_body_that_is_not_shown_to_be_whole_may_be_cut(http, head, serve, blank):
    async with server(serve(head, blank)) as (url, _):
        answer = await exchange(http, url)

    assert (answer.body, answer.may_be_cut) == (blank, True)


async def test_a_garbled_body_is_named_as_the_reason(http):
    async with server(of_length(ZIPPED, GZIP[:10] + b"no gzip")) as (url, _):
        with pytest.raises(NoResponseError, match="its compressed body is garbled"):
            await exchange(http, url)


@pytest.mark.parametrize("framed", [in_chunks, of_length])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "br", "gzip, identity"])
async def test_nothing_at_all_is_no_compressed_body(http, framed, encoding):
    async with server(framed(f"200 OK\r\nContent-Encoding: {encoding}", b"")) as (url, _):
        answer = await exchange(http, url)

    assert (answer.body, answer.may_be_cut) == (b"", True)


@pytest.mark.parametrize(
    "serve",
    [
        of_length("200 OK", b""),
        of_length("200 OK", b"\n"),
        of_length("200 OK", b"\xef\xbb\xbf"),
        of_length("200 OK\r\nContent-Encoding: identity", b""),
        answering("204 No Content\r\nContent-Encoding: gzip"),
        answering("200 OK", b"1042"),
        in_chunks("200 OK", b"null"),
    ],
    ids=["no bytes", "blank", "a byte order mark", "not compressed", "204", "number", "null"],
)
async def test_a_body_that_is_whole_may_not_be_cut(http, serve):
    async with server(serve) as (url, _):
        assert not (await exchange(http, url)).may_be_cut


async def test_an_answer_to_head_has_no_body_that_could_be_cut(http):
    async with server(of_length(ZIPPED, b"")) as (url, _):
        assert not (await exchange(http, url, "HEAD")).may_be_cut


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (f"X-Policy: {'s3cret ' * 1200}", "a header that is longer than aiohttp reads"),
        ("\r\n".join(f"X-{n}: s3cret" for n in range(130)), "more headers than aiohttp reads"),
        ("no header s3cret", "InvalidHeader|BadHttpMessage"),
    ],
    ids=["long", "many", "garbled"],
)
async def test_a_head_that_is_not_read_is_an_error_that_says_why(http, headers, reason):
    async with server(of_length(f"200 OK\r\n{headers}", b"{}")) as (url, _):
        with pytest.raises(NoResponseError, match=reason) as raised:
            await exchange(http, url)

    assert "s3cret" not in f"{raised.value} {raised.value.__cause__!r}"


async def test_connections_are_used_again(http):
    async def serve(reader, writer):
        for _ in range(3):
            await request_of(reader)
            writer.write(OK)
            await writer.drain()

    async with server(serve) as (url, connections):
        for _ in range(3):
            await exchange(http, url)

    assert len(connections) == 1


async def test_a_redirect_is_an_answer_like_any_other(http):
    async def serve(reader, writer):
        await request_of(reader)
        writer.write(
            b"HTTP/1.1 302 F\r\nLocation: http://elsewhere.invalid/\r\nContent-Length: 0\r\n\r\n"
        )
        await writer.drain()

    async with server(serve) as (url, _):
        assert (await exchange(http, url)).status == 302


@pytest.mark.parametrize("serve", [silence, silence_in_body])
async def test_cancelling_an_exchange_closes_its_connection(http, serve):
    closed = asyncio.Event()

    async def until_closed(reader, writer):
        await serve(reader, writer)
        closed.set()

    async with server(until_closed) as (url, _):
        running = asyncio.ensure_future(exchange(http, url))
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        async with asyncio.timeout(5):
            await closed.wait()


async def test_a_cut_answer_still_has_its_request_id(http):
    async def serve(reader, writer):
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nX-Request-Id: r-7\r\nContent-Length: 9\r\n\r\ncut")
        await writer.drain()

    async with server(serve) as (url, _):
        with pytest.raises(NoResponseError) as raised:
            await exchange(http, url)

    assert raised.value.request_id == "r-7"


async def test_an_error_to_connect_says_where_and_why(http, unused_tcp_port):
    with pytest.raises(ConnectError) as raised:
        await exchange(http, f"http://127.0.0.1:{unused_tcp_port}")

    assert str(raised.value) == (
        f"could not connect to 127.0.0.1:{unused_tcp_port}"
        " (ClientConnectorError: Connection refused); nothing was sent"
    )


async def test_a_large_body_is_sent_without_a_warning(http):
    async def serve(reader, writer):
        received.append(await request_of(reader))
        writer.write(OK)
        await writer.drain()

    received: list[bytes] = []
    body = b"[" + b"1," * (1 << 20) + b"1]"
    async with server(serve) as (url, _):
        await http.exchange("POST", url, "/", headers=Hidden({}), body=body, timeout_s=30)

    assert received[0].endswith(b"\r\n\r\n" + body)


async def test_a_session_with_an_auth_of_its_own_is_refused():
    async with aiohttp.ClientSession() as session:
        session._default_auth = object()
        with pytest.raises(ValueError, match="session must not have an auth"):
            Http(session=session)


@pytest.mark.parametrize("proxy", ["garbage", "socks5://proxy.example:1080", "http://", 5])
def test_a_proxy_that_is_none_is_refused(proxy):
    with pytest.raises(ValueError, match="proxy must be the URL of an HTTP proxy"):
        Http(proxy=proxy)


async def test_a_borrowed_session_is_used_and_not_closed():
    async def serve(reader, writer):
        received.append(await request_of(reader))
        writer.write(OK)
        await writer.drain()

    received: list[bytes] = []
    async with server(serve) as (url, _), aiohttp.ClientSession(headers={"X-Mine": "1"}) as session:
        http = Http(session=session)
        await exchange(http, url)
        await http.aclose()
        assert not session.closed

    assert b"X-Mine: 1" in received[0]
    with pytest.raises(ClientStateError, match="borrowed session is closed"):
        await exchange(Http(session=session), url)


async def test_another_runtime_error_is_not_taken_for_a_closed_session(http, monkeypatch):
    async def broken(*args, **kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr(aiohttp.ClientSession, "request", broken)

    with pytest.raises(RuntimeError, match="a bug"):
        await exchange(http, "http://127.0.0.1:1")


async def test_a_client_that_was_not_closed_is_warned_of():
    http = Http()
    with pytest.raises(ConnectError):
        await exchange(http, "http://127.0.0.1:1")
    connector = http._direct.connector
    await asyncio.sleep(0)  # because a loop holds the error that woke a task until that waits again
    gc.collect()  # the frames of old errors, which could keep it until its session has gone first

    with pytest.warns(ResourceWarning, match="HeymarketClient was not closed"):
        del http
        gc.collect()

    await connector.close()


async def test_a_proxy_gets_its_login_and_its_refusal_means_that_nothing_was_sent():
    received: list[bytes] = []

    async def proxy(reader, writer):
        received.append(await request_of(reader))
        writer.write(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with server(proxy) as (url, _):
        http = Http(proxy=url.replace("http://", "http://user:secret-pass@"))
        with pytest.raises(ConnectError) as raised:
            await http.exchange(
                "GET", "https://api.invalid", "/", body=None, timeout_s=5,
                headers=Hidden({"Authorization": "Bearer t0ken"}),
            )  # fmt: skip
        await http.aclose()

    assert received[0].startswith(b"CONNECT api.invalid:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpzZWNyZXQtcGFzcw==" in received[0]
    shown = f"{raised.value!r} {raised.value} {raised.value.__cause__!r}"
    assert "secret-pass" not in shown
    assert "t0ken" not in shown


@pytest.mark.parametrize("status", [401, 403, 407, 502])
async def test_a_proxy_that_refuses_to_connect_is_named_with_its_status(status):
    async with server(of_length(f"{status} No", b"")) as (url, _):
        http = Http(proxy=url)
        with pytest.raises(ConnectError, match=f"the proxy answered {status} to CONNECT") as raised:
            await exchange(http, "https://api.invalid")
        await http.aclose()

    assert raised.value.proxy_status == status


async def test_a_proxy_gets_its_login_with_plain_http_too():
    received: list[bytes] = []

    async def proxy(reader, writer):
        received.append(await request_of(reader))
        writer.write(OK)
        await writer.drain()

    async with server(proxy) as (url, _):
        http = Http(proxy=url.replace("http://", "http://user:secret-pass@"))
        await exchange(http, "http://127.0.0.1:1")
        await http.aclose()

    assert received[0].startswith(b"POST http://127.0.0.1:1/x?a=%2F HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpzZWNyZXQtcGFzcw==\r\n" in received[0]


def test_the_proxy_of_the_environment_is_found(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "internal.example")

    assert proxies.from_environment("https://api.heymarket.com") == "http://proxy.example:3128"
    assert proxies.from_environment("https://internal.example") is None


async def test_tls_uses_the_context_that_was_given(http):
    context = ssl.create_default_context()

    assert Http(ssl=context)._ssl is context
    assert http._ssl is True


def every_aiohttp_error() -> list[type[Exception]]:
    found = [aiohttp.ClientError]
    for error in found:
        found.extend(error.__subclasses__())
    return sorted({error for error in found if error.__module__.startswith("aiohttp")}, key=str)


NOTHING_WAS_SENT = {
    "ClientConnectorCertificateError",
    "ClientConnectorDNSError",
    "ClientConnectorError",
    "ClientConnectorSSLError",
    "ClientHttpProxyError",
    "ClientProxyConnectionError",
    "ClientSSLError",
    "ConnectionTimeoutError",
    "InvalidURL",
    "InvalidUrlClientError",
    "InvalidUrlRedirectClientError",
    "NonHttpUrlClientError",
    "NonHttpUrlRedirectClientError",
    "ServerFingerprintMismatch",
    "UnixClientConnectorError",
}


@pytest.mark.parametrize("kind", every_aiohttp_error(), ids=lambda kind: kind.__name__)
async def test_every_error_of_aiohttp_is_mapped_by_whether_something_was_sent(
    http, kind, monkeypatch
):
    async def fail(*args, **kwargs):
        error = kind.__new__(kind)
        error.status = 502
        raise error

    monkeypatch.setattr(aiohttp.ClientSession, "request", fail)
    expected = ConnectError if kind.__name__ in NOTHING_WAS_SENT else NoResponseError

    with pytest.raises(expected):
        await exchange(http, "http://127.0.0.1:1")

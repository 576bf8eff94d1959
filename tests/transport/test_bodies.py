"""No answer takes more memory than allowed, compressed or not."""

from __future__ import annotations

import asyncio
import gzip
import random
import tracemalloc
import zlib
from contextlib import suppress

import msgspec
import pytest

from heymarket_async import (
    DecodeError,
    HeymarketClient,
    NewContact,
    NotFoundError,
    RetryPolicy,
    ServerError,
)
from heymarket_async.transport import bodies
from tests.conftest import SECRET
from tests.transport.test_http import (
    ZIPPED,
    answering,
    exchange,
    in_chunks,
    of_length,
    own_or_borrowed,
    request_of,
    server,
)

MOST = 300_000
ENOUGH = b'{"id": 7, "rev": 1, "first": "' + b"x" * MOST + b'"}'
SMALL = b'{"id": 7, "rev": 1}'


def bomb(wbits: int) -> bytes:
    packer = zlib.compressobj(wbits=wbits)
    return packer.compress(bytes(20 * MOST)) + packer.flush()


def endless(head: str, piece: bytes):
    """A server that sends until the client closes the connection, and then sets an event."""

    async def serve(reader, writer):
        await request_of(reader)
        writer.write(f"HTTP/1.1 {head}\r\nX-Request-Id: r-9\r\n\r\n".encode())
        try:
            while True:
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            hung_up.set()

    hung_up = asyncio.Event()
    return serve, hung_up


CHUNK = b"4000\r\n" + bytes(0x4000) + b"\r\n"
ENDLESS = {
    "chunks": ("Transfer-Encoding: chunked", CHUNK),
    "one long chunk": ("Transfer-Encoding: chunked", b"fffffffffff\r\n" + 9999 * b" "),
    "no length": ("Connection: close", bytes(0x4000)),
    "blanks before JSON": ("Connection: close", b" " * 0x4000),
    "a length of a petabyte": ("Content-Length: 1000000000000000", b" " * 0x4000),
    "compressed": ("Content-Encoding: gzip\r\nConnection: close", bomb(31)),
}


@pytest.mark.parametrize("is_borrowed", [False, True], ids=["own", "borrowed"])
@pytest.mark.parametrize(("headers", "piece"), ENDLESS.values(), ids=ENDLESS)
async def test_an_answer_without_an_end_is_given_up_and_hung_up_on(headers, piece, is_borrowed):
    serve, hung_up = endless(f"200 OK\r\n{headers}", piece)
    async with own_or_borrowed(is_borrowed) as http, server(serve) as (url, connections):
        with pytest.raises(DecodeError, match="max_answer_bytes") as raised:
            await exchange(http, url, max_bytes=MOST)
        async with asyncio.timeout(5):
            await hung_up.wait()

    error = raised.value
    assert (error.status, error.request_id, error.is_garbled) == (200, "r-9", False)
    assert len(connections) == 1


@pytest.mark.parametrize("is_borrowed", [False, True], ids=["own", "borrowed"])
@pytest.mark.parametrize(("headers", "piece"), ENDLESS.values(), ids=ENDLESS)
async def test_an_error_without_an_end_is_still_that_error(headers, piece, is_borrowed):
    serve, hung_up = endless(f"500 No\r\n{headers}", piece)
    async with own_or_borrowed(is_borrowed) as http, server(serve) as (url, _):
        answer = await exchange(http, url)
        async with asyncio.timeout(5):
            await hung_up.wait()

    assert (answer.status, answer.body, answer.request_id) == (500, b"", "r-9")


@pytest.mark.parametrize("is_borrowed", [False, True], ids=["own", "borrowed"])
@pytest.mark.parametrize("framed", [in_chunks, of_length])
@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gzip", bomb(31)),
        ("deflate", bomb(15)),
        ("x-gzip", gzip.compress(SMALL) + bomb(31)),
        ("gzip", 25 * gzip.compress(bytes(MOST // 20))),
        ("identity", bytes(MOST + 1)),
    ],
    ids=["gzip", "deflate", "second member", "many members", "none"],
)
async def test_a_body_that_gets_too_large_is_not_read_to_its_end(
    encoding, content, framed, is_borrowed
):
    serve = framed(f"200 OK\r\nContent-Encoding: {encoding}", content)
    async with own_or_borrowed(is_borrowed) as http, server(serve) as (url, _):
        with pytest.raises(DecodeError, match="max_answer_bytes"):
            await exchange(http, url, max_bytes=MOST)


@pytest.mark.parametrize("encoding", ["gzip, gzip", "zstd", "br"])
async def test_a_compression_that_was_not_asked_for_is_not_undone(encoding):
    twice = gzip.compress(bomb(31))
    head = f"200 OK\r\nContent-Encoding: {encoding}"
    async with own_or_borrowed(False) as http, server(of_length(head, twice)) as (url, _):
        assert (await exchange(http, url, max_bytes=MOST)).body == twice


@pytest.mark.parametrize("is_borrowed", [False, True], ids=["own", "borrowed"])
@pytest.mark.parametrize("framed", [in_chunks, of_length])
@pytest.mark.parametrize("head", ["200 OK", ZIPPED, "404 No"])
@pytest.mark.parametrize("body", [ENOUGH, SMALL], ids=["large", "small"])
async def test_a_body_that_is_just_small_enough_comes_back(head, framed, body, is_borrowed):
    content = gzip.compress(body) if head == ZIPPED else body
    most = max(len(content), len(body))
    async with own_or_borrowed(is_borrowed) as http, server(framed(head, content)) as (url, _):
        assert (await exchange(http, url, max_bytes=most)).body == body
        if head == "404 No":
            assert (await exchange(http, url, max_bytes=most - 1)).body == b""
        else:
            with pytest.raises(DecodeError):
                await exchange(http, url, max_bytes=most - 1)


@pytest.mark.parametrize("is_borrowed", [False, True], ids=["own", "borrowed"])
async def test_the_content_length_of_an_answer_to_head_is_not_that_of_its_body(is_borrowed):
    serve = answering("200 OK\r\nContent-Length: 1000000000000")
    async with own_or_borrowed(is_borrowed) as http, server(serve) as (url, _):
        assert (await exchange(http, url, "HEAD", max_bytes=MOST)).body == b""


def test_many_parts_of_nothing_do_not_take_forever():
    with pytest.raises(bodies.BodyError, match="too many parts"):
        bodies.decompressed(gzip.compress(b"", mtime=0) * 50_000, "gzip", MOST)


MEMBER = gzip.compress(b"", mtime=0)
MEMBERS = {
    "a large one": 50 * MEMBER + gzip.compress(random.Random(1).randbytes(1_000_000)),
    "padding": 50 * (MEMBER + bytes(20_000)),
    "padding to its end": 50 * MEMBER + bytes(1_000_000),
}


@pytest.mark.parametrize("content", MEMBERS.values(), ids=MEMBERS)
def test_a_part_does_not_cost_a_copy_of_all_that_follows_it(content, monkeypatch):
    read: list[int] = []

    class Stream:
        def __init__(self, wbits: int):
            self.stream = zlib_stream(wbits)

        def decompress(self, piece, most):
            read.append(len(piece))
            return self.stream.decompress(piece, most)

        def __getattr__(self, name):
            return getattr(self.stream, name)

    zlib_stream = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", Stream)

    assert len(bodies.decompressed(content, "gzip", 1_000_000)) in {0, 1_000_000}
    assert sum(read) < 6 * len(content)


def test_a_further_part_is_whole_too_and_counts():
    content = gzip.compress(b"a" * 100_000) + b"\0" + gzip.compress(b"b" * 100_000)

    assert len(bodies.decompressed(content, "gzip", 200_000)) == 200_000
    with pytest.raises(bodies.TooLargeError):
        bodies.decompressed(content, "gzip", 199_999)
    with pytest.raises(bodies.BodyError, match="ends early"):
        bodies.decompressed(content[:-1], "gzip", 200_000)
    with pytest.raises(bodies.BodyError, match="garbled"):
        bodies.decompressed(content + b"xx", "gzip", 200_000)


@pytest.mark.parametrize("element", [b"{}", b"7", b'""', b"null", b'{"id":1}'])
async def test_an_answer_of_very_many_small_values_is_not_read(element):
    body = b"[" + b",".join([element] * (bodies.USUAL_BYTES // len(element))) + b"]"
    serve = of_length("200 OK\r\nContent-Encoding: gzip", gzip.compress(body, 1))
    async with server(serve) as (url, _), client_of(url) as client:
        tracemalloc.start()
        try:
            with pytest.raises(DecodeError, match="more values than any answer of Heymarket"):
                await client.contacts.page()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert peak < 5 * len(body)


async def test_a_page_that_is_larger_than_usual_is_read():
    row = {"id": 1, "rev": 1, "first": "Robin", "custom": {"1": "x" * 500}, "note": [{"id": 1}]}
    body = msgspec.json.encode([row] * 5_000)
    async with server(of_length("200 OK", body)) as (url, _), client_of(url) as client:
        assert len(await client.contacts.page()) == 5_000
        assert len(body) > bodies.USUAL_BYTES


def client_of(url: str, **options) -> HeymarketClient:
    return HeymarketClient(SECRET, base_url=url, retry=RetryPolicy(base_s=0.0), **options)


async def test_a_call_whose_answer_is_too_large_is_not_made_again(events):
    async with (
        server(in_chunks("200 OK\r\nX-Request-Id: r-2", ENOUGH)) as (url, connections),
        client_of(url, on_attempt=events.append, max_answer_bytes=1000) as client,
    ):
        with pytest.raises(DecodeError) as read:
            await client.contacts.get(7)
        with pytest.raises(DecodeError) as written:
            await client.contacts.update(7, NewContact(phone="15105553344"))
        with pytest.raises(DecodeError) as deleted:
            await client.contacts.delete(7)
        found = await client.with_options(max_answer_bytes=len(ENOUGH)).contacts.get(7)

    assert str(read.value) == (
        "GET /v1/contact/{id} answered 200, but the body is larger than max_answer_bytes (1000)."
        " Ask for less at once, or raise max_answer_bytes; request id r-2"
    )
    assert [error.value.may_have_taken_effect for error in (read, written, deleted)] == [0, 1, 1]
    assert found.id == 7
    assert len(connections) == 4
    assert [(event.status, event.request_id) for event in events] == [(200, "r-2")] * 4


@pytest.fixture
def events():
    return []


@pytest.mark.parametrize(("status", "kind"), [(500, ServerError), (404, NotFoundError)])
async def test_an_error_with_a_too_large_body_keeps_its_status(status, kind):
    serve, _ = endless(f"{status} No\r\nTransfer-Encoding: chunked", CHUNK)
    async with server(serve) as (url, _), client_of(url) as client:
        with pytest.raises(kind, match=f"answered {status}; request id r-9"):
            await client.with_options(retry=RetryPolicy(attempts=1)).contacts.get(7)


@pytest.mark.parametrize("most", [0, -1, 1.5, None, "64 MiB", True])
def test_the_bound_is_a_number_of_bytes(most, monkeypatch):
    with pytest.raises(ValueError, match="max_answer_bytes must be an integer of at least 1"):
        HeymarketClient(SECRET, max_answer_bytes=most)


def test_the_bound_is_64_mib_unless_it_is_said(monkeypatch):
    monkeypatch.setenv("HEYMARKET_API_KEY", "k" * 40)
    client = HeymarketClient.from_env()
    other = HeymarketClient.from_env(max_answer_bytes=1000)

    assert client._transport.options.max_answer_bytes == 64 * 1024 * 1024
    assert other._transport.options.max_answer_bytes == 1000
    assert client.with_options(max_answer_bytes=5)._transport.options.max_answer_bytes == 5


def hundred_megabytes() -> bytes:
    packer = zlib.compressobj(1, wbits=31)
    zero = bytes(1_000_000)
    return b"".join(packer.compress(zero) for _ in range(100)) + packer.flush()


@pytest.mark.parametrize("is_borrowed", [False, True], ids=["own", "borrowed"])
@pytest.mark.parametrize("status", [200, 500])
async def test_memory_stays_bounded(status, is_borrowed):
    streaming, _ = endless(f"{status} So\r\nTransfer-Encoding: chunked", CHUNK)
    zipped = of_length(f"{status} So\r\nContent-Encoding: gzip", hundred_megabytes())
    tracemalloc.start()
    try:
        for serve in (streaming, zipped):
            async with own_or_borrowed(is_borrowed) as http, server(serve) as (url, _):
                with suppress(DecodeError):
                    assert (await exchange(http, url, max_bytes=2_000_000)).body == b""
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 10_000_000

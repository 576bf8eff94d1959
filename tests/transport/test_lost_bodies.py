"""A lost body is not mistaken for a contact that does not exist."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from heymarket_async import ApiKey, HeymarketClient, NoResponseError, RetryPolicy
from tests.transport.test_http import request_of, server

CONTACT = b'{"id": 7, "phone": "15105550100"}'
ZIPPED = gzip.compress(CONTACT, mtime=0)
OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = OK + b"Content-Length: 0\r\n"
IN_CHUNKS = OK + b"Transfer-Encoding: chunked\r\n"
WHOLE = OK + b"Content-Length: %d\r\n\r\n" % len(CONTACT) + CONTACT
# As nginx 1.22 passes on an answer that has no length, of which it got the head alone.
NOTHING_ZIPPED = b"14\r\n" + gzip.compress(b"", mtime=0) + b"\r\n0\r\n\r\n"
LOST = {
    "closed after the head": OK + b"\r\n",
    "by nginx": IN_CHUNKS + b"\r\n0\r\n\r\n",
    "by nginx, of a compressed one": IN_CHUNKS + b"Content-Encoding: gzip\r\n\r\n0\r\n\r\n",
    "by nginx, which compresses": IN_CHUNKS + b"Content-Encoding: gzip\r\n\r\n" + NOTHING_ZIPPED,
    "counted by a gateway, of a compressed one": EMPTY + b"Content-Encoding: gzip\r\n\r\n",
    "of one compressed in another way": EMPTY + b"Content-Encoding: zstd\r\n\r\n",
    "after a byte order mark": OK + b"\r\n\xef\xbb\xbf",
    "compressed and cut": OK + b"Content-Encoding: gzip\r\n\r\n" + ZIPPED[:-9],
    "compressed, and its header alone": OK + b"Content-Encoding: gzip\r\n\r\n" + ZIPPED[:10],
}


@pytest.fixture(params=LOST.values(), ids=LOST)
async def account(request):
    """A server that loses its first answer, and a client of it; the requests are counted."""
    answers, received = [request.param, WHOLE], []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await request_of(reader))
        writer.write(answers.pop(0))
        await writer.drain()

    retry = RetryPolicy(base_s=0.001)
    async with (
        server(serve) as (url, _),
        HeymarketClient(ApiKey("k"), base_url=url, retry=retry) as client,
    ):
        yield client, received


async def test_a_contact_whose_answer_was_lost_is_found(account):
    client, received = account

    contact = await client.contacts.find(phone="15105550100")

    assert contact is not None
    assert contact.id == 7
    assert len(received) == 2
    assert all(each.count(b"Accept-Encoding: gzip\r\n") == 1 for each in received)


async def test_a_lost_answer_that_is_not_asked_for_again_is_an_error(account):
    client, received = account

    with pytest.raises(NoResponseError, match="got no whole answer"):
        await client.with_options(retry=RetryPolicy(attempts=1)).contacts.get(7)

    assert len(received) == 1

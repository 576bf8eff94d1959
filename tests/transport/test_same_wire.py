"""What is sent depends neither on the Python, nor on other packages, nor on the way of sending."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest
from aiohttp import client_reqrep

from heymarket_async import ApiKey, HeymarketClient
from heymarket_async.transport import direct
from tests.transport.test_http import request_of, server

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"


@pytest.mark.parametrize("way", ["direct", "session", "borrowed session"])
async def test_gzip_alone_is_asked_for_whatever_else_could_be_read(way, monkeypatch):
    # As with zstd, which Python 3.14 and the extra `zst` bring, and with brotli.
    accepted = {**client_reqrep.ClientRequest.DEFAULT_HEADERS, "Accept-Encoding": "gzip, br, zstd"}
    monkeypatch.setattr(client_reqrep.ClientRequest, "DEFAULT_HEADERS", accepted)
    monkeypatch.setattr(direct, "why_not", lambda: "" if way == "direct" else "a test")
    received = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await request_of(reader))
        writer.write(OK)
        await writer.drain()

    async with server(serve) as (url, _), aiohttp.ClientSession() as session:
        options = {"session": session} if way == "borrowed session" else {}
        async with HeymarketClient(ApiKey("k"), base_url=url, **options) as client:
            await client.contact_fields.all()

    assert re.findall(rb"(?i)accept-encoding: (.*)\r\n", received[0]) == [b"gzip"]

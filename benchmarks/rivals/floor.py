"""Keep-alive sockets, hand-written HTTP/1.1 and msgspec: a lower limit for all rivals.

Does: one connection for each call under way, up to the common maximum. Does not:
handle any error, time-out, redirect, cookie, compression or chunked answer; no one should use it.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self, cast
from urllib.parse import urlsplit

from benchmarks.rivals import CONNECTIONS, KEY, Walked
from benchmarks.rivals.structs import NewContact, PageQuery, encode, read_page, read_ref


class Connection(asyncio.Protocol):
    """One connection, with one request under way at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self._parts: list[bytes] = []
        self._missing = 0
        self._answer: asyncio.Future[bytes]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def exchange(self, request: bytes) -> asyncio.Future[bytes]:
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        if not self._parts:
            # The server sends a head in one piece.
            assert data.startswith(b"HTTP/1.1 200 "), data[:80]
            head, _, data = data.partition(b"\r\n\r\n")
            self._missing = int(head.rpartition(b"Content-Length: ")[2])
        self._parts.append(data)
        self._missing -= len(data)
        if not self._missing:
            body = data if len(self._parts) == 1 else b"".join(self._parts)
            self._parts.clear()
            self._answer.set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio has it
        if self._parts or self._missing:
            self._answer.set_exception(ConnectionResetError())


class Floor:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        head = (
            f"POST {parts.path}%s HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {KEY}"
            "\r\nContent-Type: application/json\r\nContent-Length: "
        )
        self._walking, self._creating = (
            (head % path).encode() + b"%d\r\n\r\n%b" for path in ("/v1/contacts", "/v1/contact")
        )
        self._all: list[Connection] = []
        self._free: list[Connection] = []
        self._slots = asyncio.Semaphore(CONNECTIONS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for connection in self._all:
            connection.transport.close()

    async def walk(self, limit: int) -> Walked:
        contacts, last_id, date = 0, 0, None
        while True:
            page = read_page(await self._post(self._walking, PageQuery(date, limit)))
            if page and page[0].id == last_id:
                del page[0]
            if not page:
                return Walked(contacts, last_id)
            contacts += len(page)
            last_id, date = page[-1].id or 0, page[-1].updated

    async def create(self, number: int) -> int:
        contact = NewContact(
            phone=f"1555{number:07}",
            first="Jordan",
            last=f"No {number}",
            email="jordan@example.com",
            custom={"123": "Premium"},
        )
        return read_ref(await self._post(self._creating, contact)).id

    async def _post(self, head: bytes, body: object) -> bytes:
        content = encode(body)
        async with self._slots:
            connection = self._free.pop() if self._free else await self._connect()
            answer = await connection.exchange(head % (len(content), content))
            self._free.append(connection)
        return answer

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, self._host, self._port)
        self._all.append(connection)
        return connection

"""A fake Heymarket that is cheaper than any client: a raw protocol on uvloop, and prepared bytes.

It listens on two ports, the second one with TLS, and prints their numbers. Its argument is the file
of its certificate.

It keeps no state between requests: the size of the account is in the URL, and the place of a walk
in the body. So any number of clients and connections may walk at once.

    POST /6000/v1/contacts            a page of an account of 6,000 contacts, newest first
    POST /6000/exclusive/v1/contacts  the same, without the contact at `date` itself
    POST /6000/v1/contact             creates nothing; answers with the id that the phone ends with
    GET  /6000/v1/team                what a job asks for besides: the team, all custom fields, and
    POST /6000/v1/contact-fields      the number of contacts
    POST /6000/v1/contacts/count
    GET  /spent                       CPU seconds of this process, and its requests until now
"""

from __future__ import annotations

import asyncio
import functools
import os
import re
import ssl
import sys
import time
from collections.abc import Callable
from typing import cast

import msgspec
import uvloop

from benchmarks.contacts import Contacts

Answer = Callable[[bytes], bytes]

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
    b"X-Request-Id: 6f1c2d1e-0000-4000-8000-000000000000\r\nContent-Length: %d\r\n\r\n%b"
)
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PATH = re.compile(rb"/(\d+)(/exclusive)?/v1/(contact|contacts|contacts/count|contact-fields|team)")
_FIELDS = (
    b'[{"id":123,"title":"Plan"},{"id":456,"title":"Renewal Date"},{"id":789,"title":"Region"}]'
)
_DEFAULT_LIMIT = 30


class _Query(msgspec.Struct):
    date: str | None = None
    limit: int | None = None


class _NewContact(msgspec.Struct):
    phone: str


_read_query = msgspec.json.Decoder(_Query).decode
_read_contact = msgspec.json.Decoder(_NewContact).decode


class Server:
    """The kinds of requests, by path."""

    def __init__(self) -> None:
        self.requests = 0
        self._contacts = Contacts()
        self.to = functools.lru_cache(maxsize=None)(self._to)

    def _to(self, target: bytes) -> Answer | None:
        """Return the function that answers requests to a target."""
        if target == b"/spent":
            return self._spent
        path = _PATH.fullmatch(target)
        if path is None:
            return None
        size, name = int(path[1]), path[3]
        if name == b"contacts":
            return functools.partial(self._page, size, bool(path[2]))
        if name == b"contact":
            return _create
        others = {
            b"contacts/count": b"%d" % size,
            b"team": b'{"id":7001}',
            b"contact-fields": _FIELDS,
        }
        answer = _HEAD % (len(others[name]), others[name])
        return lambda _: answer

    def _page(self, size: int, exclusive: bool, body: bytes) -> bytes:
        query = _read_query(body)
        start = 0
        if query.date is not None:
            start = self._contacts.place(query.date.encode()) + exclusive
        page = self._contacts.page(start, min(start + (query.limit or _DEFAULT_LIMIT), size))
        return _HEAD % (len(page), page)

    def _spent(self, _: bytes) -> bytes:
        spent = msgspec.json.encode([time.process_time(), self.requests])
        return _HEAD % (len(spent), spent)


def _create(body: bytes) -> bytes:
    # The phone comes back as the id, so that a client can tell whether the answer is its own.
    contact_id = int(_read_contact(body).phone[-7:])
    content = b'{"id":%d,"rev":1,"uuid":"a1b2c3d4-e5f6-7890-abcd-ef1234567890"}' % contact_id
    return _HEAD % (len(content), content)


class Connection(asyncio.Protocol):
    """Reads requests, however they are cut or joined, and answers in their order."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._unread = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        unread = self._unread + data if self._unread else data
        while (head_end := unread.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(unread, 0, head_end)
            body_start = head_end + 4
            body_end = body_start + (int(length[1]) if length else 0)
            if len(unread) < body_end:
                break
            answer = self._server.to(unread.split(b" ", 2)[1])
            self._server.requests += 1
            body = unread[body_start:body_end]
            self._transport.write(_NOT_FOUND if answer is None else answer(body))
            unread = unread[body_end:]
        self._unread = unread


async def main(certificate: str) -> None:
    server = Server()
    loop = asyncio.get_running_loop()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    ports = []
    for tls in (None, context):
        listening = await loop.create_server(
            lambda: Connection(server), "127.0.0.1", 0, backlog=2048, ssl=tls
        )
        ports.append(listening.sockets[0].getsockname()[1])
    print(*ports, flush=True)
    # The parent process holds the other end, so this one ends even if the parent is killed.
    await loop.run_in_executor(None, sys.stdin.read)
    os._exit(0)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))

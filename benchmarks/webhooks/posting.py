"""Posts deliveries to a server, in a process of its own, so that only the server is measured."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

CONNECTIONS = 8
TOKEN = "5f1c9d77-0000-4000-8000-000000000000"


_BODY = """
{"type":"message_recieved","id":123,"token":"%(token)s","event_data":{"author":"","broadcast_id":0,
"conversation":{"assigned":42,"blocked":false,"channel":"sms","created":"%(stamp)s","creator":42,
"email_noti":false,"id":7,"inbox":3,"last_inbound":9,"local_id":"","members":[{"id":42,"name":"Ada"}],
"muted":false,"name":"Jordan","noreply":"","op":"update","read":0,"replied":false,
"snooze_till":"0001-01-01T00:00:00Z","status":"open","super":0,"support":false,
"target":"15105550177","type":"sms","updated":"%(stamp)s"},"custom":{"data":[],"type":""},
"date":"%(stamp)s","flagged":false,"id":%(number)d,"link_url":"","local_id":"","media":"",
"phone":"15105550100","status":"received","super":0,"support":false,"target":"15105550177",
"text":"What are your hours on Saturday? I would like to come by.","type":"inbound",
"updated":"%(stamp)s","user":0}}
""".replace("\n", "")


def body(number: int) -> bytes:
    """Return a delivery as Heymarket's documentation shows one; each is about another message."""
    stamp = f"2026-03-01T10:00:00.{number:06}Z"
    return (_BODY % {"token": TOKEN, "stamp": stamp, "number": number}).encode()


async def post(port: int, first: int, count: int) -> None:
    numbers = iter(range(first, first + count))
    await asyncio.gather(*(_connection(port, numbers) for _ in range(CONNECTIONS)))


async def _connection(port: int, numbers: Iterator[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:  # shared by all connections
        sent = body(number)
        head = f"POST /hooks HTTP/1.1\r\nHost: x\r\nContent-Length: {len(sent)}\r\n\r\n"
        writer.write(head.encode() + sent)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        length = answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
    writer.close()
    await writer.wait_closed()


if __name__ == "__main__":
    asyncio.run(post(*map(int, sys.argv[1:])))

"""Posts deliveries to a server, in a process of its own, so that only the server is measured."""

from __future__ import annotations

import asyncio
import json
import sys

CONNECTIONS = 8
TOKEN = "5f1c9d77-0000-4000-8000-000000000000"


def body(number: int) -> bytes:
    """Return a delivery as Heymarket's documentation shows one; each is about another message."""
    stamp = f"2026-03-01T10:00:00.{number:06}Z"
    conversation = {
        **{"assigned": 42, "blocked": False, "channel": "sms", "created": stamp, "creator": 42},
        **{
            "email_noti": False,
            "id": 7,
            "inbox": 3,
            "last_inbound": 9,
            "local_id": "",
            "name": "J",
        },
        **{"members": [{"id": 42, "name": "Ada"}], "muted": False, "noreply": "", "op": "update"},
        **{"read": 0, "replied": False, "snooze_till": "0001-01-01T00:00:00Z", "status": "open"},
        **{"super": 0, "support": False, "target": "15105550177", "type": "sms", "updated": stamp},
    }
    message = {
        **{"author": "", "broadcast_id": 0, "conversation": conversation, "flagged": False},
        **{"custom": {"data": [], "type": ""}, "date": stamp, "id": number, "link_url": ""},
        **{"local_id": "", "media": "", "phone": "15105550100", "status": "received", "super": 0},
        **{"support": False, "target": "15105550177", "type": "inbound", "updated": stamp},
        **{"text": "What are your hours on Saturday? I would like to come by.", "user": 0},
    }
    delivery = {"type": "message_recieved", "id": 123, "token": TOKEN, "event_data": message}
    return json.dumps(delivery, separators=(",", ":")).encode()


async def post(port: int, first: int, count: int) -> None:
    numbers = iter(range(first, first + count))
    await asyncio.gather(*(_connection(port, numbers) for _ in range(CONNECTIONS)))


async def _connection(port: int, numbers: object) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:  # type: ignore[attr-defined] # shared by all connections
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

"""A server that answers every request with the next prepared page of contacts, and costs little."""

from __future__ import annotations

import asyncio
import sys

from heymarket_async.sandbox import Sandbox


class Pages(asyncio.Protocol):
    """Gives one page after the other, and an empty one after the last, on each connection."""

    def __init__(self, answers: list[bytes]) -> None:
        self.answers = answers
        self.given = 0
        self.transport: asyncio.Transport | None = None
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment] # a stream, as this is TCP

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]):
            return
        self.received = b""
        self.transport.write(self.answers[self.given])
        self.given = (self.given + 1) % len(self.answers)


def answer(lines: list[bytes]) -> bytes:
    body = b"[" + b",".join(lines) + b"]"
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def main(pages: int, size: int) -> None:
    # Each page begins with the last contact of the one before, as a server that includes `date`
    # would have it; so every client reads the same pages and gets the same contacts.
    lines = Sandbox(contacts=pages * size, seed=1).store.lines()
    starts = range(0, len(lines) - size, size - 1)
    answers = [answer(lines[start : start + size]) for start in starts][:pages]
    answers.append(answer([]))
    server = await asyncio.get_running_loop().create_server(lambda: Pages(answers), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))

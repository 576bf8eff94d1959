#!/usr/bin/env bash
# Version: aiohttp 3.14.5, httpx 0.28.1.
# Seen: a session that was made with `proxy=` sends each request through that proxy, also one that says
#   `proxy=None`. An empty text or an empty `URL()`, which are documented nowhere as values, turn it off,
#   and the proxy of the environment with it.
# Guessed: that what a request says outranks what its session says, as it does for headers, time limits
#   and cookies, and that None, which stands for "no proxy" where a session is made, means the same here.
# Matters: a session is lent to a client that must not use a proxy, since it speaks to a server on this
#   machine without TLS, and a proxy elsewhere would read the token. `proxy=None` did nothing for that.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check aiohttp==3.14.5 httpx==0.28.1
"$folder/venv/bin/python" - <<'END'
import asyncio
import sys

import aiohttp
import httpx
from yarl import URL


EMPTY = ["proxy=''", "proxy=URL()"]


class Server:
    """Answers everything with its name."""

    def __init__(self, name: str) -> None:
        self.name = name.encode()
        self.url = ""

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.url = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
        return server

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % len(self.name) + self.name)
        await writer.drain()
        writer.close()


async def asked(session: aiohttp.ClientSession, url: str, **options: object) -> str:
    try:
        async with session.get(url, **options) as answer:
            return f"answered by the {await answer.text()}"
    except (aiohttp.ClientError, ValueError) as error:
        return type(error).__name__


async def main() -> dict[str, str]:
    target, proxy = Server("target"), Server("proxy")
    seen = {}
    async with await target.start(), await proxy.start():
        async with aiohttp.ClientSession(proxy=proxy.url) as session:
            seen["nothing said"] = await asked(session, target.url)
            seen["proxy=None"] = await asked(session, target.url, proxy=None)
            seen["proxy=''"] = await asked(session, target.url, proxy="")
            seen["proxy=URL()"] = await asked(session, target.url, proxy=URL())
        async with aiohttp.ClientSession(proxy=None) as session:
            seen["session with None"] = await asked(session, target.url)
        async with httpx.AsyncClient(proxy=None, trust_env=False) as client:
            seen["httpx, None"] = f"answered by the {(await client.get(target.url)).text}"
    return seen


seen = asyncio.run(main())
for way, end in seen.items():
    print(f"{way:18} {end}")
through = [way for way, end in seen.items() if end == "answered by the proxy"]
directly = [way for way, end in seen.items() if end == "answered by the target"]
if "proxy=None" not in through or directly != EMPTY + ["session with None", "httpx, None"]:
    sys.exit("the behaviour changed")
END

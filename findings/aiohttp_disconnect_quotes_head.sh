#!/usr/bin/env bash
# Version: aiohttp 3.14.5.
# Seen: a connection that ends amid the head of an answer raises `ServerDisconnectedError`, the error of
#   which the usual text is "Server disconnected". Here its text is the head as far as it came, with the
#   values of all headers: cookies, names of files, where a redirect leads to. The other errors of
#   connections name a host and a reason.
# Guessed: that the text of an error that says "the other side has gone" holds nothing of what it sent.
# Matters: texts of errors are logged, and stored by error trackers, as they are. `Location` of an API
#   holds ids and phones, and `Set-Cookie` a session.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check aiohttp==3.14.5
"$folder/venv/bin/python" - <<'END'
import asyncio
import sys

import aiohttp

HEAD = b"HTTP/1.1 302 Found\r\nLocation: /people/jordan\r\nSet-Cookie: session=0f1e2d\r\n"
CUTS = {"before the head": b"", "amid the head": HEAD, "amid a name": HEAD + b"Content-Le"}


async def error_of(sent: bytes) -> str:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
    async with server, aiohttp.ClientSession() as session:
        try:
            async with session.post(url):
                return "no error"
        except aiohttp.ClientError as error:
            return f"{type(error).__name__}: {error}"


seen = {cut: asyncio.run(error_of(sent)) for cut, sent in CUTS.items()}
for cut, text in seen.items():
    print(f"{cut:16} {text}")
quoted = [cut for cut, text in seen.items() if "jordan" in text and "0f1e2d" in text]
if seen["before the head"] != "ServerDisconnectedError: Server disconnected" or len(quoted) != 2:
    sys.exit("the behaviour changed")
END

#!/usr/bin/env bash
# Version: aiohttp 3.14.5, httpx 0.28.1.
# Seen: a server sends `103 Early Hints` with `Connection: close`, and then a whole answer. The client of aiohttp
#   raises ServerDisconnectedError or a parse error for the answer. aiohttp without its extension in C reads it, and
#   so does httpx.
# Guessed: that all of aiohttp reads the same answers, and that an interim answer ends nothing. RFC 9110 (15.2) asks
#   a client to read any number of interim answers before the final one.
# Matters: Caddy 2.11.7 with `header Connection close` adds the line to an interim answer of the API, too. A write is
#   then done, and its answer is lost. `header_down Connection close` in its `reverse_proxy` leaves the hint alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check aiohttp==3.14.5 httpx==0.28.1
cat > "$folder/ask.py" <<'END'
import asyncio

import aiohttp
import httpx
from aiohttp import http_parser

FINAL = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nyes\n"


def hint(*lines: bytes) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 103 Early Hints", b"Link: </x>; rel=preload", *lines, b"", b""])


async def serve(interim: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(interim)
    await asyncio.sleep(0.05)
    writer.write(FINAL)
    await writer.drain()
    writer.close()


async def with_aiohttp(url: str) -> str:
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return (await answer.text()).strip()
    except aiohttp.ClientError:
        return "error"


def with_httpx(url: str) -> str:
    return httpx.get(url, trust_env=False).text.strip()


async def main() -> None:
    is_c = http_parser.HttpResponseParser is not http_parser.HttpResponseParserPy
    for name, lines in (("plain hint", []), ("hint with close", [b"Connection: close"])):
        async with await asyncio.start_server(lambda *of: serve(hint(*lines), *of), "127.0.0.1", 0) as server:
            url = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
            print(f"{name}, aiohttp {'with C' if is_c else 'in Python'}: {await with_aiohttp(url)}")
            if is_c:
                print(f"{name}, httpx: {await asyncio.to_thread(with_httpx, url)}")


asyncio.run(main())
END
seen=$("$folder/venv/bin/python" "$folder/ask.py"; AIOHTTP_NO_EXTENSIONS=1 "$folder/venv/bin/python" "$folder/ask.py")
echo "$seen"
expected="plain hint, aiohttp with C: yes
plain hint, httpx: yes
hint with close, aiohttp with C: error
hint with close, httpx: yes
plain hint, aiohttp in Python: yes
hint with close, aiohttp in Python: yes"
[ "$seen" = "$expected" ] || { echo "the behaviour changed" >&2; exit 1; }

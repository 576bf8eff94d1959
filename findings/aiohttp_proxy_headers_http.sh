#!/usr/bin/env bash
# Version: aiohttp 3.14.5.
# Seen: `proxy_headers=` goes to the proxy with CONNECT, so for https only. For an http URL, which is sent
#   to the proxy as a whole, none of it is sent: the proxy answers 407, which comes as the answer of the
#   call. A login in the proxy's URL is sent for both. `proxy_auth=` also is, but it warns that it will
#   be removed, and that one should pass `proxy_headers={'Proxy-Authorization': ...}`, which is not.
# Guessed: that headers for the proxy get to the proxy, whatever the scheme of the target, and that the
#   remedy in a deprecation warning does what the old way did.
# Matters: whoever keeps the login out of the proxy's URL, so that no log shows it, loses it without a
#   word for http targets: a test server, or a gateway in one's own network. Nothing fails for https, so
#   it works against the real API.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check aiohttp==3.14.5
"$folder/venv/bin/python" - <<'END'
import asyncio
import sys
import warnings

import aiohttp

LOGIN = aiohttp.encode_basic_auth("robot", "secret")
HTTP, HTTPS = "http://api.example/contacts", "https://api.example/contacts"


class Proxy:
    """Notes what it is sent; asks for the login if it is missing, else refuses to connect."""

    def __init__(self) -> None:
        self.got_login = False
        self.method = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.method = head.split(" ", 1)[0]
        self.got_login = f"Proxy-Authorization: {LOGIN}\r\n" in head
        status = "407 Login Wanted" if not self.got_login else "502 Not Today"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


async def main() -> dict[tuple[str, str], bool]:
    proxy = Proxy()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    address = "127.0.0.1:%d" % server.sockets[0].getsockname()[1]
    ways = {
        "proxy_headers=": {
            "proxy": f"http://{address}",
            "proxy_headers": {"Proxy-Authorization": LOGIN},
        },
        "login in the URL": {"proxy": f"http://robot:secret@{address}"},
        "proxy_auth=": {
            "proxy": f"http://{address}",
            "proxy_auth": aiohttp.BasicAuth("robot", "secret"),
        },
    }
    seen = {}
    async with server, aiohttp.ClientSession() as session:
        for way, options in ways.items():
            for url in HTTP, HTTPS:
                try:
                    async with session.get(url, **options) as answer:
                        end = f"answer {answer.status}"
                except aiohttp.ClientHttpProxyError as error:
                    end = f"ClientHttpProxyError {error.status}"
                seen[way, url] = proxy.got_login
                login = "login" if proxy.got_login else "NO login"
                print(f"{way:17} {url:28} {proxy.method:8}{login:9} {end}")
    return seen


with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    seen = asyncio.run(main())
advice = next((str(w.message) for w in caught if "'proxy_auth'" in str(w.message)), "")
print(f"the warning: {advice}")
without_login = [key for key, got_login in seen.items() if not got_login]
if without_login != [("proxy_headers=", HTTP)] or "pass proxy_headers=" not in advice:
    sys.exit("the behaviour changed")
END

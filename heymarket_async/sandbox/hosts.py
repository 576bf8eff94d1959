"""Checks the host of a request, and refuses requests of web pages.

A page in a browser can send requests to this machine. Its `Origin` or `Sec-Fetch-Site` shows that.
If the page's own name suddenly leads here (DNS rebinding), `Host` holds that name.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address

from aiohttp import web

LOCAL = ("localhost", "127.0.0.1", "::1", "host.docker.internal", "host.containers.internal")
"""Names that always lead to this machine; containers know it by the last two."""

STATUS = 421
"""A status that Heymarket does not use, so that the refusal is not mistaken for Heymarket's."""

_NAME = r"[^\s:\[\]/@*]+"
_HOST = re.compile(rf"(?:\[([0-9a-f:.]+)\]|({_NAME}))(?::\d*)?", re.ASCII | re.IGNORECASE)
_FOREIGN_HOST = (
    "This is the sandbox of heymarket-async, not Heymarket. The Host of the request is not one of "
    'its names. Send it to sandbox.url, or name the host: Sandbox(hosts=["its name"]).\n'
)
_FOREIGN_PAGE = (
    "This is the sandbox of heymarket-async, not Heymarket. The request comes from a web page, as "
    "its Origin or Sec-Fetch-Site shows, and is refused. Send it from a server.\n"
)


class Hosts:
    """Refuses requests that do not come from local programs.

    Attributes:
        names: The names and addresses to which requests may be sent, in their plainest spelling.
    """

    def __init__(self, host: str, hosts: Collection[str]) -> None:
        if isinstance(hosts, str) or not all(map(_is_host, hosts)):
            raise ValueError(
                "hosts must be names or addresses without a scheme, port or brackets,"
                ' such as hosts=["heymarket", "::2"]'
            )
        self.names = set(map(_plain, (*LOCAL, host, *hosts)))

    def refusal(self, request: web.Request) -> web.Response | None:
        """Return the refusal of a request from a web page or to another host; None: it may pass."""
        hosts = request.headers.getall("Host", [])
        # A target that is more than a path is sent to a proxy, and may name another host.
        if len(hosts) != 1 or not request.raw_path.startswith("/") or not self._knows(hosts[0]):
            return _refused(_FOREIGN_HOST)
        origins = request.headers.getall("Origin", [])
        sites = request.headers.getall("Sec-Fetch-Site", [])
        own = f"http://{hosts[0]}".lower()
        if {*map(str.lower, origins)} <= {own} and {*sites} <= {"same-origin", "none"}:
            return None
        return _refused(_FOREIGN_PAGE)

    def _knows(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        return match is not None and _plain(match[1] or match[2]) in self.names


def url_at(address: str, port: int) -> str:
    """Return the URL of a server that listens on an address; a client cannot call "all of them"."""
    if ip_address(address).is_unspecified:
        address = "::1" if ":" in address else "127.0.0.1"
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def _is_host(name: object) -> bool:
    if not isinstance(name, str):
        return False
    try:
        return "%" not in str(ip_address(name))  # a zone is never sent
    except ValueError:
        return re.fullmatch(_NAME, name, re.ASCII) is not None


def _plain(host: str) -> str:
    """Return the spelling by which hosts are compared: `localhost` for `localhost.`."""
    host = host.lower().removesuffix(".")
    try:
        return str(ip_address(host))
    except ValueError:
        return host


def _refused(text: str) -> web.Response:
    response = web.Response(status=STATUS, text=text)
    response.force_close()
    return response

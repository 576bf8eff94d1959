"""Says why no connection was made, or what else the server speaks, and what to do."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from urllib.parse import urlsplit

from heymarket_async.errors import ConnectError
from heymarket_async.transport.connections import TunnelError

_NOT_YET_VALID, _EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 9, 10, 62, 64
"""The codes of OpenSSL for a certificate that is refused."""


def why_unconnected(error: ConnectError, host: str, proxy: str) -> tuple[str, str]:
    """Return the reason why no connection was made, and the remedy.

    Args:
        error: The error of the call.
        host: The host of the server.
        proxy: The proxy on the way to it, without its login, or "".
    """
    if error.proxy_status == 407:
        return (
            f"The proxy {proxy} wants a login, or another one (407).",
            "Put it into the variable, percent-encoded: http://user:password@host:port.",
        )
    if error.proxy_status:
        return (
            f"The proxy {proxy} refuses to connect to {host} ({error.proxy_status}).",
            f"Have it let {host} pass, or set NO_PROXY={host} if the proxy is not needed.",
        )
    peer, first = (f"the proxy {proxy}", f"The proxy {proxy}") if proxy else (host, host)
    where = _IN_PROXY if proxy else _IN_BASE_URL
    causes = _causes(error)
    # aiohttp's error of a TLS handshake has the host that it was with.
    is_with_proxy = proxy and any(getattr(each, "host", host) != host for each in causes)
    of_tls = (peer, first, where) if is_with_proxy else (host, host, _IN_BASE_URL)
    for cause in causes:
        if isinstance(cause, TunnelError):
            return f"{first} does not answer like a proxy.", where
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _untrusted(cause, of_tls[0], of_tls[2])
        if isinstance(cause, ssl.SSLError):
            return f"{of_tls[1]} does not speak TLS here.", f"{of_tls[2]} Is it another port?"
        if isinstance(cause, socket.gaierror):
            return (
                f"The name of {peer} cannot be resolved.",
                f"Check the network, the VPN and its DNS. {where}",
            )
        if isinstance(cause, ConnectionRefusedError):
            return f"{first} refuses the connection.", f"Is it running? {where}"
        if isinstance(cause, TimeoutError):
            more = where if proxy else f"{where} {_NEEDS_PROXY}"
            return f"{first} does not answer.", f"A firewall may drop it. {more}"
    return f"{error}.", f"Check the network. {where}"


_IN_BASE_URL = "Check the base URL for a slip."
_IN_PROXY = "Check the proxy's URL for a slip, or unset it if no proxy is needed."
_NEEDS_PROXY = "If the network has a proxy, set HTTPS_PROXY."


_BEGIN_HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
"""The first bytes of a client: the preface, and settings without any."""
_HEAD_OF_FRAME = 9
_KIND, _SETTINGS = 3, 4
_HTTP2_TIMEOUT_S = 3.0


async def speaks_http2(base_url: str) -> bool:
    """Whether a server answers in HTTP/2 if it is asked in HTTP/2."""
    url = urlsplit(base_url)
    context, port = None, url.port or 80
    if url.scheme == "https":
        context, port = ssl.create_default_context(), url.port or 443
        context.set_alpn_protocols(["h2"])
    try:
        async with asyncio.timeout(_HTTP2_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(url.hostname, port, ssl=context)
            try:
                writer.write(_BEGIN_HTTP2)
                head = await reader.readexactly(_HEAD_OF_FRAME)
            finally:
                writer.transport.abort()
    except (OSError, EOFError):  # of the time-out too
        return False
    return head[_KIND] == _SETTINGS


def _untrusted(error: ssl.SSLCertVerificationError, peer: str, where: str) -> tuple[str, str]:
    if error.verify_code in {_OTHER_NAME, _OTHER_ADDRESS}:
        return (
            f"The certificate of {peer} is for another name.",
            f"{where} If it is right, something on the way answers in its place.",
        )
    if error.verify_code in {_NOT_YET_VALID, _EXPIRED}:
        return (
            f"The certificate of {peer} has expired, or is not valid yet.",
            "Check the date of this machine. If it is right, a new certificate is needed.",
        )
    return (
        f"The certificate of {peer} is not signed by an authority that is known here.",
        _why_unknown(),
    )


def _why_unknown() -> str:
    """Return what to do about the files that name the known authorities."""
    if file := os.environ.get("SSL_CERT_FILE"):
        try:
            ssl.create_default_context(cafile=file)
        except FileNotFoundError:
            return f"SSL_CERT_FILE names {file}, which does not exist: correct it."
        except ssl.SSLError:
            return f"SSL_CERT_FILE names {file}, which holds no certificate (PEM): correct it."
        except OSError as error:
            return f"SSL_CERT_FILE names {file}, which cannot be read ({error.strerror})."
        return (
            f"The certificates in {file}, which SSL_CERT_FILE names, do not sign it. If the network"
            " looks into TLS, add its certificate there."
        )
    if folder := os.environ.get("SSL_CERT_DIR"):
        if not all(map(os.path.isdir, folder.split(os.pathsep))):
            return f"SSL_CERT_DIR names {folder}, which does not exist: correct it."
        return (
            f"The certificates in {folder}, which SSL_CERT_DIR names, do not sign it. If the"
            " network looks into TLS, add its certificate there, and run openssl rehash for it."
        )
    return (
        "If the network looks into TLS, put its certificate into a file, and name that in"
        " SSL_CERT_FILE."
    )


def _causes(error: BaseException) -> list[BaseException]:
    """Return the error and its causes, the first cause first: aiohttp's errors say less."""
    causes = [error]
    while (cause := causes[0].__cause__) is not None:
        causes.insert(0, cause)
    return causes

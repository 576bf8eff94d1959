"""The proxy of a client, from its options or from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from heymarket_async.urls import is_loopback


def from_environment(url: str) -> str | None:
    """Return the proxy that the environment sets for a URL, or None; always None for loopback.

    aiohttp's own `trust_env` reads the environment for every request, which makes a small call take
    three times as long.
    """
    target = URL(url)
    if target.host is None or is_loopback(target.host) or proxy_bypass(target.host):
        return None
    return getproxies().get(target.scheme)


def must_be_skipped(url: str, proxy: str | None) -> bool:
    """Whether no proxy may be used, not even that of a borrowed session.

    Plain http is allowed only for a server on this machine. A proxy on another machine would see
    the token unencrypted.

    Raises:
        ValueError: The given proxy could read the token.
    """
    if URL(url).scheme != "http":
        return False
    host = _parsed(proxy).host
    if host and not is_loopback(host):
        raise ValueError(
            "proxy must be on this machine if base_url is plain http: it can read the token"
        )
    return proxy is None


def split(proxy: str | None) -> tuple[URL | None, Mapping[str, str] | None]:
    """Return the URL of a proxy without its login, and the headers of that login, or None for both.

    Raises:
        ValueError: It is not the URL of an HTTP proxy.
    """
    if proxy is None:
        return None, None
    url = _parsed(proxy)
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(
            "proxy must be the URL of an HTTP proxy, such as http://proxy.example:3128"
        )
    if url.user is None:
        return url, None
    # Removed from the URL, because error texts contain URLs.
    login = aiohttp.encode_basic_auth(url.user, url.password or "")
    return url.with_user(None), {"Proxy-Authorization": login}


def _parsed(proxy: object) -> URL:
    try:
        return URL(proxy) if isinstance(proxy, str) else URL()
    except ValueError:  # dropped, because its text may quote the password
        return URL()

"""Which proxy a request goes through. Over plain http a proxy reads the token."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from heymarket_async.urls import is_loopback


def from_environment(url: str) -> str | None:
    """Return the proxy that the environment names for a URL, or None; for this machine, None.

    aiohttp's own `trust_env` reads the environment on each request, which makes a small call take
    three times as long.
    """
    target = URL(url)
    if target.host is None or is_loopback(target.host) or proxy_bypass(target.host):
        return None
    return getproxies().get(target.scheme)


def must_be_direct(url: str, proxy: str | None) -> bool:
    """Whether a URL is asked without a proxy, also if a borrowed session has one of its own.

    Plain http is for a server on this machine. A proxy elsewhere would get the token unencrypted,
    and so would the next one behind a proxy that the environment names.

    Raises:
        ValueError: The proxy that was asked for could read the token.
    """
    if URL(url).scheme != "http":
        return False
    host = _parsed(proxy).host
    if host and not is_loopback(host):
        raise ValueError(
            "proxy must be on this machine if base_url is plain http:"
            " any other could read the token"
        )
    return proxy is None


def split(proxy: str | None) -> tuple[URL | None, Mapping[str, str] | None]:
    """Return a proxy's URL and the headers of its login, each None if there is none.

    Raises:
        ValueError: It is no URL of an HTTP proxy.
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
    # Out of the URL, because URLs are in the texts of errors.
    login = aiohttp.encode_basic_auth(url.user, url.password or "")
    return url.with_user(None), {"Proxy-Authorization": login}


def _parsed(proxy: object) -> URL:
    try:
        return URL(proxy) if isinstance(proxy, str) else URL()
    except ValueError:  # it quotes what it cannot read, which may be the password
        return URL()

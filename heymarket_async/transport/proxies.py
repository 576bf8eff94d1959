"""Which proxy a request goes through. Over plain http a proxy reads the token."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from heymarket_async.urls import is_loopback


def from_environment(url: str) -> str | None:
    """Return the proxy that the environment names for a URL, or None; for this machine, None.

    aiohttp's own `trust_env` reads the environment on each request, which makes a small call three
    times as dear.
    """
    target = URL(url)
    if target.host is None or is_loopback(target.host):
        return None
    return _named_for(target)


def check(url: str, proxy: str | None, session: aiohttp.ClientSession | None) -> None:
    """Make sure that no token goes over the network in plain text.

    Plain http is for a server on this machine. A proxy elsewhere would get the token unencrypted,
    and so would the next one behind a proxy that the environment names. aiohttp can not be told to
    leave out the proxy of a borrowed session.

    Raises:
        ValueError: A proxy could read the token.
    """
    target = URL(url)
    if target.scheme != "http":
        return
    if proxy is not None and not is_loopback(URL(proxy).host or ""):
        raise ValueError(
            "proxy must be on this machine if base_url is plain http:"
            " any other could read the token"
        )
    own = None if session is None else getattr(session, "_default_proxy", None)
    if own is not None and proxy is None and not is_loopback(URL(own).host or ""):
        raise ValueError(
            "session must not have a proxy of its own if base_url is plain http:"
            " the proxy could read the token"
        )
    if session is not None and session.trust_env and own is proxy is None and _named_for(target):
        raise ValueError(
            "session must not have trust_env if base_url is plain http, since the environment names"
            " a proxy, which could read the token: put the host into NO_PROXY"
        )


def split(proxy: str | None) -> tuple[URL | None, Mapping[str, str] | None]:
    """Return a proxy's URL and the headers of its login, each None if there is none.

    Raises:
        ValueError: It is no URL of an HTTP proxy.
    """
    if proxy is None:
        return None, None
    url = URL(proxy) if isinstance(proxy, str) else URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(
            "proxy must be the URL of an HTTP proxy, such as http://proxy.example:3128"
        )
    if url.user is None:
        return url, None
    # Out of the URL, because URLs are in the texts of errors.
    login = aiohttp.encode_basic_auth(url.user, url.password or "")
    return url.with_user(None), {"Proxy-Authorization": login}


def _named_for(target: URL) -> str | None:
    if target.host is None or proxy_bypass(target.host):
        return None
    return getproxies().get(target.scheme)

"""Sends requests through a `ClientSession` of aiohttp: a borrowed one, or one that is made here."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Mapping
from ssl import SSLContext

import aiohttp
from yarl import URL

from heymarket_async.transport import connections

_LARGE = 1 << 20


class SessionSender:
    """Sends through a session.

    Args:
        borrowed: The session, or None to make one. Its middlewares are not run.
        proxy: URL of a proxy; an empty one for no proxy, None for that of the session.
        proxy_headers: The login for it, or None.
        ssl: Context for TLS; True for the default one.
    """

    def __init__(
        self,
        borrowed: aiohttp.ClientSession | None,
        proxy: URL | None,
        proxy_headers: Mapping[str, str] | None,
        ssl: SSLContext | bool,
    ) -> None:
        self._borrowed = borrowed
        # By the identity of the constructor, which is kept: wrappers are equal to what they wrap.
        self._own: dict[int, tuple[object, aiohttp.ClientSession]] = {}
        self._proxy, self._proxy_headers, self._ssl = proxy, proxy_headers, ssl
        self._middlewares = () if borrowed is None else (connections.never_stale,)

    def send(
        self,
        connector: aiohttp.BaseConnector | None,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: aiohttp.ClientTimeout,
    ) -> Awaitable[aiohttp.ClientResponse]:
        """Send a request, and return its answer once the head has arrived.

        Args:
            connector: The connector of a session that is made here; None if one is borrowed.
            method: The verb.
            url: The URL, quoted.
            headers: The headers, without those that belong to the connection or the body.
            body: The body, or None.
            timeout: The time limit for connecting.
        """
        if self._proxy_headers is not None and url.scheme == "http":
            # aiohttp sends them only with CONNECT, which plain http does not use.
            headers = {**headers, **self._proxy_headers}
        middlewares = self._middlewares
        if method not in connections.NEVER_RESENT:
            middlewares = (connections.never_resend, *middlewares)
        return self._session(connector).request(
            method,
            url,
            # aiohttp warns about bytes of more than a megabyte.
            data=io.BytesIO(body) if body is not None and len(body) > _LARGE else body,
            headers=headers,
            timeout=timeout,
            proxy=self._proxy,
            proxy_headers=self._proxy_headers,
            ssl=self._ssl,
            allow_redirects=False,
            raise_for_status=False,
            middlewares=middlewares,
            auto_decompress=False,
        )

    def _session(self, connector: aiohttp.BaseConnector | None) -> aiohttp.ClientSession:
        if self._borrowed is not None:
            return self._borrowed
        # Made anew once its constructor was replaced: tracing packages add their hooks there. An
        # earlier one stays until the end, because calls may still use it.
        made_by = vars(aiohttp.ClientSession).get("__init__")
        if id(made_by) not in self._own:
            self._own[id(made_by)] = (
                made_by,
                aiohttp.ClientSession(
                    connector=connector, connector_owner=False, cookie_jar=aiohttp.DummyCookieJar()
                ),
            )
        return self._own[id(made_by)][1]

    def forget(self) -> None:
        """Drop the sessions that were made here, and leave their connector open."""
        for _, session in self._own.values():
            session.detach()
        self._own.clear()

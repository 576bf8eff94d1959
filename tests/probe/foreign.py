"""A small server that is not the sandbox, whose behaviour each test changes with a function."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from heymarket_async import ApiSecret, HeymarketClient
from heymarket_async.client import transport_of
from heymarket_async.probe import Findings, probe

_BEGIN = datetime(2024, 4, 12, tzinfo=UTC)
Change = Callable[["Foreign", dict[str, Any], str], object]


class Foreign:
    """Answers like a service with a table of contacts, the newest first in v1.

    Args:
        contacts: How many contacts there are; each has a second of its own.
        change: Called before each answer with the server, the body and the path. It returns an
            answer instead of the usual one, or None.
        default: Contacts on a page without a `limit`.
        most: The largest `limit`.
        ties: How many contacts share a timestamp.
    """

    def __init__(
        self,
        contacts: int = 400,
        change: Change = lambda *_: None,
        *,
        default: int = 30,
        most: int = 100,
        ties: int = 1,
    ) -> None:
        self.places = [place // ties for place in range(contacts)]
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.default = default
        self.most = most
        self._change = change

    def create(self) -> None:
        """Add a contact, the newest of all."""
        self.places.append(max(self.places, default=0) + 1)

    def page(self, body: dict[str, Any], path: str) -> list[dict[str, object]]:
        """Return the usual page."""
        is_ascending = body.get("ascending", path.startswith("/v2"))
        rows = [self._row(place) for place in range(len(self.places))]
        date = body.get("date")
        if date is not None:
            at = datetime.fromisoformat(date)
            times = [datetime.fromisoformat(str(row["updated"])) for row in rows]
            rows = [
                row
                for row, time in zip(rows, times, strict=True)
                if (time > at if is_ascending else time < at)
            ]
        if not is_ascending:
            rows.reverse()
        size = min(body["limit"], self.most) if "limit" in body else self.default
        start = body.get("page", 0) * size
        return rows[start : start + size]

    def _row(self, place: int) -> dict[str, object]:
        time = _BEGIN + timedelta(seconds=137 * self.places[place])
        return {"id": 5000 + place, "rev": 1, "updated": time.strftime("%Y-%m-%dT%H:%M:%SZ")}

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else {}
        path = request.path
        self.asked.append((path, body))
        changed: Any = self._change(self, body, path)
        if changed is None:
            changed = self._usual(body, path)
        if isinstance(changed, web.StreamResponse):
            changed.headers.update(self.headers)
            return changed
        if isinstance(changed, Exception):
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        return web.json_response(changed, headers=self.headers)

    def _usual(self, body: dict[str, Any], path: str) -> object:
        if path in {"/v1/contacts", "/v2/contacts/list"}:
            return self.page(body, path)
        if path == "/v1/contacts/count":
            at = datetime.fromisoformat(body.get("date", "1970-01-01T00:00:00Z"))
            ends = (_BEGIN + timedelta(seconds=137 * each) for each in self.places)
            return sum(time > at for time in ends)
        asked = body["id"] if path == "/v1/contact/get" else path.rpartition("/")[2]
        place = int(asked) - 5000 if asked.isdecimal() else -1
        if 0 <= place < len(self.places):
            return self._row(place)
        return web.json_response({"message": "unknown"}, status=404)

    async def probed(self, **options: Any) -> Findings:
        """Serve a probe, and return its findings."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        secret, url = ApiSecret("id", "key"), f"http://{host}:{port}"
        try:
            async with (
                asyncio.timeout(30),
                HeymarketClient(secret, base_url=url, rate_limit=None, **options) as client,
            ):
                transport_of(client)._window_s = 0.01  # the wait after a 429
                return await probe(client)
        finally:
            await runner.cleanup()


def seen_of(findings: Findings) -> dict[str, str]:
    """Return what was seen, by fact."""
    return {fact.name: fact.seen for fact in findings.facts if fact.seen}


def reasons_of(findings: Findings) -> dict[str, str]:
    """Return why facts stay open, by fact."""
    return {fact.name: fact.reason for fact in findings.facts if fact.reason}

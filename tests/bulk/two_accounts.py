"""One server with two accounts, and a callable that changes from one to the other amid a job."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiohttp import ClientSession, web

from heymarket_async import ApiKey, ApiSecret, AttemptEvent, HeymarketClient
from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import QUICK


class TwoAccounts:
    """Passes requests on to one of two sandboxes, by the key that they have.

    Attributes:
        own: The account that jobs begin with.
        other: Another one, with other contacts.
        revoked: These credentials are refused.
        url: Where both are.
    """

    def __init__(self, contacts: int = 300) -> None:
        self.own = Sandbox(contacts, limit=None)
        self.other = Sandbox(contacts, seed=7, limit=None)
        self.other.faults.answer(200, on="GET /v1/team", body={"id": 8002}, times=None)
        self.revoked: list[str] = []
        self.url = ""
        self._key = self.own.api_key
        self._left: int | None = None
        self._client: HeymarketClient | None = None

    async def credentials(self) -> ApiKey | ApiSecret:
        """Return the credentials that are valid now."""
        is_rotated = self._key == "rotated"
        return ApiSecret(*self.own.credentials) if is_rotated else ApiKey(self._key)

    def client(self, **options) -> HeymarketClient:
        """Make a client of the account that jobs begin with."""
        self._client = HeymarketClient(
            self.credentials,
            base_url=self.url,
            rate_limit=None,
            retry=QUICK,
            on_attempt=self._count,
            **options,
        )
        return self._client

    def change(self, *, after: int, rotate: bool = False, revoke: bool = False) -> None:
        """Change the credentials after so many requests.

        Args:
            after: Of the client that was made last.
            rotate: Stay in the account.
            revoke: Refuse the credentials of before.
        """
        self._left, self._next = after, "rotated" if rotate else self.other.api_key
        self._revokes = revoke

    def restore(self) -> None:
        """Return to the credentials of the beginning."""
        self._left, self._key = None, self.own.api_key
        self.revoked.clear()

    def _count(self, _event: AttemptEvent) -> None:
        if self._left is None or self._client is None:
            return
        self._left -= 1
        if self._left == 0:
            self._key = self._next
            if self._revokes:
                self.revoked.append(self.own.api_key)
            else:  # as if it had been four minutes
                self._client._transport._signer._asked_at = float("-inf")

    def writes(self, sandbox: Sandbox) -> int:
        """Count the batches that an account was sent."""
        return sum(each.path == "/v1/batch/contacts" for each in sandbox.requests)

    async def pass_on(self, request: web.Request) -> web.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        if token in self.revoked:
            return web.json_response({"message": "revoked"}, status=401)
        sandbox = self.other if token == self.other.api_key else self.own
        headers = {
            name: request.headers[name]
            for name in ("Authorization", "Content-Type")
            if name in request.headers
        }
        async with (
            ClientSession() as session,
            session.request(
                request.method,
                sandbox.url + request.path_qs,
                data=await request.read(),
                headers=headers,
            ) as answer,
        ):
            kept = {
                name: answer.headers[name]
                for name in ("Content-Type", "Date", "X-Request-Id")
                if name in answer.headers
            }
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


@asynccontextmanager
async def two_accounts(contacts: int = 300) -> AsyncGenerator[TwoAccounts]:
    """Serve two accounts."""
    both = TwoAccounts(contacts)
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", both.pass_on)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    async with both.own, both.other:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        both.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield both
        finally:
            await runner.cleanup()

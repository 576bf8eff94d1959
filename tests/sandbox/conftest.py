"""A sandbox in the test's own loop, and a plain aiohttp session that talks to it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import jwt
import pytest

from heymarket_async.sandbox import Sandbox


@dataclass
class Account:
    """A running sandbox and a session with its legacy key."""

    sandbox: Sandbox
    session: aiohttp.ClientSession

    async def ask(self, route: str, body: Any = None, **options: Any) -> Any:
        """Return the decoded answer of a call that must succeed."""
        status, answer = await self.try_(route, body, **options)
        assert status < 300, (status, answer)
        return answer

    async def try_(self, route: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        method, path = route.split()
        async with self.session.request(method, path, json=body, **options) as response:
            is_json = response.content_type == "application/json"
            return response.status, await (response.json() if is_json else response.text())

    async def status(self, route: str, body: Any = None, **options: Any) -> int:
        return (await self.try_(route, body, **options))[0]

    def token(self, *, age_s: float = 0, secret: str | None = None, **claims: Any) -> str:
        """Sign a token as the docs say, with anything about it changed."""
        named = {"iss": self.sandbox.credentials.secret_id, "iat": int(time.time() - age_s)}
        named = {key: value for key, value in {**named, **claims}.items() if value is not None}
        return jwt.encode(named, secret or "||".join(self.sandbox.credentials), "HS256")

    @asynccontextmanager
    async def sends(
        self, data: bytes
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Send bytes over a new connection, and drop it in the end."""
        host, _, port = self.sandbox.url.removeprefix("http://").rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(data)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()
            await asyncio.sleep(0)

    async def status_with(self, header: str | None) -> int:
        headers = {} if header is None else {"Authorization": header}
        async with (
            aiohttp.ClientSession(self.sandbox.url) as stranger,
            stranger.get("/v1/team", headers=headers) as response,
        ):
            return response.status


Serve = Callable[..., Awaitable[Account]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def start(contacts: int = 0, **options: Any) -> Account:
            sandbox = await stack.enter_async_context(Sandbox(contacts, **options))
            session = aiohttp.ClientSession(
                sandbox.url, headers={"Authorization": f"Bearer {sandbox.api_key}"}
            )
            return Account(sandbox, await stack.enter_async_context(session))

        yield start
        await asyncio.sleep(0)


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Wait until a condition is true, and fail if that takes longer than 5 seconds."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.005)

    return wait

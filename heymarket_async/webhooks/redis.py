"""The store of several processes, in Redis. The extra `redis` installs its client."""

from __future__ import annotations

import asyncio
import hashlib
import math
import secrets
from contextlib import suppress
from typing import cast

from heymarket_async.extras import needs
from heymarket_async.privacy import hides_locals
from heymarket_async.webhooks.errors import WebhookError
from heymarket_async.webhooks.store import KEEP_S, Claim, above_zero

try:
    from redis.commands.core import AsyncScript

    from heymarket_async.pacing.store import check, client_of, reason_of
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        needs("heymarket_async.webhooks.redis", "redis"), name=error.name
    ) from error

_CLAIM = """
local held = redis.call('GET', KEYS[1])
if not held then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return held
"""
# Only its own claim: it may have expired, and be another process's by now.
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""
_KEEP = "redis.call('SET', KEYS[1], 'handled', 'PX', ARGV[2]) return 1"
_CONNECTIONS = 10


@hides_locals
class RedisStore:
    """A store that processes share. A key in it holds a digest of the event, and nothing else.

    Where Redis is unreachable, deliveries are answered with 503, so that Heymarket delivers them
    again. Use one server, not a cluster.

    Args:
        url: The server, such as "redis://user:password@host:6379/0", as for
            `heymarket_async.RateLimit`.
        keep_s: How long an event counts as handled, in seconds; a day by default.
        timeout_s: Seconds to wait for an answer of Redis. A call takes three times that at most.

    Raises:
        ValueError: The URL is not one of a Redis server, or a number is not above 0.
    """

    def __init__(self, url: str, *, keep_s: float = KEEP_S, timeout_s: float = 1.0) -> None:
        check(url, "url")
        self._redis = client_of(url, timeout_s, max_connections=_CONNECTIONS)
        self._turn = asyncio.Semaphore(_CONNECTIONS)
        self._keep_ms = math.ceil(above_zero("keep_s", keep_s) * 1000)
        self._timeout_s = above_zero("timeout_s", timeout_s)
        self._owner = secrets.token_hex(8)
        self._claim, self._release, self._keep = map(
            self._redis.register_script, (_CLAIM, _RELEASE, _KEEP)
        )

    async def claim(self, key: str, lease_s: float) -> Claim:
        """Claim an event; see `Store`.

        Raises:
            WebhookError: Redis is unreachable.
        """
        held = await self._run(self._claim, key, math.ceil(lease_s * 1000))
        if held is None:
            return Claim.TAKEN
        return Claim.HANDLED if held == b"handled" else Claim.RUNNING

    async def keep(self, key: str) -> None:
        """Note that a claimed event was handled.

        Raises:
            WebhookError: Redis is unreachable.
        """
        await self._run(self._keep, key, self._keep_ms)

    async def release(self, key: str) -> None:
        """Give a claim back.

        Raises:
            WebhookError: Redis is unreachable.
        """
        await self._run(self._release, key, 0)

    async def aclose(self) -> None:
        """Close the connections."""
        with suppress(Exception):  # closed or failed, they are not used again
            await self._redis.aclose()

    async def _run(self, script: AsyncScript, key: str, milliseconds: int) -> object:
        name = f"heymarket:webhook:{hashlib.sha256(key.encode()).hexdigest()}"
        try:
            # Connecting and loading the script are rounds of their own. To wait for a turn counts
            # too: while Redis hangs, all must have their answer soon.
            async with asyncio.timeout(3 * self._timeout_s), self._turn:
                return cast(object, await script([name], [self._owner, milliseconds]))
        except Exception as error:  # noqa: BLE001 - redis-py raises anything for an odd answer
            why = reason_of(error)
        # Outside, since the error may quote the URL, and so the password.
        raise WebhookError(f"Redis for webhooks is unreachable ({why})", status=503)

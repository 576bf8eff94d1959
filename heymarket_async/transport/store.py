"""The window of a credential that processes share, in Redis: one script call is all that is said.

https://redis.io/docs/latest/develop/programmability/eval-intro/
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Iterable
from pathlib import Path
from typing import NamedTuple, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

_SCRIPT = Path(__file__).with_name("store.lua").read_text(encoding="utf-8")


class StoreLostError(Exception):
    """The store does not answer; says why, without where it is."""


def check(url: str) -> None:
    """Check that a connection can be made from a URL, without making it.

    Raises:
        ValueError: It cannot.
    """
    try:
        pool = _connection_of(url, 1.0).connection_pool
        pool.connection_class(**pool.connection_kwargs)
    except (RedisError, ValueError, TypeError, AttributeError):
        # Not from the error, which may quote the password.
        raise ValueError(
            "rate_limit.store must be redis://user:password@host:port/0, quoted where need be,"
            " with options that redis-py knows"
        ) from None


class Reply(NamedTuple):
    """What the store says.

    Attributes:
        granted: How many turns may be used now.
        wait_ms: After how long to ask again: one turn is kept until then; 0 if none is wanted.
        paused_ms: For how long nobody may send.
        weighing: How many turns weigh in the window.
    """

    granted: int
    wait_ms: int
    paused_ms: int
    weighing: int


class Server(NamedTuple):
    """Which server answered, and for how many seconds it has been up."""

    run_id: str
    uptime_s: float


class Store:
    """A connection to the shared window of one credential, used by one task.

    Args:
        url: Of the Redis server.
        credential: What the credential is known by; only its hash is sent.
        timeout_s: Seconds to wait for an answer.
    """

    def __init__(self, url: str, credential: str, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._redis = _connection_of(url, timeout_s)
        self._script = self._redis.register_script(_SCRIPT)
        tag = hashlib.sha256(credential.encode()).hexdigest()[:32]
        # One tag in braces, so that a cluster keeps both in one place.
        self._keys = [f"heymarket:{{{tag}}}:sent", f"heymarket:{{{tag}}}:state"]

    async def ask(self, *said: str | float) -> Reply:
        """Say something, and return what the store says; see `store.lua`.

        Raises:
            StoreLostError: There was no answer in time.
        """
        return Reply(*cast(Iterable[int], await self._in_time(self._script(self._keys, said))))

    async def server(self) -> Server:
        """Connect if need be, and return which server it is.

        Raises:
            StoreLostError: There was no answer in time.
        """
        answer = self._redis.info("server")  # pyright: ignore[reportUnknownMemberType] - its options are open
        info = cast(dict[str, object], await self._in_time(answer))
        try:
            return Server(str(info["run_id"]), float(cast(int, info["uptime_in_seconds"])))
        except KeyError as error:
            raise StoreLostError(f"its INFO has no {error}") from None

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.aclose()

    async def _in_time(self, answer: Awaitable[object]) -> object:
        # Connecting and loading the script are rounds of their own.
        try:
            async with asyncio.timeout(3 * self._timeout_s):
                return await answer
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreLostError(type(error).__name__) from None


def _connection_of(url: str, timeout_s: float) -> Redis:
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - options are open
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        # What was said may have been heard, so a turn would be lost with each repetition.
        retry=Retry(NoBackoff(), 0),
        max_connections=1,
    )

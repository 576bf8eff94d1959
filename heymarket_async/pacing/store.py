"""The window of a credential that processes share, in Redis: one script call is all that is said.

https://redis.io/docs/latest/develop/programmability/eval-intro/
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeGuard, cast
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import MovedError, RedisError
from redis.utils import str_if_bytes

from heymarket_async.pacing.store_reasons import reason_of

_SCRIPT = Path(__file__).with_name("store.lua").read_text(encoding="utf-8")
# In a script, the server that has the keys answers, and no right to INFO is no error.
_SERVER = """
local info, slots, nodes = redis.pcall('INFO', 'server'), redis.pcall('CLUSTER', 'SLOTS'), {}
if type(info) ~= 'string' then info = '' end
for _, slot in ipairs(slots) do
  for place = 3, #slot do nodes[#nodes + 1] = (slot[place][1] or '') .. ' ' .. slot[place][2] end
end
local uptime = string.match(info, 'uptime_in_seconds:(%d+)')
return {nodes, tonumber(uptime) or 0, string.match(info, 'run_id:(%w+)') or ''}
"""
# Valkey speaks Redis' protocol, and has schemes of its own.
_SCHEMES = {"redis": "redis", "rediss": "rediss", "unix": "unix", "valkey": "redis"}
_SCHEMES["valkeys"] = "rediss"
_UNREADABLE = "its answer cannot be read"


class StoreLostError(Exception):
    """The store cannot be used; says why in words, without where it is."""


def check(url: str) -> None:
    """Check that a connection can be made from a URL, without making it.

    Raises:
        ValueError: It cannot.
    """
    if url.partition("://")[0] not in _SCHEMES:
        raise ValueError("rate_limit.store must be the URL of a Redis server, redis://host:port/0")
    try:
        pool = _client_of(url, 1.0).connection_pool
        pool.connection_class(**pool.connection_kwargs)
        path = urlsplit(url).path
    except (RedisError, ValueError, TypeError, AttributeError):
        # Not from the error, which may quote the password.
        raise ValueError(
            "rate_limit.store must be redis://user:password@host:port/0, quoted where need be,"
            " with options that redis-py knows"
        ) from None
    # redis-py would take database 0.
    if not url.startswith("unix://") and not re.fullmatch("(/[0-9]*)?", path):
        raise ValueError("rate_limit.store must end in the number of a database, such as /0")


class Reply(NamedTuple):
    """What the store says.

    Attributes:
        granted: How many turns may be used now.
        wait_ms: After how long to ask again: one turn is kept until then; 0 if none is wanted.
        paused_ms: For how long nobody may send.
        weighing: How many turns weigh in the window.
        since: Which memory of turns this is: by the store's clock, when it began.
    """

    granted: int
    wait_ms: int
    paused_ms: int
    weighing: int
    since: int


class Server(NamedTuple):
    """Which server answered, and for how many seconds it has been up."""

    run_id: bytes
    uptime_s: float


class Store:
    """A connection to the shared window of one credential, used by one task.

    Args:
        url: Of the Redis server.
        credential: What the credential is known by; only its hash is sent.
        timeout_s: Seconds to wait for an answer.
    """

    def __init__(self, url: str, credential: str, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._redis = _client_of(url, timeout_s)
        self._script = self._redis.register_script(_SCRIPT)
        self._server = self._redis.register_script(_SERVER)
        # Of a cluster, where any node tells which one has the keys.
        self._nodes = deque([url])
        tag = hashlib.sha256(credential.encode()).hexdigest()[:32]
        # One tag in braces, so that a cluster keeps both in one place.
        self._keys = [f"heymarket:{{{tag}}}:sent", f"heymarket:{{{tag}}}:state"]

    async def ask(self, *said: str | float) -> Reply:
        """Say something, and return what the store says; see `store.lua`.

        Raises:
            StoreLostError: There was no answer in time, or none that is of use.
        """
        numbers = await self._run(self._script, said)
        if not _is_reply(numbers, most=said[4]):
            raise StoreLostError(_UNREADABLE)
        return Reply(*numbers)

    async def server(self) -> Server | None:
        """Connect if need be, and return which server it is; None if it keeps that to itself.

        Raises:
            StoreLostError: There was no answer in time, or none that is of use.
        """
        said = await self._run(self._server)
        with suppress(Exception):  # it may be anything, and urllib quotes the URL
            return self._noted(said)
        raise StoreLostError(_UNREADABLE)

    def _noted(self, said: object) -> Server | None:
        nodes, uptime_s, run_id = cast(tuple[list[bytes], int, bytes], said)
        urls = {self._url_at(*str_if_bytes(node).rsplit(" ", 1)) for node in nodes}
        server = Server(str_if_bytes(run_id).encode(), float(int(uptime_s)))
        self._nodes = deque([self._url, *urls])
        return server if server.run_id else None

    async def close(self) -> None:
        """Close the connection."""
        with suppress(Exception):  # it is over in any case
            await self._redis.aclose()

    async def _run(self, script: AsyncScript, said: Sequence[str | float] = ()) -> object:
        # Connecting and loading the script are rounds of their own.
        try:
            async with asyncio.timeout(3 * self._timeout_s):
                return await self._follow(script, said)
        except Exception as error:  # noqa: BLE001 - redis-py raises anything for an odd answer
            is_known = isinstance(error, (RedisError, OSError))
            why = reason_of(error) if is_known else _UNREADABLE
        # Its name may lead to another server by now, and another node may know more.
        self._nodes.rotate(-1)
        with suppress(Exception):
            await self._connect_to(self._nodes[0])
        raise StoreLostError(why)  # outside, since the error may quote the URL, and so the password

    async def _follow(
        self, script: AsyncScript, said: Sequence[str | float], hops: int = 3
    ) -> object:
        try:
            return await script(self._keys, said, self._redis)
        except MovedError as moved:
            if not hops:
                raise
            host = str(moved.host)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - redis-py does not type it
            await self._connect_to(self._url_at(host, moved.port))
            return await self._follow(script, said, hops - 1)

    async def _connect_to(self, url: str) -> None:
        left, self._redis = self._redis, _client_of(url, self._timeout_s)
        await left.aclose()

    def _url_at(self, host: str, port: int | str) -> str:
        parts = urlsplit(self._url)
        login, at, _ = parts.netloc.rpartition("@")
        host = host or parts.hostname or ""  # unknown to the cluster: the one that was asked
        netloc = f"{login}{at}[{host}]:{port}" if ":" in host else f"{login}{at}{host}:{port}"
        return parts._replace(netloc=netloc).geturl()


def _is_reply(said: object, *, most: str | float) -> TypeGuard[list[int]]:
    numbers = cast(list[object], said) if isinstance(said, list) else []
    whole = [each for each in numbers if isinstance(each, int)]
    return (
        len(whole) == len(numbers) == len(Reply._fields)
        and min(whole[:4]) >= 0
        and max(whole) < 2**63  # as Redis has them
        and whole[0] <= float(most)
    )


def _client_of(url: str, timeout_s: float) -> Redis:
    scheme, _, rest = url.partition("://")
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - options are open
        f"{_SCHEMES[scheme]}://{rest}",
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        # What was said may have been heard, so a turn would be lost with each repetition.
        retry=Retry(NoBackoff(), 0),
        max_connections=1,
    )

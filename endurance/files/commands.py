"""Runs commands whose calls of the system are watched."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from enum import IntFlag
from pathlib import Path
from typing import NamedTuple

import msgspec

from endurance.files.forks import Asked

INSTALL = "apt-get install gcc libc6-dev"
ROOT = Path(__file__).parents[2]
_SOURCE = Path(__file__).with_name("shim.c")
_HEAD = struct.Struct("=II16siiQQIII4x")


class Kind(IntFlag):
    """The kinds of calls, with the same numbers as in the shim."""

    LOOK = 1
    OPEN_READ = 2
    OPEN_WRITE = 4
    CREATE = 8
    WRITE = 16
    SYNC = 32
    REMOVE = 64
    META = 128
    LOCK = 256
    CLOSE = 512
    MAP = 1024
    NET = 2048


class Call(NamedTuple):
    """A call on a file of the job, or on the network.

    Attributes:
        number: Its place, from 1.
        kind: Its kind.
        name: Its name.
        file: The descriptor, or -1.
        failed: The number of the error; 0 if it went well, -1 if the process ended at it.
        offset: Where a write begins, or the flags of an `open`.
        length: The length of a write or a truncation.
        path: The file.
        other: The new name of a renaming.
        data: The bytes that were written.
    """

    number: int
    kind: Kind
    name: str
    file: int
    failed: int
    offset: int
    length: int
    path: str
    other: str
    data: bytes


class Ended(NamedTuple):
    """How a command ended: its exit code (negative for a signal), its output and its calls."""

    code: int
    output: str
    calls: list[Call]


def check_tools() -> None:
    """Check that calls can be watched here.

    Raises:
        LookupError: Something is missing; the text says how to get it.
    """
    if not sys.platform.startswith("linux"):
        raise LookupError("there is no way to watch calls but on Linux")
    if shutil.which("cc") is None:
        raise LookupError(f"there is no C compiler; install it with: {INSTALL}")


def shim() -> Path:
    """Return the compiled shim, compiled anew if its source has changed."""
    digest = hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]
    made = Path(tempfile.gettempdir()) / f"heymarket-shim-{os.geteuid()}-{digest}.so"
    if not made.exists():
        new = made.with_suffix(f".{os.getpid()}")
        flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
        subprocess.run(["cc", *flags, "-o", new, _SOURCE, "-ldl"], check=True)
        new.replace(made)
    return made


@contextmanager
def scratch_folder() -> Generator[Path]:
    """Give a folder in memory, if there is one: there, nothing waits for a disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="heymarket-", dir=memory if os.access(memory, os.W_OK) else None
    ) as made:
        yield Path(made)


class Commands:
    """Runs commands with the shim.

    Args:
        variables: Environment variables for all of them.
        scratch: A folder for logs.
    """

    def __init__(self, variables: dict[str, str], scratch: Path) -> None:
        self._variables = variables
        self._output, self._log = scratch / "output", scratch / "log"
        command = [sys.executable, "-W", "error", "-m", "endurance.files.forks"]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "LD_PRELOAD": str(shim())},
            cwd=ROOT,
        )

    def run(
        self,
        arguments: list[str],
        folder: Path,
        *,
        at: int = 0,
        error: int = 0,
        kinds: int = 0,
        root: Path | None = None,
        network: str = "",
    ) -> Ended:
        """Run a command; the arguments are described by `Asked`."""
        asked = Asked(
            arguments=arguments,
            variables=self._variables,
            folder=str(folder),
            output=str(self._output),
            log=str(self._log),
            at=at,
            error=error,
            kinds=kinds,
            root="" if root is None else str(root),
            network=network,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(asked) + b"\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return Ended(code, self._output.read_text(), read_log(self._log.read_bytes()))

    def close(self) -> None:
        """End the process that runs them."""
        self._process.communicate()


@contextmanager
def commands(variables: dict[str, str], scratch: Path) -> Generator[Commands]:
    """Give what runs commands, and end it."""
    running = Commands(variables, scratch)
    try:
        yield running
    finally:
        running.close()


def read_log(log: bytes) -> list[Call]:
    """Return the calls of a log."""
    calls: list[Call] = []
    at = 0
    while at < len(log):
        number, kind, name, file, failed, offset, length, *lengths = _HEAD.unpack_from(log, at)
        at += _HEAD.size
        parts: list[bytes] = []
        for each in lengths:
            parts.append(log[at : at + each])
            at += each
        path, other, data = parts
        calls.append(
            Call(
                number,
                Kind(kind),
                name.rstrip(b"\0").decode(),
                file,
                failed,
                offset,
                length,
                os.fsdecode(path),
                os.fsdecode(other),
                data,
            )
        )
    return calls

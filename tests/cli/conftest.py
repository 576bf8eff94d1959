"""The command, in this process and as a process of its own, against a sandbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import typer.testing

from heymarket_async.cli.app import app
from heymarket_async.sandbox import Sandbox

COMMAND = [sys.executable, "-W", "error", "-m", "heymarket_async.cli"]

Run = Callable[..., typer.testing.Result]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(contacts=130, seed=2) as sandbox:
        yield sandbox


@pytest.fixture
def environment(sandbox: Sandbox) -> dict[str, str]:
    return {
        "HEYMARKET_BASE_URL": sandbox.url,
        "HEYMARKET_SECRET_ID": sandbox.credentials.secret_id,
        "HEYMARKET_SECRET_KEY": sandbox.credentials.secret_key,
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Run the command in this process."""

    def run(*arguments: object, **options: object) -> typer.testing.Result:
        options = {"env": {**environment, "COLUMNS": "200"}, **options}
        return typer.testing.CliRunner().invoke(app, [str(each) for each in arguments], **options)

    return run


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start the command as a process, which is ended with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        command = [*options.pop("command", COMMAND), *(str(each) for each in arguments)]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        hang_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored where tests outlive one
        # Output is buffered, as it is for people.
        everything = {**os.environ, "PYTHONUNBUFFERED": "", **environment}
        process = subprocess.Popen(command, env=everything, **options)
        signal.signal(signal.SIGHUP, hang_up)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()

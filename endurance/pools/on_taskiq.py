"""The job on taskiq, with the broker of `examples/worker_pool`."""

from __future__ import annotations

from endurance.pools import job
from endurance.pools.job import AgainError
from examples.worker_pool.jobs import broker
from heymarket_async import HeymarketError

__all__ = ["broker", "do"]  # the first is for the command line of taskiq


@broker.task(task_name="do", retry_on_error=True, max_retries=100)
async def do(number: int, queued: str) -> None:
    """Do a job; see `job.do`."""
    await job.do(number, queued)


async def queue(jobs: list[tuple[int, str]]) -> None:
    """Queue jobs."""
    await broker.startup()
    for number, queued in jobs:
        await do.kiq(number, queued)
    await broker.shutdown()


RETRIED = (AgainError, HeymarketError, OSError)
broker.middlewares[0].types_of_exceptions = RETRIED  # type: ignore[attr-defined] # of the example

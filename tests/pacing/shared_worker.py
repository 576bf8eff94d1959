"""Processes that share a budget: `python -m tests.pacing.shared_worker ADDRESS PROCESSES OPTIONS`.

Each says that it is ready, waits for a word, wants more than it can get, for some seconds or until
another word, and reports what it did.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from contextlib import redirect_stderr, suppress
from io import StringIO
from multiprocessing.connection import Client, Connection
from typing import Any

from heymarket_async import (
    ApiSecret,
    AttemptEvent,
    HeymarketClient,
    HeymarketError,
    RateLimit,
    Repeat,
)

CALLERS = 200


def main(address: str, processes: str, options: str) -> None:
    """Fork, which is cheaper than to start a Python for each process, and wait for them."""
    for _ in range(int(processes)):
        if not os.fork():
            _run(address, json.loads(options))
            os._exit(0)
    with suppress(ChildProcessError):
        while True:
            os.wait()


def _run(address: str, options: dict[str, Any]) -> None:
    with Client(address) as pipe, redirect_stderr(StringIO()) as log:
        logging.basicConfig(level=logging.WARNING)
        ends = asyncio.run(_work(pipe, **options))
        pipe.send((*ends, log.getvalue()))


async def _work(
    pipe: Connection,
    url: str,
    store: str,
    credentials: list[str],
    rate: dict[str, Any],
    seconds: float | None,
) -> tuple[list[tuple[float, float]], list[str]]:
    loop = asyncio.get_running_loop()
    spans: list[tuple[float, float]] = []

    def note(event: AttemptEvent) -> None:
        spans.append((loop.time() - event.seconds, loop.time()))

    async with HeymarketClient(
        ApiSecret(*credentials),
        base_url=url,
        rate_limit=RateLimit(**rate, store=store),
        on_attempt=note,
    ) as client:

        async def want() -> None:
            while True:
                await client.request("GET", "/v1/team", repeat=Repeat.READ)

        await client.request("GET", "/v1/team", repeat=Repeat.READ)
        pipe.send("ready")
        await asyncio.to_thread(pipe.recv)
        spans.clear()
        callers = [asyncio.create_task(want()) for _ in range(CALLERS)]
        if seconds is None:
            await asyncio.to_thread(pipe.recv)
        else:
            await asyncio.wait(callers, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for each in callers:
            each.cancel()
        ends = await asyncio.gather(*callers, return_exceptions=True)
    return spans, [repr(each) for each in ends if isinstance(each, HeymarketError)]


if __name__ == "__main__":
    main(*sys.argv[1:])

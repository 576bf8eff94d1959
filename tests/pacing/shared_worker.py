"""One process of several that share a budget: `python -m tests.pacing.shared_worker`.

It says "ready" and waits for a line; then it wants more than it can get, and prints from when to
when each of its requests was under way.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys

from heymarket_async import (
    ApiSecret,
    AttemptEvent,
    HeymarketClient,
    HeymarketError,
    RateLimit,
    Repeat,
)

CALLERS = 200


async def main(url: str, store: str, credentials: list[str], rate: dict, seconds: float) -> None:
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
        print("ready", flush=True)  # noqa: T201 - to the parent process
        await asyncio.to_thread(sys.stdin.readline)
        spans.clear()
        callers = [asyncio.create_task(want()) for _ in range(CALLERS)]
        await asyncio.wait(callers, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for each in callers:
            each.cancel()
        ends = await asyncio.gather(*callers, return_exceptions=True)
    errors = [repr(each) for each in ends if isinstance(each, HeymarketError)]
    print(json.dumps({"spans": spans, "errors": errors}))  # noqa: T201 - to the parent process


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main(**json.loads(sys.argv[1])))

"""One process of several that share a budget: `python -m tests.transport.shared_worker`.

It says "ready" and waits for a line; then it wants more than it can get, and prints how many of its
calls were answered.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys

from heymarket_async import ApiSecret, HeymarketClient, HeymarketError, RateLimit, Repeat

CALLERS = 200


async def main(url: str, store: str, credentials: list[str], rate: dict, seconds: float) -> None:
    answered = 0
    limit = RateLimit(**rate, store=store)
    async with HeymarketClient(ApiSecret(*credentials), base_url=url, rate_limit=limit) as client:

        async def call() -> None:
            nonlocal answered
            await client.request("GET", "/v1/team", repeat=Repeat.READ)
            answered += 1

        async def want() -> None:
            while True:
                await call()

        await call()
        print("ready", flush=True)  # noqa: T201 - to who started it
        await asyncio.to_thread(sys.stdin.readline)
        answered = 0
        callers = [asyncio.create_task(want()) for _ in range(CALLERS)]
        await asyncio.wait(callers, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for each in callers:
            each.cancel()
        ends = await asyncio.gather(*callers, return_exceptions=True)
    errors = [repr(each) for each in ends if isinstance(each, HeymarketError)]
    print(json.dumps({"answered": answered, "errors": errors}))  # noqa: T201 - to who started it


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main(**json.loads(sys.argv[1])))

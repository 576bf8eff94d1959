"""How long a thousand calls at once hold the loop up: `python -m tests.stalls URL`."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp
import msgspec

from heymarket_async import ApiKey, Contact, HeymarketClient, RateLimit

AT_ONCE = 1000


def client_of(url: str) -> HeymarketClient:
    return HeymarketClient(ApiKey("key"), base_url=url, rate_limit=RateLimit(10**9))


async def many(call: Callable[[], Awaitable[object]], calls: int) -> None:
    """Make calls, a thousand at a time."""
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await call()

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(worker())


async def longest_stall(work: Awaitable[object]) -> float:
    """Return for how long at most the loop did not come back to another task."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - before)

    ticking = asyncio.create_task(tick())
    await work
    ticking.cancel()
    await asyncio.gather(ticking, return_exceptions=True)
    return longest


async def bare(url: str) -> float:
    decoder = msgspec.json.Decoder(Contact)
    connector = aiohttp.TCPConnector(limit=100)
    async with aiohttp.ClientSession(url, connector=connector) as session:

        async def call() -> Contact:
            async with session.get("/v1/contact/1") as answer:
                return decoder.decode(await answer.read())

        return await longest_stall(many(call, 3 * AT_ONCE))


async def ours(url: str) -> float:
    async with client_of(url) as client:
        return await longest_stall(many(lambda: client.contacts.get(1), 3 * AT_ONCE))


async def main(url: str) -> None:
    stalls = [(await bare(url), await ours(url)) for _ in range(5)]
    report = dict(zip(("bare", "ours"), zip(*stalls, strict=True), strict=True))
    print(json.dumps(report))  # noqa: T201 - to the parent process


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

"""Measure the walk beside what a user would write, and print the ratios."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp
import msgspec

from heymarket_async import ApiKey, Contact, HeymarketClient, RateLimit

ROUNDS = 9
PAGES = 200


async def bare(url: str, size: int) -> int:
    decoder, count, date = msgspec.json.Decoder(list[Contact]), 0, None
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer key"}) as session:
        while True:
            body = msgspec.json.encode({"date": date, "limit": size})
            async with session.post(f"{url}/v1/contacts", data=body) as response:
                response.raise_for_status()
                page = decoder.decode(await response.read())
            if not page:
                return count
            count += len(page)
            date = page[-1].updated


async def script(url: str, size: int) -> int:
    count, date = 0, None
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer key"}) as session:
        while True:
            body = {"date": date, "limit": size}
            async with session.post(f"{url}/v1/contacts", json=body) as response:
                response.raise_for_status()
                page = await response.json()
            if not page:
                return count
            count += len(page)
            date = page[-1]["updated"]


def client_of(url: str) -> HeymarketClient:
    return HeymarketClient(ApiKey("key"), base_url=url, rate_limit=RateLimit(10**9))


async def by_page(url: str, size: int) -> int:
    async with client_of(url) as client:
        return sum([len(page) async for page in client.contacts.iterate(limit=size).pages()])


async def by_item(url: str, size: int) -> int:
    async with client_of(url) as client:
        count = 0
        async for _ in client.contacts.iterate(limit=size):
            count += 1
        return count


Walk = Callable[[str, int], Awaitable[int]]
WALKS: dict[str, Walk] = {
    "aiohttp + msgspec, by hand": bare,
    "aiohttp + json, by hand": script,
    "heymarket_async, by page": by_page,
    "heymarket_async, by contact": by_item,
}


def cpu_of(walk: Walk, url: str, size: int) -> float:
    before = time.process_time()
    count = asyncio.run(walk(url, size))
    assert count >= PAGES * (size - 1)
    return time.process_time() - before


def measure(size: int) -> None:
    command = [sys.executable, "-m", "benchmarks.server", str(PAGES), str(size)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        for walk in WALKS.values():
            cpu_of(walk, url, size)
        rounds = [
            {name: cpu_of(walk, url, size) for name, walk in WALKS.items()} for _ in range(ROUNDS)
        ]
        server.terminate()
    print(f"\n{size} contacts a page, {PAGES} pages, CPU, median of {ROUNDS} rounds")
    for name in WALKS:
        spent = statistics.median(each[name] for each in rounds)
        ratios = sorted(each[name] / each["aiohttp + msgspec, by hand"] for each in rounds)
        low, middle, high = ratios[0], statistics.median(ratios), ratios[-1]
        micro = spent / PAGES * 1e6
        print(f"{name:30} {micro:8.0f} µs a page   ratio {middle:.2f} ({low:.2f}-{high:.2f})")


if __name__ == "__main__":
    for size in (30, 100):
        measure(size)

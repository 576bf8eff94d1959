"""Runs one rival in a process of its own, so that only the rival is measured.

A process measures once and ends. So no rival pays for another's imports, heap or garbage. The speed
of a process also depends on chance, such as the layout of its memory; the median over many
processes levels that out. The garbage collector runs with its defaults for all rivals.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import resource
import sys
import time
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

from benchmarks.rivals import CONNECTIONS, RIVALS, WITHOUT, Rival, Walked

Value = TypeVar("Value")
Values = dict[str, float]

_WARM_UP_S = 0.15


async def walk(rival: type[Rival], url: str, spec: dict[str, Any]) -> Values:
    """Walk over one account repeatedly, for a given time of CPU."""
    limit, pages, end = spec["limit"], spec["pages"], Walked(spec["contacts"], spec["last_id"])
    began = time.perf_counter()
    async with rival(f"{url}/{3 * limit}{spec['reading']}") as client:
        while time.perf_counter() - began < min(_WARM_UP_S, spec["seconds"]):
            await client.walk(limit)
    async with rival(f"{url}/{end.contacts}{spec['reading']}") as client:
        await client.create(1)  # connects
        gc.collect()
        walks, wall, cpu = 0, time.perf_counter(), time.process_time()
        while not walks or time.process_time() - cpu < spec["seconds"]:
            walked = await client.walk(limit)
            assert walked == end, f"walked {walked}, not {end}"
            walks += 1
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "cpu_us": cpu / walks / pages * 1e6,
        "contact_us": cpu / walks / end.contacts * 1e6,
        "per_s": walks * end.contacts / wall,
    }


async def create(rival: type[Rival], url: str, spec: dict[str, Any]) -> Values:
    """Create contacts with several calls at once, for a given time."""
    numbers = itertools.count(1)

    async def work(until: float, took: list[float]) -> None:
        while True:
            number, began = next(numbers) % 10**7, time.perf_counter()
            created = await client.create(number)
            ended = time.perf_counter()
            assert created == number, f"created {created}, not {number}"
            took.append(ended - began)
            if ended >= until:
                return

    async def work_together(at_once: int, seconds: float) -> list[float]:
        took: list[float] = []
        until = time.perf_counter() + seconds
        await asyncio.gather(*(work(until, took) for _ in range(at_once)))
        return sorted(took)

    async with rival(f"{url}/1") as client:
        # No more calls at once than connections, to open them all.
        at_once, seconds = spec["at_once"], spec["seconds"]
        await work_together(min(at_once, CONNECTIONS), min(_WARM_UP_S, seconds))
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        took = await work_together(at_once, seconds)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "cpu_us": cpu / len(took) * 1e6,
        "per_s": len(took) / wall,
        "p50_ms": took[len(took) // 2] * 1e3,
        "p99_ms": took[len(took) * 99 // 100] * 1e3,
    }


async def memory(rival: type[Rival], url: str, spec: dict[str, Any]) -> Values:
    """Walk once over one account, or open a client and do nothing."""
    end = Walked(spec["contacts"], spec["last_id"])
    async with rival(f"{url}/{end.contacts}") as client:
        if not spec["idle"]:
            walked = await client.walk(spec["limit"])
            assert walked == end, f"walked {walked}, not {end}"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"peak_mb": peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)}


_JOBS = {"walk": walk, "create": create, "memory": memory}


def load(rival: str) -> type[Rival]:
    return (RIVALS.get(rival) or WITHOUT[rival]).load()


def run(work: Coroutine[Any, Any, Value], *, on_uvloop: bool) -> Value:
    if not on_uvloop:
        return asyncio.run(work)
    import uvloop  # noqa: PLC0415 - most children do without it

    return uvloop.run(work)


def finish(said: object) -> NoReturn:
    """Print the values, and end at once: pyreqwest's threads can crash an interpreter that ends."""
    print(said, flush=True)
    os._exit(0)


def main(url: str, core: int | None, rival: str, job: str, spec: dict[str, Any]) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})
    work: Coroutine[Any, Any, Values] = _JOBS[job](load(rival), url, spec)
    finish(json.dumps(run(work, on_uvloop=spec.get("uvloop", False))))


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))

"""Runs one rival inside callgrind, for a fixed count of work, so that a count can be repeated.

The part that is counted begins after the same work was done once before.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import sys
from collections.abc import Coroutine
from typing import Any

import callgrind_marks  # type: ignore[import-not-found] # compiled by benchmarks.callgrind

from benchmarks.child import finish, load, run
from benchmarks.rivals import Rival, Walked


async def walk(rival: type[Rival], url: str, spec: dict[str, Any]) -> int:
    """Walk once, and return the pages."""
    end = Walked(spec["contacts"], spec["last_id"])
    async with rival(f"{url}/{end.contacts}") as client:
        await client.create(1)
        await client.walk(spec["limit"])
        gc.collect()
        callgrind_marks.start()
        walked = await client.walk(spec["limit"])
        callgrind_marks.stop()
    assert walked == end, f"walked {walked}, not {end}"
    return int(spec["pages"])


async def create(rival: type[Rival], url: str, spec: dict[str, Any]) -> int:
    """Create contacts with several calls at once, and return their number."""
    numbers = itertools.count(1)

    async def work(calls: int) -> None:
        for _ in range(calls):
            number = next(numbers)
            created = await client.create(number)
            assert created == number, f"created {created}, not {number}"

    async def work_together(calls: int) -> None:
        await asyncio.gather(*(work(calls) for _ in range(spec["at_once"])))

    calls = int(spec["calls"]) // int(spec["at_once"])
    async with rival(f"{url}/1") as client:
        await work_together(2)
        gc.collect()
        callgrind_marks.start()
        await work_together(calls)
        callgrind_marks.stop()
    return calls * int(spec["at_once"])


_JOBS = {"walk": walk, "create": create}


def main(url: str, rival: str, job: str, spec: dict[str, Any]) -> None:
    work: Coroutine[Any, Any, int] = _JOBS[job](load(rival), url, spec)
    finish(run(work, on_uvloop=spec["uvloop"]))


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))

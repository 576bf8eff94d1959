"""Clients of many accounts at once in one process: each page costs what it costs one account."""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import AsyncExitStack
from statistics import median
from uuid import UUID

from benchmarks.contacts import last_id
from benchmarks.measuring import Lab
from benchmarks.rivals import Walked
from benchmarks.rivals.ours import ByPage
from endurance.run import Figures, Run, small
from endurance.versions import versions
from heymarket_async import ApiSecret

ACCOUNTS, ROUNDS = (20, 2) if small() else (200, 9)
CONTACTS, LIMIT = 500, 30
MOST = 1.1
"""The CPU for a page, as a ratio to that of one account."""


class Account(ByPage):
    """A client with credentials of its own, of an account with a size of its own."""

    def __init__(self, url: str, number: int) -> None:
        self.contacts = CONTACTS + number
        secret = ApiSecret(str(UUID(int=number)), f"{number:040}")
        super().__init__(f"{url}/{self.contacts}", credentials=secret)

    async def walk_whole(self) -> int:
        """Walk, make sure that all contacts came, and return their number."""
        walked = await self.walk(LIMIT)
        assert walked == Walked(self.contacts, last_id(self.contacts)), f"{walked} came"
        return self.contacts


def work(seed: int) -> Figures:
    """Let all accounts walk at once, and one as often, in turn."""
    with Lab() as lab:
        return asyncio.run(_rounds(lab, seed))


async def _rounds(lab: Lab, seed: int) -> Figures:
    ratios, contacts, requests = list[float](), 0, 0
    async with AsyncExitStack() as stack:
        numbers = range(seed, seed + ACCOUNTS)
        accounts = [await stack.enter_async_context(Account(lab.url, each)) for each in numbers]
        one = accounts[ACCOUNTS // 2]
        for number in range(-1, ROUNDS):  # the first one connects, and warms up
            gc.collect()
            spent, began = lab.spent()[1], time.process_time()
            came = sum(await asyncio.gather(*(each.walk_whole() for each in accounts)))
            together = time.process_time() - began, lab.spent()[1] - spent - 1
            gc.collect()
            spent, began = lab.spent()[1], time.process_time()
            came += sum([await one.walk_whole() for _ in range(ACCOUNTS)])
            alone = time.process_time() - began, lab.spent()[1] - spent - 1
            if number >= 0:
                contacts, requests = contacts + came, requests + together[1] + alone[1]
                ratios.append(together[0] / together[1] / (alone[0] / alone[1]))
    assert median(ratios) <= MOST or small(), f"CPU for a page: {ratios}"
    return Figures(
        total={"pages": requests, "contacts": contacts},
        most={"CPU for a page, as a ratio to one account": median(ratios)},
        versions=versions("uvloop"),
    )


RUNS = [
    Run(
        name="accounts",
        title="Two hundred accounts in one process",
        unit="processes",
        goal=5,
        holds="Clients of 200 accounts walk at once in one process, and get all contacts. A page"
        f" costs at most {MOST} times the CPU that it costs one client, which walks as much alone:"
        " the median of nine rounds, in turn, on a machine that does nothing else.",
        work=work,
        at_once=1,
    )
]

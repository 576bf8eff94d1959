"""Imports that are killed, under faults, and resumed: no loss, nothing twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from heymarket_async.sandbox import Sandbox
from tests.bulk import killed_jobs
from tests.bulk.importing.imports import BATCH, client_of, new, outcomes_of, phone
from tests.bulk.killed_jobs import DUPLICATES, OPTED_OUT, rows_of
from tests.bulk.killing import BUSY_S, FAULTS, Killer

REQUESTS_A_RUN = 30
HELD_S = 3600.0

UNSTORED = {7, *DUPLICATES}


def is_held(sandbox: Sandbox) -> bool:
    """Whether a batch has arrived that the sandbox does not answer."""
    return any(each.fault == "delay" for each in list(sandbox.requests))


def expected(count: int, *, overwrite: bool) -> dict[int, str]:
    known = "updated" if overwrite else "unchanged"
    kinds = dict.fromkeys(UNSTORED, "rejected")
    outcomes = {n + 1: kinds.get(n % 50, known if n % 3 == 0 else "created") for n in range(count)}
    opted_out = {n + 1: "updated" for n in range(0, count, 3) if n % 50 in OPTED_OUT - DUPLICATES}
    return outcomes | opted_out


async def _fill(sandbox: Sandbox, count: int) -> None:
    """Let the account have every third contact."""
    async with client_of(sandbox) as client:
        await client.contacts.create_batch(
            [new(n, first="Old") for n in range(0, count, 3) if n % 50 not in UNSTORED]
        )


def kill(folder: Path, *, overwrite: bool, seed: int, times: int) -> Killer[Any]:
    """Kill an import so many times, and check what it ends with."""
    chance = random.Random(f"{overwrite} {seed}")
    count = times * REQUESTS_A_RUN * 8 + 500
    path = folder / "outcomes.jsonl"
    with Sandbox(limit=None, seed=seed) as sandbox:
        asyncio.run(_fill(sandbox, count))
        sandbox.faults.random(0.1, kinds=FAULTS, seed=seed, retry_after=BUSY_S)
        killer = Killer(killed_jobs.importing, sandbox, folder)
        for number in range(times):
            if number % 4 == 0:  # it strikes for certain while a batch is under way
                sandbox.faults.delay(HELD_S, on=BATCH)
                killer.when(partial(is_held, sandbox), 0.0, path, count, overwrite)
            else:
                killer.at_some_moment(
                    chance, path, count, overwrite, changes=30, requests=REQUESTS_A_RUN
                )
            killer.count_open_rows(path)

        killer.to_the_end(path, count, overwrite)

        contacts = sandbox.store.contacts
    outcomes = {row: line["outcome"] for row, line in outcomes_of(path).items()}
    assert outcomes == expected(count, overwrite=overwrite)
    wanted = {row["phone"] if isinstance(row, dict) else row.phone for row in rows_of(count)}
    stored = Counter(contact["phone"] for contact in contacts)
    assert stored == dict.fromkeys(wanted - {"none"}, 1)
    names = {contact["phone"]: (contact["first"], contact["rev"]) for contact in contacts}
    old = ("New", 2) if overwrite else ("Old", 1)
    assert all(
        names[phone(n)] == (old if n % 3 == 0 else ("New", 1))
        for n in range(count)
        if n % 50 not in {*UNSTORED, *OPTED_OUT, 12}
    )
    opted_out = {contact["phone"] for contact in contacts if contact["is_opted_out"]}
    assert opted_out == {
        row.phone for row in rows_of(count) if not isinstance(row, dict) and row.is_opted_out
    }
    assert all(msgspec.json.decode(line) for line in path.read_bytes().splitlines())
    assert [each.name for each in folder.iterdir()] == [path.name], "nothing else is left"
    return killer

"""Texts whose sending is killed, under faults, and resumed: nobody gets two."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from typing import Any, Literal

from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk import killed_jobs
from tests.bulk.importing.imports import outcomes_of, phone
from tests.bulk.killing import BUSY_S, FAULTS, Killer
from tests.bulk.sending.sends import SEND, path_in

FEWEST_ROWS, ROWS_A_KILL = 60, 5


def have_begun(sandbox: Sandbox, sends: int) -> bool:
    """Whether so many requests have arrived that send a text."""
    return sum(SEND.endswith(each.path) for each in list(sandbox.requests)) >= sends


def kill(folder: Path, *, dedupes: Literal["none", "all"], seed: int, times: int) -> Killer[Any]:
    """Kill a job so many times, and check what it ends with."""
    chance = random.Random(f"{dedupes} {seed}")
    count, path = max(FEWEST_ROWS, times * ROWS_A_KILL), path_in(folder)
    with Sandbox(limit=None, readings=Readings(local_id_dedupes=dedupes), seed=seed) as sandbox:
        sandbox.faults.random(0.25, kinds=FAULTS, seed=seed, retry_after=BUSY_S)
        killer = Killer(killed_jobs.sending, sandbox, folder)
        for _ in range(times):
            if chance.random() < 0.3:
                killer.at_some_moment(chance, path, count, changes=10, requests=10)
            else:
                sends, delay_s = chance.randint(1, 5), chance.uniform(0, 0.004)
                killer.when(partial(have_begun, sandbox, sends), delay_s, path, count)
            killer.count_open_rows(path)

        killer.to_the_end(path, count)

        received = sorted(each.phone for each in sandbox.outbox)
    assert received == sorted(map(phone, range(count)))
    outcomes = {row: line["outcome"] for row, line in outcomes_of(path).items()}
    assert outcomes == dict.fromkeys(range(1, count + 1), "sent")
    assert [each.name for each in folder.iterdir()] == [path.name], "nothing else is left"
    return killer

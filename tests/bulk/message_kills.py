"""Exports of messages that are killed, under faults, and begun again until they end."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from heymarket_async.sandbox import Sandbox
from tests.bulk import killed_jobs
from tests.bulk.accounts import lines_of
from tests.bulk.archives import a_phone, first_sent, messages_of, stored
from tests.bulk.killed_jobs import PAGE_SIZE
from tests.bulk.killing import BUSY_S, FAULTS, Killer

KINDS = ["jsonl", "db"]
"""The ending of the file."""
MESSAGES = 1200


def kill(kind: str, folder: Path, *, seed: int, times: int) -> Killer[Any]:
    """Kill an export so many times, let people text in between, and check what it ends with."""
    chance = random.Random(f"{kind} {seed}")
    path = folder / f"m.{kind}"
    with Sandbox(contacts=20, messages=MESSAGES, message_ties=35, seed=seed, limit=None) as box:
        box.faults.random(0.1, kinds=FAULTS, seed=seed, retry_after=BUSY_S)
        killer = Killer(killed_jobs.messages, box, folder)
        concurrency = chance.choice([1, 3])
        for number in range(times):
            changes = 3000 if kind == "db" else 120
            killer.at_some_moment(chance, path, concurrency, changes=changes, requests=25)
            # Nobody is asking now.
            for text in range(chance.choice([0, 1, 40])):
                box.customer.text(a_phone(box), f"{number} {text}")
            # A message whose status changes keeps its time, and is not read again. From the newest
            # on, and from one end, the walk cannot have come to the oldest one yet.
            if concurrency == 1 and killer.requests * PAGE_SIZE < MESSAGES // 2:
                box.carrier.deliver(first_sent(box))

        ends_whole(killer, path, box, concurrency)
    return killer


def ends_whole(killer: Killer[Any], path: Path, box: Sandbox, concurrency: int) -> None:
    """Let the export come to its end, and check it."""
    killer.to_the_end(path, concurrency)
    assert (stored(path) if path.suffix == ".db" else lines_of(path)) == messages_of(box)
    assert list(path.parent.iterdir()) == [path], "nothing else is left"

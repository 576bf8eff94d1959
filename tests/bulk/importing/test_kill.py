"""An import that is killed at any moment, under faults, and resumed: no loss, nothing twice."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest

from heymarket_async.sandbox import Sandbox
from tests.bulk.importing.imports import client_of, new, outcomes_of, phone
from tests.bulk.importing.killed_import import DUPLICATES, OPTED_OUT, rows_of

pytestmark = pytest.mark.unmeasured

KILLS = int(os.environ.get("HEYMARKET_KILLS", "4"))
"""In each of the two tests."""
REQUESTS_A_RUN = 30
BATCH = "POST /v1/batch/contacts"
FAULTS = ("429", "500", "502", "503", "504", "408", "cut", "reset", "reset_after", "html500")


UNSTORED = {7, *DUPLICATES}


def start(sandbox: Sandbox, outcomes: Path, count: int, *, overwrite: bool) -> subprocess.Popen:
    arguments = [sandbox.url, *sandbox.credentials, outcomes, count, overwrite]
    command = [sys.executable, "-m", "tests.bulk.importing.killed_import", *map(str, arguments)]
    return subprocess.Popen(command)


def kill_when(condition: Callable[[], bool], process: subprocess.Popen, delay_s: float) -> None:
    while not condition():
        assert process.poll() is None, "the import was to be killed before its end"
        time.sleep(0.0005)
    time.sleep(delay_s)
    process.kill()
    process.wait()


def has_had(sandbox: Sandbox, requests: int) -> bool:
    return len(sandbox.requests) >= requests


def is_held(sandbox: Sandbox) -> bool:
    """Whether a batch has arrived that the sandbox does not answer."""
    return any(each.fault == "delay" for each in list(sandbox.requests))


def is_open(path: Path) -> bool:
    """Whether the file has rows whose end was never written, or a torn line."""
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        return True
    return any(line["outcome"] == "unknown" for line in outcomes_of(path).values())


def expected(count: int, *, overwrite: bool) -> dict[int, str]:
    known = "updated" if overwrite else "unchanged"
    kinds = dict.fromkeys(UNSTORED, "rejected")
    outcomes = {n + 1: kinds.get(n % 50, known if n % 3 == 0 else "created") for n in range(count)}
    opted_out = {n + 1: "updated" for n in range(0, count, 3) if n % 50 in OPTED_OUT - DUPLICATES}
    return outcomes | opted_out


@pytest.mark.parametrize("overwrite", [False, True])
async def test_a_killed_import_ends_true_when_it_is_resumed(overwrite, tmp_path):
    rng = random.Random(KILLS)
    count = KILLS * REQUESTS_A_RUN * 8 + 500
    path = tmp_path / "outcomes.jsonl"
    struck = 0
    with Sandbox(limit=None) as sandbox:
        async with client_of(sandbox) as client:
            await client.contacts.create_batch(
                [new(n, first="Old") for n in range(0, count, 3) if n % 50 not in UNSTORED]
            )
        sandbox.faults.random(0.1, kinds=FAULTS, seed=KILLS, retry_after="0.01")
        for number in range(KILLS):
            sandbox.requests.clear()
            requests = rng.randint(1, REQUESTS_A_RUN)
            if number % 4 == 0:  # it strikes for certain while a batch is under way
                sandbox.faults.delay(60, on=BATCH)
            process = start(sandbox, path, count, overwrite=overwrite)
            if number % 4 == 0:
                kill_when(partial(is_held, sandbox), process, 0.0)
            else:
                kill_when(partial(has_had, sandbox, requests), process, rng.uniform(0, 0.01))
            struck += path.exists() and is_open(path)

        assert start(sandbox, path, count, overwrite=overwrite).wait() == 0

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
    assert struck >= KILLS // 4, "kills struck in the middle of batches"
    assert all(msgspec.json.decode(line) for line in path.read_bytes().splitlines())

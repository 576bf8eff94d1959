"""Texts whose sending is killed at any moment, under faults, and resumed: nobody gets two.

The full size takes five to ten minutes:

    HEYMARKET_KILLS=200 python -m pytest tests/bulk/sending/test_kill.py
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.importing.imports import outcomes_of, phone
from tests.bulk.sending.sends import SEND, path_in

pytestmark = pytest.mark.unmeasured

KILLS = int(os.environ.get("HEYMARKET_KILLS", "3"))
"""In each of the two tests."""
FEWEST_ROWS, ROWS_A_KILL = 60, 5
FAULTS = ("429", "500", "502", "503", "504", "408", "cut", "reset", "reset_after", "html500")


def start(sandbox: Sandbox, outcomes: Path, count: int) -> subprocess.Popen:
    arguments = [sandbox.url, *sandbox.credentials, outcomes, count]
    command = [sys.executable, "-m", "tests.bulk.sending.killed_send", *map(str, arguments)]
    return subprocess.Popen(command)


def kill_after(sends: int, sandbox: Sandbox, process: subprocess.Popen, delay_s: float) -> bool:
    """Kill a process once it has sent so many requests; return whether it still ran."""
    route = SEND.split()[1]
    while process.poll() is None:
        if sum(each.path == route for each in list(sandbox.requests)) >= sends:
            time.sleep(delay_s)
            break
        time.sleep(0.0005)
    process.kill()
    return process.wait() != 0


def are_open(path: Path) -> int:
    """How many rows were begun, and not finished."""
    whole = path.read_bytes().rpartition(b"\n")[0]
    path.with_name("copy").write_bytes(whole)
    lines = outcomes_of(path.with_name("copy")).values()
    return sum(line["outcome"] == "unknown" for line in lines)


@pytest.mark.parametrize("dedupes", ["none", "all"])
async def test_a_killed_job_leaves_one_text_for_each_row_when_it_is_resumed(dedupes, tmp_path):
    rng = random.Random(KILLS)
    count, path = max(FEWEST_ROWS, KILLS * ROWS_A_KILL), path_in(tmp_path)
    killed = open_rows = 0
    with Sandbox(limit=None, readings=Readings(local_id_dedupes=dedupes)) as sandbox:
        sandbox.faults.random(0.25, kinds=FAULTS, seed=KILLS, retry_after="0.01")
        for _ in range(KILLS):
            sandbox.requests.clear()
            process = start(sandbox, path, count)
            killed += kill_after(rng.randint(1, 5), sandbox, process, rng.uniform(0, 0.004))
            open_rows += are_open(path)

        assert start(sandbox, path, count).wait() == 0

        received = sorted(each.phone for each in sandbox.outbox)
    assert received == sorted(map(phone, range(count)))
    outcomes = {row: line["outcome"] for row, line in outcomes_of(path).items()}
    assert outcomes == dict.fromkeys(range(1, count + 1), "sent")
    assert killed > KILLS * 0.9
    assert open_rows > killed, "kills struck while rows were being sent"

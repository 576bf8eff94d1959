"""Exports and syncs that are killed at any moment, under faults, and begun again until they end."""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import openpyxl
import pyarrow.parquet
import pytest

from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.accounts import create, edit_one

pytestmark = pytest.mark.unmeasured

KILLS = int(os.environ.get("HEYMARKET_KILLS", "5"))
"""For each kind of file; for a long run, set it to 70."""
FAULTS = ("429", "500", "502", "503", "504", "408", "cut", "reset", "reset_after", "html500")
DATABASES = {".db", ".sync-v1", ".sync-v2"}
"""SQLite does not tell when it changes a file."""
KINDS = ["jsonl", "jsonl.gz", "csv", "parquet", "xlsx", "db", "sync-v1", "sync-v2"]


def start(sandbox: Sandbox, kind: str, path: Path, *, kill_at: int, concurrency: int):
    environment = {
        **os.environ,
        "HEYMARKET_BASE_URL": sandbox.url,
        "HEYMARKET_SECRET_ID": sandbox.credentials.secret_id,
        "HEYMARKET_SECRET_KEY": sandbox.credentials.secret_key,
    }
    arguments = [kind, str(path), str(kill_at), str(concurrency)]
    command = [sys.executable, "-W", "error", "-m", "tests.bulk.killed_job", *arguments]
    return subprocess.Popen(command, env=environment)


def kill_once(sandbox: Sandbox, kind: str, path: Path, chance: random.Random) -> bool:
    """Start the job and kill it: at a change to a file, or some time after some request."""
    by_file = chance.random() < 0.5 and path.suffix not in DATABASES
    kill_at = chance.choice([chance.randint(1, 12), chance.randint(1, 120)]) if by_file else 0
    began = len(sandbox.requests)
    after, delay_s = chance.randint(1, 25), chance.uniform(0, 0.02)
    process = start(sandbox, kind, path, kill_at=kill_at, concurrency=chance.choice([1, 3]))
    if not by_file:
        while process.poll() is None and len(sandbox.requests) < began + after:
            time.sleep(0.0005)
        time.sleep(delay_s)
        process.kill()
    return process.wait() < 0


def contents(kind: str, path: Path) -> list:
    if kind == "jsonl":
        return sorted(path.read_bytes().splitlines())
    if kind == "jsonl.gz":
        return sorted(gzip.decompress(path.read_bytes()).splitlines())
    if kind == "csv":
        with path.open(newline="") as file:
            return sorted((int(row["id"]), int(row["rev"])) for row in csv.DictReader(file))
    if kind == "xlsx":
        first, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
        places = first.index("id"), first.index("rev")
        return sorted(tuple(int(row[place]) for place in places) for row in rows)
    if kind == "parquet":
        rows = pyarrow.parquet.read_table(path, columns=["id", "rev"]).to_pylist()
        return sorted((row["id"], row["rev"]) for row in rows)
    database = sqlite3.connect(path)
    try:
        return sorted(row.encode() for (row,) in database.execute("SELECT json FROM contacts"))
    finally:
        database.close()


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_killed_ends_whole_when_it_is_begun_again(kind, tmp_path):
    chance = random.Random(f"{kind} {KILLS}")
    path = tmp_path / f"contacts.{kind}"
    readings = Readings(newest_first=chance.random() < 0.5, inclusive=chance.random() < 0.5)
    killed = 0
    with Sandbox(contacts=1200, ties=20, seed=KILLS, readings=readings, limit=None) as sandbox:
        for number in range(KILLS):
            sandbox.faults.clear()
            sandbox.faults.random(0.05, kinds=FAULTS, seed=number)
            killed += kill_once(sandbox, kind, path, chance)
            # Nobody is asking now.
            for _ in range(chance.choice([0, 3, 200])):
                edit_one(sandbox, chance)
            create(sandbox, number)

        assert start(sandbox, kind, path, kill_at=0, concurrency=2).wait() == 0

        lines = sorted(sandbox.store.lines())
    if kind in {"csv", "parquet", "xlsx"}:
        sent = [json.loads(line) for line in lines]
        assert contents(kind, path) == sorted((each["id"], each["rev"]) for each in sent)
    else:
        assert contents(kind, path) == lines
    assert killed >= KILLS // 2
    assert [each.name for each in tmp_path.iterdir()] == [path.name], "nothing else is left"

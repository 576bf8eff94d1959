"""Exports and syncs of contacts that are killed, under faults, and begun again until they end."""

from __future__ import annotations

import csv
import gzip
import json
import random
import sys
from pathlib import Path

import openpyxl
import pyarrow.parquet

from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk import killed_jobs
from tests.bulk.accounts import create, current, delete, edit_one, ids_of
from tests.bulk.killing import BUSY_S, FAULTS, Killer

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

KINDS = ["jsonl", "jsonl.gz", "jsonl.zst", "csv", "parquet", "xlsx", "db", "sync-v1", "sync-v2"]
"""The ending of a file of contacts, or a sync."""
STATEMENTS = {"db", "sync-v1", "sync-v2"}
"""Kinds whose changes are statements of SQLite, of which there are more than files."""


def kill(kind: str, folder: Path, *, seed: int, times: int) -> Killer:
    """Kill a job so many times, change the account in between, and check what it ends with."""
    chance = random.Random(f"{kind} {seed}")
    path = folder / f"contacts.{kind}"
    # Without an order, or without pages, two groups have to fit on a page, or the walk refuses.
    count, ties, order = chance.choice(
        [(1200, 10, "shuffled"), (1200, 70, "stable"), (400, 1, "stable")]
    )
    page_bases = [1, 0, 1] if ties > killed_jobs.PAGE_SIZE else [None, 0, 1]
    readings = Readings(
        newest_first=chance.random() < 0.5,
        inclusive=chance.random() < 0.5,
        page_base=chance.choice(page_bases),
        ties=order,
        precision=chance.choice(["seconds", "nanoseconds"]),
        list_end=chance.choice(["[]", "null", "204"]),
    )
    with Sandbox(contacts=count, ties=ties, seed=seed, readings=readings, limit=None) as sandbox:
        killer = Killer(killed_jobs.contacts, sandbox, folder)
        for number in range(times):
            sandbox.faults.clear()
            sandbox.faults.random(
                0.05, kinds=FAULTS, seed=chance.getrandbits(32), retry_after=BUSY_S
            )
            concurrency = chance.choice([1, 3])
            changes = 3000 if kind in STATEMENTS else 120
            killer.at_some_moment(chance, kind, path, concurrency, changes=changes, requests=25)
            # Nobody is asking now.
            for _ in range(chance.choice([0, 3, 200])):
                edit_one(sandbox, chance)
            create(sandbox, number)
            if kind.startswith("sync"):
                for _ in range(chance.choice([0, 0, 1, 5])):
                    delete(sandbox, chance.choice(ids_of(sandbox)))

        killer.to_the_end(kind, path, 2)
        if kind.startswith("sync"):
            Killer(killed_jobs.deletions, sandbox, folder).to_the_end(kind, path)

        lines = sorted(sandbox.store.lines())
    if kind in {"csv", "parquet", "xlsx"}:
        sent = [json.loads(line) for line in lines]
        assert contents(kind, path) == sorted((each["id"], each["rev"]) for each in sent)
    else:
        assert contents(kind, path) == lines
    assert [each.name for each in folder.iterdir()] == [path.name], "nothing else is left"
    return killer


def contents(kind: str, path: Path) -> list:
    if kind == "jsonl":
        return sorted(path.read_bytes().splitlines())
    if kind == "jsonl.gz":
        return sorted(gzip.decompress(path.read_bytes()).splitlines())
    if kind == "jsonl.zst":
        return sorted(zstd.decompress(path.read_bytes()).splitlines())
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
    return current(path)

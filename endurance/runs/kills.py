"""SIGKILL at any moment, in each job of a whole account: the kills of the tests, from a seed."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from endurance.run import Figures, Run, small
from endurance.versions import versions
from tests.bulk import contact_kills, message_kills
from tests.bulk.importing import import_kills
from tests.bulk.killing import Killer
from tests.bulk.sending import send_kills

GOAL = 1_000
TIMES = 20
"""Starts of a job that are to be killed, before the last one, which comes to its end."""

MOMENTS = " The job is killed [at any moment](#killed)."
EXPORT = (
    "Contacts are added and edited between the starts. At the end, the file has each contact once,"
    " in its newest version."
)
TABLE = EXPORT + " Rows are compared by `id` and `rev`."
SYNC = EXPORT + " A last sync, which is not killed, marks deleted contacts."
ARCHIVE = (
    "The file has every message of the account once, also those that people send between two"
    " starts. Here, a status changes only before its message is read;"
    " [later changes](archive.md#a-later-run) are another matter."
)
IMPORT = (
    "Every phone has one contact, every row the right outcome, and people who opted out stay opted"
    " out. Every fourth kill comes while a batch is under way."
)
SEND = "Every person has exactly one text, and every row says so."


class Kill(Protocol):
    """Kills a job so many times, and checks what it ends with."""

    def __call__(self, folder: Path, *, seed: int, times: int) -> Killer[Any]:
        """Kill the job, whose files are in a folder."""
        ...


def work(kill: Kill, packages: tuple[str, ...], seed: int) -> Figures:
    """Kill one job again and again, and let it come to its end."""
    with TemporaryDirectory() as folder:
        killer = kill(Path(folder), seed=seed, times=2 if small() else TIMES)
    total = {"starts": killer.starts, "requests": killer.requests}
    if killer.open_rows:
        total["rows left begun and not finished"] = killer.open_rows
    seen = {"SQLite": sqlite3.sqlite_version, **versions(*packages)}
    return Figures(units=killer.kills, total=total, versions=seen)


def _run(name: str, title: str, holds: str, kill: Kill, *packages: str) -> Run:
    return Run(
        name=f"kills-{name}",
        title=f"Kills of {title}",
        unit="kills",
        goal=GOAL,
        holds=holds + MOMENTS,
        work=partial(work, kill, packages),
        seeds=10,
    )


_contacts, _messages = contact_kills.kill, message_kills.kill

RUNS = [
    _run("jsonl", "an export to JSON Lines", EXPORT, partial(_contacts, "jsonl")),
    _run("jsonl-gz", "an export to JSON Lines in gzip", EXPORT, partial(_contacts, "jsonl.gz")),
    _run(
        "jsonl-zst", "an export to JSON Lines in Zstandard", EXPORT, partial(_contacts, "jsonl.zst")
    ),
    _run("csv", "an export to CSV", TABLE, partial(_contacts, "csv")),
    _run("parquet", "an export to Parquet", TABLE, partial(_contacts, "parquet"), "pyarrow"),
    _run("xlsx", "an export to .xlsx", TABLE, partial(_contacts, "xlsx"), "xlsxwriter"),
    _run("db", "an export to SQLite", EXPORT, partial(_contacts, "db")),
    _run("sync-v1", "a sync over v1", SYNC, partial(_contacts, "sync-v1")),
    _run("sync-v2", "a sync over v2", SYNC, partial(_contacts, "sync-v2")),
    _run("import", "an import", IMPORT, partial(import_kills.kill, overwrite=False)),
    _run(
        "import-overwrite",
        "an import that overwrites",
        IMPORT,
        partial(import_kills.kill, overwrite=True),
    ),
    _run(
        "send",
        "a job that sends texts, without deduplication by the server",
        SEND,
        partial(send_kills.kill, dedupes="none"),
    ),
    _run(
        "send-dedupes",
        "a job that sends texts, with deduplication by the server",
        SEND,
        partial(send_kills.kill, dedupes="all"),
    ),
    _run("messages-jsonl", "an archive in JSON Lines", ARCHIVE, partial(_messages, "jsonl")),
    _run("messages-db", "an archive in SQLite", ARCHIVE, partial(_messages, "db")),
]

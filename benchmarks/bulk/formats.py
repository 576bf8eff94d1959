"""(e) CPU of an export to each format, compared with the script that a user would write."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from benchmarks.bulk import tables
from benchmarks.bulk.account import Account, account
from benchmarks.bulk.child import Spent, run
from benchmarks.bulk.cpu import NO_LIMIT, SIZE

SCRIPTS = {
    "JsonLines": "script.export",
    "Sqlite": "script.export_sqlite",
    "Parquet": "script.export_parquet",
    "Csv": "script.export_csv",
}


def measure(*, small: bool) -> None:
    contacts, rounds = (500, 1) if small else (20_000, 7)
    runs: dict[tuple[str, str], tables.Run] = {}
    with account(contacts) as server, tempfile.TemporaryDirectory() as folder:
        for sink, script in SCRIPTS.items():
            path = Path(folder) / sink
            ours = {"sink": sink, "concurrency": 1, **NO_LIMIT}
            runs[sink, "by hand"] = functools.partial(_export, server, path, script)
            runs[sink, "ours"] = functools.partial(_export, server, path, "jobs.export", **ours)
        taken = tables.interleaved(runs, rounds)
    tables.title(f"(e) CPU of exporting {contacts:,} contacts, {SIZE} a page, {rounds} rounds")
    tables.line("median (min-max)", "CPU s, by hand", "CPU s, ours", "ratio to by hand")
    for sink in SCRIPTS:
        by_hand, ours_cpu = (
            [each.cpu_s for each in taken[sink, way]] for way in ("by hand", "ours")
        )
        tables.line(
            sink,
            tables.spread(by_hand),
            tables.spread(ours_cpu),
            tables.ratios(ours_cpu, by_hand),
        )


def _export(server: Account, path: Path, job: str, **more: object) -> Spent:
    path.unlink(missing_ok=True)
    return run(job, url=server.url, key=server.key, path=str(path), size=SIZE, **more)

"""(a) CPU of an export to JSON Lines, compared with the script that a user would write."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import msgspec

from benchmarks.bulk import tables
from benchmarks.bulk.account import Account, account
from benchmarks.bulk.child import Spent, run

SIZE = 100
NO_LIMIT = {"limit": 100_000, "per_s": 1.0}
"""So high that nothing waits, but the pacing still does all its work."""


def measure(*, small: bool) -> None:
    contacts, rounds = (5_000, 1) if small else (200_000, 7)
    with account(contacts) as server, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "contacts.jsonl"
        script = functools.partial(_export, server, path, contacts, "script.export")
        ours = functools.partial(_export, server, path, contacts, "jobs.export", **NO_LIMIT)
        script()
        dates = _dates(path)
        floor = functools.partial(
            run, "script.exchange_only", url=server.url, key=server.key, dates=str(dates), size=SIZE
        )
        runs = {
            "aiohttp + json, by hand": script,
            "export_contacts": functools.partial(ours, concurrency=1),
            "export_contacts, concurrency=4": functools.partial(ours, concurrency=4),
            "aiohttp alone, answers dropped": floor,
        }
        taken = tables.interleaved(runs, rounds)
    tables.title(f"(a) CPU of exporting {contacts:,} contacts, {SIZE} a page, {rounds} rounds")
    tables.line("median (min-max)", "CPU s, job", "ratio to by hand", "CPU s, process", "wall s")
    by_hand = [each.cpu_s for each in taken["aiohttp + json, by hand"]]
    for name, spent in taken.items():
        cpu = [each.cpu_s for each in spent]
        process = tables.spread([each.process_cpu_s for each in spent])
        wall = tables.spread([each.wall_s for each in spent])
        tables.line(name, tables.spread(cpu), tables.ratios(cpu, by_hand, 3), process, wall)


def _export(server: Account, path: Path, contacts: int, job: str, **more: object) -> Spent:
    path.unlink(missing_ok=True)
    spent = run(job, url=server.url, key=server.key, path=str(path), size=SIZE, **more)
    with path.open("rb") as file:
        assert sum(1 for _ in file) == contacts
    return spent


def _dates(path: Path) -> Path:
    """Write down the `updated` of the last contact on each page."""
    lines = path.read_bytes().splitlines()[SIZE - 1 :: SIZE]
    dates = path.with_name("dates")
    dates.write_text("\n".join(msgspec.json.decode(line)["updated"] for line in lines))
    return dates

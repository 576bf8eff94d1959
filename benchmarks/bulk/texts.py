"""(f) Texts: CPU and requests of `send_messages`, compared with a loop of bare aiohttp posts."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from benchmarks.bulk import tables
from benchmarks.bulk.account import Account, account
from benchmarks.bulk.child import Spent, run
from benchmarks.bulk.cpu import NO_LIMIT

AT_ONCE = 4


def measure(*, small: bool) -> None:
    rows, rounds = (500, 1) if small else (10_000, 5)
    with account(0) as server, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outcomes.jsonl"
        ours = functools.partial(_send, server, rows, path)
        bare = "bare aiohttp posts"
        runs = {
            bare: functools.partial(
                run, "script.send_all", url=server.url, key=server.key, rows=rows, at_once=AT_ONCE
            ),
            "send_messages": functools.partial(ours, has_outcomes=False),
            "send_messages, outcome file": functools.partial(ours, has_outcomes=True),
        }
        taken = tables.interleaved(runs, rounds)
    tables.title(f"(f) {rows:,} texts, {AT_ONCE} at once, {rounds} rounds")
    tables.line("median (min-max)", "requests a row", "CPU s, job", "ratio to bare", "wall s")
    base = [each.cpu_s for each in taken[bare]]
    for name, spent in taken.items():
        cpu = [each.cpu_s for each in spent]
        requests = f"{spent[0].result / rows:.3f}"
        wall = tables.spread([each.wall_s for each in spent])
        tables.line(name, requests, tables.spread(cpu), tables.ratios(cpu, base), wall)


def _send(server: Account, rows: int, path: Path, *, has_outcomes: bool) -> Spent:
    path.unlink(missing_ok=True)
    outcomes = str(path) if has_outcomes else None
    arguments = {"rows": rows, "at_once": AT_ONCE, "outcomes": outcomes, **NO_LIMIT}
    return run("jobs.send", url=server.url, key=server.key, **arguments)

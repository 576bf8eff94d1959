"""(d) Requests of an import, compared with one `create` for each row."""

from __future__ import annotations

import time

from benchmarks.bulk import tables
from benchmarks.bulk.account import Account, account
from benchmarks.bulk.child import Spent, run

LIMIT = 500

BATCH_SIZES = (100, 200)


def measure(*, small: bool) -> None:
    # The minute is a tenth of the real one; these results do not depend on its length.
    rows, per_s = (1_000, 0.5) if small else (50_000, 6.0)
    tables.title(
        f"(d) Import of {rows:,} contacts, {LIMIT} requests in {per_s:g} s;"
        " the requests are counted by the server, but for the first line, which counts its own"
    )
    tables.line("", "requests", "times fewer", "minutes at 500 each", "wall s", "CPU s")
    with account(0) as server:  # without a limit, or this would take ten minutes
        spent = run("script.create_all", url=server.url, key=server.key, rows=rows, at_once=8)
    _show("aiohttp, a create each, no limit", rows, spent.result, spent)
    for size in BATCH_SIZES:
        with account(0, limit=LIMIT, per_s=per_s) as server:
            name = f"import_contacts, batch_size={size}"
            _import(server, name, rows, size, per_s)
            time.sleep(per_s)  # else these requests would count beside the next ones
            _import(server, "  the same rows again", rows, size, per_s)


def _import(server: Account, name: str, rows: int, size: int, per_s: float) -> None:
    spent = run(
        "jobs.import_",
        url=server.url,
        key=server.key,
        rows=rows,
        batch_size=size,
        limit=LIMIT,
        per_s=per_s,
    )
    sent = server.requests()
    assert sent == spent.result["requests"], spent.result
    _show(name, rows, sent, spent)


def _show(name: str, rows: int, sent: int, spent: Spent) -> None:
    minutes = f"{sent / 500:,.1f}"
    cells = f"{sent:,}", f"{rows / sent:,.1f}", minutes, f"{spent.wall_s:.1f}", f"{spent.cpu_s:.1f}"
    tables.line(name, *cells)

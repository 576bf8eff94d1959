"""(b) Peak memory of an export, for accounts of several sizes."""

from __future__ import annotations

import functools
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.bulk import tables
from benchmarks.bulk.account import account
from benchmarks.bulk.child import run
from benchmarks.bulk.cpu import NO_LIMIT, SIZE

CONCURRENCY = (1, 8)


def measure(*, small: bool) -> None:
    sizes, rounds = ((1_000, 5_000), 1) if small else ((10_000, 100_000, 1_000_000), 3)
    with ExitStack() as stack:
        path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "contacts.jsonl"
        accounts = {size: stack.enter_context(account(size)) for size in sizes}
        runs = {
            (size, concurrency): functools.partial(
                run,
                "jobs.export",
                url=at.url,
                key=at.key,
                path=str(path),
                size=SIZE,
                concurrency=concurrency,
                **NO_LIMIT,
            )
            for size, at in accounts.items()
            for concurrency in CONCURRENCY
        }
        taken = tables.interleaved(runs, rounds)
    tables.title(f"(b) The most memory (ru_maxrss) of an export, {rounds} rounds")
    tables.line("contacts", "MB", f"more than {sizes[0]:,}", "wall s")
    peaks = {of: [each.peak_mb for each in spent] for of, spent in taken.items()}
    for (size, concurrency), spent in taken.items():
        peak, least = peaks[size, concurrency], peaks[sizes[0], concurrency]
        more = [most - first for most, first in zip(peak, least, strict=True)]
        wall = tables.spread([each.wall_s for each in spent], 1)
        name = f"{size:,}, concurrency={concurrency}"
        tables.line(name, tables.spread(peak, 1), tables.spread(more, 1), wall)

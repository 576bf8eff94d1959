"""(g) Instructions of an export of messages to JSON Lines, compared with the usual script."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from benchmarks import callgrind
from benchmarks.bulk import tables
from benchmarks.bulk.account import Account, account
from benchmarks.bulk.cpu import NO_LIMIT, SIZE


def measure(*, small: bool) -> None:
    messages = 500 if small else 10_000
    with (
        account(1_000, messages=messages) as server,
        tempfile.TemporaryDirectory() as folder,
        callgrind.counter() as counter,
    ):
        path = Path(folder) / "messages.jsonl"
        script = _count(counter, server, path, "script.export_messages")
        assert len(path.read_bytes().splitlines()) == messages
        ours = _count(counter, server, path, "jobs.export_of_messages", **NO_LIMIT)
        assert len(path.read_bytes().splitlines()) == messages
    tables.title(f"(g) Instructions of exporting {messages:,} messages, {SIZE} a page")
    tables.line("", "a message", "ratio to by hand")
    for name, count in (("aiohttp + json, by hand", script), ("export_messages", ours)):
        tables.line(name, f"{count / messages:,.0f}", f"{count / script:.3f}")


def _count(
    counter: callgrind.Counter, server: Account, path: Path, job: str, **more: object
) -> int:
    asked = {"url": server.url, "key": server.key, "path": str(path), "size": SIZE, **more}
    count, _ = counter.count(["-m", "benchmarks.bulk.counted", job, json.dumps(asked)])
    return count

"""The process that is killed: exports or syncs an account, and goes on where it was.

KIND is the ending of a file of contacts, a sync, or "messages." and the ending of their file.

    python -m tests.bulk.killed_job KIND PATH KILL_AT CONCURRENCY

KILL_AT is the number of the change to a file at which the process ends itself at once, or 0.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from heymarket_async import HeymarketClient, RateLimit, RetryPolicy
from heymarket_async.bulk import (
    Csv,
    JsonLines,
    Parquet,
    Sqlite,
    Xlsx,
    export_contacts,
    export_messages,
    sync_contacts,
)
from heymarket_async.bulk.read import collect

SINKS = {
    "jsonl": JsonLines,
    "jsonl.gz": JsonLines,
    "csv": Csv,
    "parquet": Parquet,
    "db": Sqlite,
    "xlsx": Xlsx,
}
CHANGES = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"}


def end_at(number: int, folder: str) -> None:
    count = 0

    def look(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event in CHANGES and arguments and str(arguments[0]).startswith(folder):
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)


async def main(kind: str, path: Path, concurrency: int) -> None:
    # So that there is more to be torn apart.
    collect._WRITTEN_EVERY_S = 0.05
    retry = RetryPolicy(attempts=15, base_s=0.0005, cap_s=0.005)
    async with HeymarketClient.from_env(
        retry=retry, rate_limit=RateLimit(100_000, per_s=0.05)
    ) as client:
        if kind.startswith("sync"):
            report = await sync_contacts(
                client, path, surface=kind[-2:], page_size=30, concurrency=concurrency
            )
            assert not report.doubts, report
        elif kind.startswith("messages."):
            sink = SINKS[kind.removeprefix("messages.")](path)
            report = await export_messages(client, sink, page_size=30, concurrency=concurrency)
            assert report.is_proved, report
        else:
            sink = SINKS[kind](path)
            report = await export_contacts(client, sink, page_size=30, concurrency=concurrency)
            assert report.is_proved, report


if __name__ == "__main__":
    kind, path, kill_at, concurrency = sys.argv[1:]
    if kill_at != "0":
        end_at(int(kill_at), str(Path(path).parent))
    asyncio.run(main(kind, Path(path), int(concurrency)))

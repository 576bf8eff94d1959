"""The process of one export: `python -m endurance.exporting URL CONTACTS FILE`.

It imports only what an export needs, so that its peak of memory is that of the export.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

import msgspec

from heymarket_async import ApiSecret, AttemptEvent, HeymarketClient, RateLimit
from heymarket_async.bulk import export_contacts


class Exported(msgspec.Struct):
    """An export that has ended.

    Attributes:
        contacts: Contacts in the file.
        doubts: Why it is not proved to be complete.
        requests: How often each call was made.
        peak_mb: The most memory that the process has had.
    """

    contacts: int
    doubts: list[str]
    requests: dict[str, int]
    peak_mb: float


async def export(url: str, contacts: int, file: Path) -> Exported:
    """Export an account of this many contacts into a file."""
    requests = Counter[str]()

    def note(event: AttemptEvent) -> None:
        requests[event.call] += 1

    client = HeymarketClient(
        ApiSecret("3c1b4a5e-0000-4000-8000-000000000000", "k" * 40),
        base_url=f"{url}/{contacts}",
        rate_limit=RateLimit(10**9),
        on_attempt=note,
    )
    async with client:
        report = await export_contacts(client, file)
    return Exported(report.contacts, report.doubts, requests, peak_mb())


def peak_mb() -> float:
    """Return the most memory that this process has held."""
    # Not ru_maxrss: Linux lets a process begin with that of the one that started it.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


if __name__ == "__main__":
    exported = asyncio.run(export(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
    print(msgspec.json.encode(exported).decode())

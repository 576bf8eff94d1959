"""The jobs that are killed: each goes on where it was.

It imports what they need, and nothing that starts a thread: processes are forked from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from heymarket_async import HeymarketClient, NewContact
from heymarket_async.bulk import (
    export_contacts,
    export_messages,
    import_contacts,
    send_messages,
    sync_contacts,
)
from heymarket_async.bulk.read import collect
from tests.bulk.importing.imports import new
from tests.bulk.sending.sends import row

PAGE_SIZE = 30
DUPLICATES, OPTED_OUT = {9, 13}, {11, 13}
"""Places in each 50 rows: of those with the phone of the row before, and that say opted out."""


async def contacts(client: HeymarketClient, kind: str, path: Path, concurrency: int) -> None:
    """Export or sync the contacts."""
    # So that there is more to be torn apart.
    collect._WRITTEN_EVERY_S = 0.05
    if kind.startswith("sync"):
        synced = await sync_contacts(
            client, path, surface=kind[-2:], page_size=PAGE_SIZE, concurrency=concurrency
        )
        # Of contacts that were deleted after they had been read, it only sees how many there are.
        assert all("may have been deleted" in doubt for doubt in synced.doubts), synced
    else:
        report = await export_contacts(client, path, page_size=PAGE_SIZE, concurrency=concurrency)
        assert report.is_proved, report


async def deletions(client: HeymarketClient, kind: str, path: Path) -> None:
    """Sync the contacts, and find those that were deleted."""
    report = await sync_contacts(client, path, surface=kind[-2:], detect_deletions=True)
    assert not report.doubts, report


async def messages(client: HeymarketClient, path: Path, concurrency: int) -> None:
    """Export the messages."""
    collect._WRITTEN_EVERY_S = 0.05
    report = await export_messages(client, path, page_size=PAGE_SIZE, concurrency=concurrency)
    assert report.is_proved, report


async def importing(client: HeymarketClient, outcomes: Path, count: int, overwrite: bool) -> None:
    """Import the rows."""
    await import_contacts(
        client,
        rows_of(count),
        overwrite=overwrite,
        batch_size=10,
        outcomes=outcomes,
        resume=True,
    )


def rows_of(count: int) -> Iterator[NewContact | dict[str, Any]]:
    """Every 50th row is no contact, and others are duplicates or say opted out, or both."""
    for n in range(count):
        if n % 50 == 7:
            yield {"phone": "none"}
        elif n % 50 in OPTED_OUT:
            yield new(n - 1 if n % 50 in DUPLICATES else n, is_opted_out=True)
        else:
            yield new(n - 1 if n % 50 in DUPLICATES else n)


async def sending(client: HeymarketClient, outcomes: Path, count: int) -> None:
    """Send the texts."""
    await send_messages(
        client,
        map(row, range(count)),
        text="Hi {first}",
        inbox_id=301,
        creator_id=4201,
        wait_s=0.05,
        outcomes=outcomes,
        resume=True,
    )

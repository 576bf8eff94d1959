"""Whether what was read is all there is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from heymarket_async.bulk.read.catch_up import catch_up
from heymarket_async.bulk.read.checkpoint import Checkpoint
from heymarket_async.bulk.read.collect import Collector
from heymarket_async.bulk.read.options import Reading
from heymarket_async.client import HeymarketClient
from heymarket_async.errors import ClientStateError, HeymarketError

_MOST_COUNTS = 3

_RESTLESS = (
    "the account changes faster than it can be read, so contacts or edits of them may be missing"
)


async def count_of(client: HeymarketClient, at: Checkpoint) -> int | None:
    """Count what a walk would have to bring, or return None if that cannot be told."""
    if at.date is not None and at.surface == "v1":
        return None  # contacts after the date are counted, and those before it may be listed
    try:
        return await client.contacts.count(date=at.date)
    except ClientStateError:
        raise
    except HeymarketError:
        return None  # refused, hung or cut: what was read is there all the same


async def prove(
    client: HeymarketClient,
    collector: Collector,
    reading: Reading,
    have: Callable[[], Awaitable[int]],
) -> tuple[int | None, list[str]]:
    """Catch up on what changed, and count; return the count, and what is in doubt.

    If more are counted than we `have`, somebody may have made one between the two, so both are
    repeated.
    """
    left = _MOST_COUNTS
    while True:
        is_quiet = await catch_up(client, collector, reading)
        counted, read = await count_of(client, collector.at), await have()
        left -= 1
        if not left or not is_quiet or counted is None or counted <= read:
            return counted, _doubts(read, counted, is_quiet=is_quiet)


def wrote_other(made: int, read: int) -> str:
    """Return the doubt of a file that does not have as many contacts as were read."""
    return (
        f"the file has {made:,} contacts, and {read:,} were read: another program may have changed"
        " it; start again with a new file"
    )


def _doubts(read: int, counted: int | None, *, is_quiet: bool) -> list[str]:
    doubts = [] if is_quiet else [_RESTLESS]
    if counted is None:
        doubts.append("the account does not tell how many contacts there should be")
    elif counted > read:
        doubts.append(f"the account counts {counted:,}, {counted - read:,} more than were read")
    elif counted < read:
        doubts.append(
            f"the account counts {counted:,}, {read - counted:,} fewer than were read: so many may"
            " have been deleted since"
        )
    return doubts

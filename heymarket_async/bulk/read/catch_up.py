"""Reads the changes since an account was read, until there are no more; then compares the count."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from heymarket_async import timestamps
from heymarket_async.bulk.read.checkpoint import Checkpoint, latest_of
from heymarket_async.bulk.read.collect import Collector
from heymarket_async.bulk.read.id_set import IdSet
from heymarket_async.bulk.read.versions import UNPLACED, Batch, batch_of_page
from heymarket_async.bulk.read.walk import ReadOptions
from heymarket_async.client import HeymarketClient
from heymarket_async.errors import ClientStateError, HeymarketError
from heymarket_async.timestamps import earlier

MAX_CATCH_UPS = 20
"""Passes over the changes before the account counts as too busy."""

_MOST_COUNTS = 3

_MOST_STALE_PAGES = 100
"""Pages of a pass that may have only contacts that it has read before, in newer versions."""

_TOO_BUSY = (
    "the account changes faster than it can be read, so contacts or edits of them may be missing"
)


async def catch_up(
    client: HeymarketClient,
    collector: Collector,
    options: ReadOptions,
    stored: Callable[[], Awaitable[int]] | None,
) -> tuple[int | None, list[str]]:
    """Read the changes, and count; return the account's count, and the doubts.

    If the account counts more than are stored, a contact may have been created between the last
    pass and the count. So both are repeated.

    Args:
        client: The account.
        collector: Takes the contacts.
        options: The options of the job.
        stored: Counts the contacts in the result; None counts those that were taken.
    """
    left = _MOST_COUNTS
    while True:
        left -= 1
        is_quiet = await _passes(client, collector, options)
        counted = await count_contacts(client, collector.checkpoint)
        have = await stored() if stored else len(collector.seen.ids)
        if not left or not is_quiet or counted is None or counted <= have:
            return counted, ([] if is_quiet else [_TOO_BUSY]) + _count_doubts(have, counted)


async def count_contacts(client: HeymarketClient, checkpoint: Checkpoint) -> int | None:
    """Return how many contacts the account counts for a job, or None if it does not say so."""
    if checkpoint.date is not None and checkpoint.surface == "v1":
        return None  # it counts those after the date, and v1 may list those before it
    try:
        return await client.contacts.count(date=checkpoint.date)
    except ClientStateError:
        raise
    except HeymarketError:
        return None  # without a count, the contacts that were read are still there


def other_writer(stored: int, read: int) -> str:
    """Return the doubt about a file that has another number of contacts than were read."""
    return (
        f"the file has {stored:,} contacts, and {read:,} were read: another program may have"
        " changed it; start again with a new file"
    )


def _count_doubts(read: int, counted: int | None) -> list[str]:
    if counted is None:
        return ["the account does not say how many contacts there should be"]
    if counted > read:
        return [f"the account counts {counted:,}, {counted - read:,} more than were read"]
    if counted < read:
        fewer = f"{read - counted:,} fewer than were read"
        return [f"the account counts {counted:,}, {fewer}; they may have been deleted meanwhile"]
    return []


async def _passes(client: HeymarketClient, collector: Collector, options: ReadOptions) -> bool:
    """Read the changes until a pass brings nothing new; return whether one did.

    A pass of a single answer has missed nothing either, as of that answer. So after many passes, it
    is enough if the last one was that short.
    """
    if collector.checkpoint.date is not None and not collector.checkpoint.ascending:
        return True  # a contact that is edited now has left the range that was asked for
    answers = 0
    for _ in range(MAX_CATCH_UPS):
        is_quiet, answers = await _pass(client, collector, options)
        await collector.write()
        if is_quiet:
            return True
    return answers == 1


async def _pass(
    client: HeymarketClient, collector: Collector, options: ReadOptions
) -> tuple[bool, int]:
    """Read the recent changes; return whether all was read and nothing was new, and the answers.

    Oldest first, a pass over an account that changes faster than it can be read would have no end.
    But then it reads the same contacts again; contacts that are stamped in the future come once.
    """
    checkpoint, since = collector.checkpoint, collector.since
    began, latest = collector.clock(), ""
    found = answers = no_contacts = stale = 0
    read = IdSet()
    async for page in options.walk(client, date=_date(checkpoint, since)).pages():
        stamps = page.rows.stamps
        checkpoint.learn_direction(stamps)
        batch = batch_of_page(page)
        new = _new(batch, collector)
        collector.take(new)
        await collector.write_if_due()
        checkpoint.overlap += len(batch.items) - len(new.items)
        no_contacts += len(page) - len(batch.items)
        found += len(new.items)
        answers += 1
        latest = max(latest, latest_of(stamps, until=began) or "")
        if checkpoint.ascending and stamps[-1] > began:
            stale += len(read.add_all(page.rows.ids)) == len(page)
        is_read = checkpoint.ascending is False and stamps[-1] < since and not page.is_amid_group
        if is_read or stale > _MOST_STALE_PAGES:
            break
    checkpoint.odd.no_contacts = max(checkpoint.odd.no_contacts, no_contacts)
    # Not earlier: an interrupted pass that began with the newest has not read the rest.
    checkpoint.reach(latest)
    return not found and stale <= _MOST_STALE_PAGES, answers


def _new(batch: Batch, collector: Collector) -> Batch:
    """Return the contacts that were not taken in this version."""
    since, after, knows = collector.since, collector.checkpoint.after or "", collector.seen.knows
    return batch.only(
        [
            place
            for place, stamp in enumerate(batch.rows.stamps)
            if ((stamp >= since and stamp > after) or stamp == UNPLACED)
            and not knows(batch.rows.ids[place], batch.version(place))
        ]
    )


def _date(checkpoint: Checkpoint, since: str) -> str | None:
    if not checkpoint.ascending:
        return checkpoint.date
    # It is not documented whether contacts at `date` are listed, so ask from the second before.
    dates = [date for date in (since and earlier(since, 1.0), checkpoint.date) if date]
    return max(dates, key=timestamps.instant, default=None)

"""Reads the changes since an account was read, until there are no more; then compares the count."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from heymarket_async import timestamps
from heymarket_async.bulk.kind import Kind
from heymarket_async.bulk.read.checkpoint import Checkpoint, latest_of
from heymarket_async.bulk.read.collect import Collector
from heymarket_async.bulk.read.id_set import IdSet
from heymarket_async.bulk.read.source import Source
from heymarket_async.bulk.read.walk import ReadOptions
from heymarket_async.client import HeymarketClient
from heymarket_async.errors import ClientStateError, HeymarketError
from heymarket_async.timestamps import earlier
from heymarket_async.walk.walk import Page

MAX_CATCH_UPS = 20
"""Passes over the changes before the account counts as too busy."""

_MOST_COUNTS = 3

_MOST_STALE_PAGES = 100
"""Pages of a pass that may have only records that it has read before, in newer versions."""

_TOO_BUSY = (
    "the account changes faster than it can be read, so {records} or edits of them may be missing"
)


async def catch_up(
    client: HeymarketClient,
    collector: Collector,
    options: ReadOptions,
    stored: Callable[[], Awaitable[int]] | None,
    newest: Page[msgspec.Raw] | None = None,
) -> tuple[int | None, list[str]]:
    """Read the changes, and count; return the account's count, and the doubts.

    If the account counts more than are stored, a record may have been created between the last
    pass and the count, or shown up where the account had settled. So both are repeated, from the
    margin on.

    Args:
        client: The account.
        collector: Takes the records.
        options: The options of the job.
        stored: Counts the records in the result; None counts those that were taken.
        newest: The newest records, if they were read just now.
    """
    left, checkpoint = _MOST_COUNTS, collector.checkpoint
    checkpoint.settled.distrust(collector.clock())
    if checkpoint.spans:
        collector.settle()
    source, sizes = options.source, options.source.page_sizes(client)
    # The newest records may have been asked for before the size that an earlier run has found.
    sizes.best = max(sizes.best, checkpoint.page_size or 0)
    while True:
        left -= 1
        is_quiet = await _passes(client, collector, options, newest)
        if checkpoint.page_size is not None:
            checkpoint.page_size = sizes.best
        counted = await count_records(client, source, checkpoint)
        have = await stored() if stored else len(collector.seen.ids)
        if not left or not is_quiet or counted is None or counted <= have:
            busy = [] if is_quiet else [_TOO_BUSY.format(records=source.kind.plural)]
            if source.count is None:  # there is no count: that the list has ended is the proof
                return None, busy
            than = "the file has" if stored else "were read"
            return counted, busy + _count_doubts(source.kind, have, counted, than)
        newest = None
        checkpoint.settled.before = ""


async def count_records(
    client: HeymarketClient, source: Source, checkpoint: Checkpoint
) -> int | None:
    """Return how many records the account counts for a job, or None if it does not say so."""
    if source.count is None:
        return None
    try:
        return await source.count(client, checkpoint.date)
    except ClientStateError:
        raise
    except HeymarketError:
        return None  # without a count, the records that were read are still there


def other_writer(kind: Kind, stored: int, read: int) -> str:
    """Return the doubt about a file that has another number of records than were read."""
    return (
        f"the file has {stored:,} {kind.plural}, and {read:,} were read: another program may have"
        " changed it; start again with a new file"
    )


def _count_doubts(kind: Kind, have: int, counted: int | None, than: str) -> list[str]:
    if counted is None:
        return [f"the account does not say how many {kind.plural} there should be"]
    if counted > have:
        return [f"the account counts {counted:,}, {counted - have:,} more than {than}"]
    if counted < have:
        fewer = f"{have - counted:,} fewer than {than}"
        return [f"the account counts {counted:,}, {fewer}; they may have been deleted meanwhile"]
    return []


async def _passes(
    client: HeymarketClient,
    collector: Collector,
    options: ReadOptions,
    newest: Page[msgspec.Raw] | None,
) -> bool:
    """Read the changes until a pass misses nothing; return whether one did.

    A pass that brings nothing new has missed nothing. Neither has a pass of a single answer, as of
    that answer. Oldest first, a second answer has to prove the end, and time passes between the
    two. So there, it is enough only after many passes.
    """
    if collector.checkpoint.date is not None and not collector.checkpoint.ascending:
        return True  # a record that is edited now has left the range that was asked for
    caught_up_from, collector.caught_up_from = collector.caught_up_from, ""  # only now it is true
    if "" < caught_up_from < collector.since and collector.is_at_rest:
        return True
    answers = 0
    for _ in range(MAX_CATCH_UPS):
        one = _Pass(client, collector, options)
        is_whole = await one.read(newest)
        newest, answers = None, one.answers
        await collector.write()
        if is_whole and (one.found == 0 or one.is_one_answer):
            return True
    return answers == 1


class _Pass:
    """A pass over the recent changes.

    Attributes:
        found: How many records were new.
        answers: How many pages were read.
        is_one_answer: All of them came in a single answer.
    """

    def __init__(self, client: HeymarketClient, collector: Collector, options: ReadOptions) -> None:
        self.found = 0
        self.answers = 0
        self.is_one_answer = False
        self._client = client
        self._collector = collector
        self._checkpoint = collector.checkpoint
        self._options = options
        self._no_records = 0
        self._latest = ""
        self._began = collector.clock()

    async def read(self, newest: Page[msgspec.Raw] | None) -> bool:
        """Read the changes, and return whether all of them were read.

        If the list is oldest first, its newest page comes first: if that reaches back far enough,
        it is all of them.
        """
        checkpoint, collector = self._checkpoint, self._collector
        if newest is None and self._options.source.newest is not None:
            newest = await self._options.newest(self._client)
        if newest is not None and self._has_all(newest):
            self._take(newest)
            checkpoint.settled.read_at = self._began
            self.is_one_answer = is_whole = True
        elif is_whole := await self._walk():
            checkpoint.settled.read_at = self._began
            collector.settle()
        checkpoint.odd.no_records = max(checkpoint.odd.no_records, self._no_records)
        # Not earlier: an interrupted pass that began with the newest has not read the rest.
        checkpoint.reach(self._latest)
        return is_whole

    async def _walk(self) -> bool:
        """Walk over the changes, and return whether all of them were read.

        Oldest first, a pass over an account that changes faster than it can be read would have no
        end. But then it reads the same records again; records that are stamped in the future come
        once.
        """
        checkpoint, collector, since = self._checkpoint, self._collector, self._collector.since
        stale, read = 0, IdSet()
        async for page in self._options.walk(self._client, date=_date(checkpoint, since)).pages():
            last = page.rows.stamps[-1]
            checkpoint.learn_direction(page.rows.stamps)
            self._take(page)
            await collector.write_if_due()
            if checkpoint.ascending and last > self._began:
                stale += len(read.add_all(page.rows.ids)) == len(page)
            if checkpoint.ascending is False and last < since and (page.amid or "") < since:
                self.is_one_answer = self.answers == 1
                break
            if stale > _MOST_STALE_PAGES:
                return False
        return True

    def _take(self, page: Page[msgspec.Raw]) -> None:
        checkpoint, source = self._checkpoint, self._options.source
        batch = source.batch(page)
        chosen = source.chosen(batch)
        new = self._collector.new(chosen)
        checkpoint.settled.compare(
            new.rows.stamps, self._collector.clock(), self._collector.settle_s
        )
        self._collector.take(new)
        checkpoint.overlap += len(chosen.items) - len(new.items)
        if len(batch.items) < len(page):
            records, margin = set(batch.rows.ids), self._collector.margin
            places = zip(page.rows.ids, page.rows.stamps, strict=True)
            self._no_records += sum(
                stamp >= margin and each not in records for each, stamp in places
            )
        self.found += len(new.items)
        self.answers += 1
        self._latest = max(self._latest, latest_of(page.rows.stamps, until=self._began) or "")

    def _has_all(self, newest: Page[msgspec.Raw]) -> bool:
        """Return whether this page, newest first, has all records that a pass must read."""
        first, last = newest.rows.stamps[0], newest.rows.stamps[-1]
        # A page of one `updated` does not show its order.
        is_newest_first = first > last or (first == last and self._checkpoint.ascending is False)
        return is_newest_first and last < max(self._collector.since, self._checkpoint.after or "")


def _date(checkpoint: Checkpoint, since: str) -> str | None:
    if not checkpoint.ascending:
        return checkpoint.date
    # It is not documented whether records at `date` are listed, so ask from the second before.
    dates = [date for date in (since and earlier(since, 1.0), checkpoint.date) if date]
    return max(dates, key=timestamps.instant, default=None)

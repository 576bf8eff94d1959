"""Reads what changed while an account was read, until nothing has."""

from __future__ import annotations

from heymarket_async import timestamps
from heymarket_async.bulk.read.checkpoint import Checkpoint, latest_of
from heymarket_async.bulk.read.collect import Collector
from heymarket_async.bulk.read.id_set import IdSet
from heymarket_async.bulk.read.options import Reading
from heymarket_async.bulk.read.versions import UNPLACED, Batch, batch_of_page
from heymarket_async.bulk.read.windows import earlier
from heymarket_async.client import HeymarketClient

MOST_PASSES = 20
"""How often what changed is read before the account counts as too restless."""

_MOST_IN_VAIN = 100
"""Answers that may bring only contacts that the same pass has met, as they are edited meanwhile."""


async def catch_up(client: HeymarketClient, collector: Collector, reading: Reading) -> bool:
    """Read what changed since, until a pass brings nothing new; return whether one did.

    A pass that one answer covered has missed nothing either, as of that answer. So after many, it
    is enough if the last one was that short.
    """
    if collector.at.date is not None and not collector.at.ascending:
        return True  # what is edited now has left the range that was asked for
    answers = 0
    for _ in range(MOST_PASSES):
        is_quiet, answers = await _pass(client, collector, reading)
        await collector.write()
        if is_quiet:
            return True
    return answers == 1


async def _pass(
    client: HeymarketClient, collector: Collector, reading: Reading
) -> tuple[bool, int]:
    """Read what changed lately; return whether all was read and nothing was new, and the answers.

    Oldest first, a pass over what changes faster than it can be read would have no end. But there
    it meets the same contacts again, while those that are stamped ahead are met once.
    """
    at, since = collector.at, collector.since
    began, latest = collector.clock(), ""
    brought = answers = no_contacts = in_vain = 0
    met = IdSet()
    async for page in reading.walk(client, date=_date(at, since)).pages():
        stamps = page.rows.stamps
        at.learn_direction(stamps)
        batch = batch_of_page(page)
        no_contacts += len(page) - len(batch.items)
        new = _new(batch, collector)
        collector.take(batch.only(new))
        await collector.write_now_and_then()
        at.overlap += len(batch.items) - len(new)
        latest = max(latest, latest_of(stamps, until=began) or "")
        brought += len(new)
        answers += 1
        if at.ascending and stamps[-1] > began:
            in_vain += len(met.add_all(page.rows.ids)) == len(page)
        is_read = at.ascending is False and stamps[-1] < since and not page.is_amid_group
        if is_read or in_vain > _MOST_IN_VAIN:
            break
    at.odd.no_contacts = max(at.odd.no_contacts, no_contacts)
    # Not before: an interrupted pass that went from the newest on has not read the rest.
    at.reach(latest)
    return not brought and in_vain <= _MOST_IN_VAIN, answers


def _new(batch: Batch, collector: Collector) -> list[int]:
    """Return the places of contacts that were not taken in this version."""
    since, after, knows = collector.since, collector.at.after or "", collector.memory.knows
    return [
        place
        for place, stamp in enumerate(batch.rows.stamps)
        if ((stamp >= since and stamp > after) or stamp == UNPLACED)
        and not knows(batch.rows.ids[place], batch.version(place))
    ]


def _date(at: Checkpoint, since: str) -> str | None:
    if not at.ascending:
        return at.date
    # Nobody says whether the contacts at `date` are listed, so ask from the second before.
    dates = [each for each in (since and earlier(since, 1.0), at.date) if each]
    return max(dates, key=timestamps.instant, default=None)

"""Up to where an account has settled, so that it is not read again."""

from __future__ import annotations

import sqlite3
import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async import ApiKey, AttemptEvent, BadRequestError, HeymarketClient
from heymarket_async.bulk import JsonLines, export_contacts, sync_contacts
from heymarket_async.bulk.progress import RequestStats
from heymarket_async.bulk.read.checkpoint import CLOCKS_S, Checkpoint, Settled
from heymarket_async.bulk.read.collect import Collector
from heymarket_async.bulk.read.versions import batch_of
from heymarket_async.sandbox import Readings, Sandbox
from heymarket_async.timestamps import earlier, later, seconds_between
from tests.bulk.accounts import client_of, current, ids_of, lines_of, restamp

NOW = 1_750_000_000
LISTS = {"/v1/contacts", "/v2/contacts/list"}
NOON = "2026-04-12T12:00:00Z"


def bulk_import(sandbox: Sandbox, ends: float, *, contacts: int = 400) -> list[int]:
    """Let contacts have been imported within the minute that ends then."""
    imported = ids_of(sandbox)[:contacts]
    for place, each in enumerate(imported):
        restamp(sandbox, each, int(ends) - 59 + place * 60 // contacts)
    return imported


def show_late(sandbox: Sandbox, contact_id: int, seconds: float) -> None:
    """Let an edit show up that was made at this time."""
    store = sandbox.store
    row = store.by_id(contact_id)
    record, stamp = store.record(row), int(seconds) * 10**9
    record.rev, record.updated, record.first = record.rev + 1, store.written(stamp), "Late"
    store.put(record, row.uuid, stamp, None)


class Followed:
    """A file that follows an account.

    Attributes:
        asked: How many requests its last run has sent.
        pages: How many of them were for a list.
    """

    def __init__(self, sandbox: Sandbox, path, **options) -> None:
        self.sandbox, self.path = sandbox, path
        self.options = {"page_size": 30, **options}
        self.asked = self.pages = 0

    async def run(self, after_s: float, **options) -> None:
        """Sync, so long after `NOW` by the server's clock; the file must be as the account."""
        self.sandbox.requests.clear()
        self.sandbox._server._now = lambda: NOW + after_s
        # An API key, because the clock of the server may be moved.
        async with client_of(self.sandbox, key=self.sandbox.api_key) as client:
            await sync_contacts(client, self.path, **self.options | options)
        assert current(self.path) == sorted(self.sandbox.store.lines())
        self.asked = len(self.sandbox.requests)
        self.pages = sum(each.path in LISTS for each in self.sandbox.requests)


@pytest.fixture(params=["v1", "v2", "v1 oldest first"])
def followed(request, tmp_path):
    surface, _, oldest = request.param.partition(" ")
    readings = Readings(newest_first=not oldest)
    sandbox = Sandbox(450, seed=4, limit=None, readings=readings)
    return Followed(sandbox, tmp_path / "c.db", surface=surface)


async def test_an_import_is_read_again_until_late_writes_have_shown_up(followed):
    async with followed.sandbox as sandbox:
        imported = bulk_import(sandbox, NOW)
        await followed.run(5)
        for number, after_s in enumerate((20, 35, 100, 125)):
            show_late(sandbox, imported[30 * number + 30], NOW - 20)
            await followed.run(after_s)
            assert followed.pages > 5
        for after_s in (126, 127):
            await followed.run(after_s)
            assert followed.asked <= 3

        show_late(sandbox, imported[7], NOW + 126)
        await followed.run(128)
        assert followed.asked <= 6


async def test_an_import_of_long_ago_is_read_once_more(followed):
    async with followed.sandbox as sandbox:
        bulk_import(sandbox, NOW)
        await followed.run(9000)
        await followed.run(9000)
        assert followed.pages > 10
        await followed.run(9000)
        assert followed.asked <= 3


async def test_a_longer_wait_for_late_writes_reads_the_import_again(followed):
    async with followed.sandbox as sandbox:
        imported = bulk_import(sandbox, NOW)
        for after_s in (5, 130, 135):
            await followed.run(after_s)
        assert followed.asked <= 3
        show_late(sandbox, imported[100], NOW - 100)
        await followed.run(140, settle_s=300)
        assert followed.pages > 10
        await followed.run(400, settle_s=300)
        for settle_s in (300, 60):
            await followed.run(405, settle_s=settle_s)
            assert followed.asked <= 3


async def test_a_new_contact_that_shows_up_very_late_is_found_by_the_count(followed):
    async with followed.sandbox as sandbox:
        imported = bulk_import(sandbox, NOW)
        hidden = sandbox.store.by_id(imported[100])
        sandbox.store.remove(hidden)
        for after_s in (5, 130, 135):
            await followed.run(after_s)
        assert followed.asked <= 3
        sandbox.store.put(sandbox.store.record(hidden), hidden.uuid, hidden.stamp, None)

        await followed.run(140)


async def test_new_contacts_show_that_the_clock_of_updated_is_behind(followed):
    async with followed.sandbox as sandbox:
        imported = bulk_import(sandbox, NOW)
        await followed.run(3600)  # by the other clock, no time has passed
        restamp(sandbox, imported[0], NOW + 5)
        await followed.run(3605)
        for number in range(100, 130, 10):
            show_late(sandbox, imported[number], NOW - 20)
            await followed.run(3500 + number)
            assert followed.pages > 10
        for after_s in (8000, 8005):
            await followed.run(after_s)
        assert followed.asked <= 3


async def test_a_file_of_an_older_version_settles_with_its_second_run(followed):
    async with followed.sandbox as sandbox:
        imported = bulk_import(sandbox, NOW)
        for after_s in (5, 130):
            await followed.run(after_s)
        with sqlite3.connect(followed.path) as database:
            database.execute("DELETE FROM state WHERE name IN ('settled', 'fields_read')")
        database.close()
        show_late(sandbox, imported[100], NOW - 20)
        await followed.run(135)
        assert followed.pages > 10
        await followed.run(140)
        assert followed.asked <= 3


async def test_an_instant_beyond_the_newest_contact_is_not_believed(followed):
    async with followed.sandbox as sandbox:
        imported = bulk_import(sandbox, NOW)
        for after_s in (5, 130):
            await followed.run(after_s)
        with sqlite3.connect(followed.path) as database:
            settled = '{"before": "2999-01-01T00:00:00Z", "settle_s": 60}'
            database.execute("UPDATE state SET value = ? WHERE name = 'settled'", (settled,))
        database.close()
        restamp(sandbox, imported[100], NOW + 132)
        await followed.run(135)


async def test_a_search_for_deletions_begins_anew(followed):
    async with followed.sandbox as sandbox:
        imported = bulk_import(sandbox, NOW)
        for after_s in (5, 130):
            await followed.run(after_s)
        for number, full in ((100, True), (101, False)):
            show_late(sandbox, imported[number], NOW - 20)
            await followed.run(135, detect_deletions=full)


@pytest.mark.parametrize("surface", ["v1", "v2"])
@pytest.mark.parametrize("newest_first", [True, False])
async def test_an_export_reads_an_import_of_long_ago_once(surface, newest_first, tmp_path):
    readings, requests = Readings(newest_first=newest_first), []
    for ago_s in (20, 1000):  # before and after the margin of two minutes, by far
        async with Sandbox(450, seed=4, limit=None, readings=readings) as sandbox:
            edits = bulk_import(sandbox, time.time() - ago_s)[5:8]

            def edit_some(event, sandbox=sandbox, edits=edits):
                if "contacts" in event.call and edits:
                    restamp(sandbox, edits.pop(), int(time.time()))

            async with client_of(sandbox, on_attempt=edit_some) as client:
                report = await export_contacts(
                    client, JsonLines(tmp_path / "c"), surface=surface, page_size=30
                )
            assert report.doubts == []
            assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
        requests.append(report.requests)
    assert requests[1] < requests[0]


@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_an_export_that_resumes_reads_the_margin_of_its_first_run(surface, tmp_path):
    on = f"POST /{surface}/contacts{'/list' * (surface == 'v2')}"
    async with Sandbox(450, seed=4, limit=None) as sandbox:
        imported = bulk_import(sandbox, NOW)
        sandbox._server._now = lambda: NOW + 5
        sandbox.faults.answer(400, on=on, after=20 if surface == "v2" else 12)
        async with client_of(sandbox, key=sandbox.api_key) as client:
            sink, options = JsonLines(tmp_path / "c"), {"surface": surface, "page_size": 30}
            with pytest.raises(BadRequestError):
                await export_contacts(client, sink, **options)
            late = imported[380 if surface == "v1" else 100]
            show_late(sandbox, late, NOW - 20)
            sandbox._server._now = lambda: NOW + 300
            assert (await export_contacts(client, sink, **options)).resumed

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())


@pytest.mark.parametrize(("gap_s", "local_s"), [(30, 10**9), (7000, 0)])
async def test_a_date_that_is_wrong_in_one_run_loses_no_late_write(
    gap_s, local_s, followed, monkeypatch
):
    """The clock of this machine may be wrong too, or the wrong `Date` is over by the next run."""
    monkeypatch.setattr(time, "time", lambda: NOW + local_s)
    async with followed.sandbox as sandbox:
        imported = bulk_import(sandbox, NOW)
        await followed.run(5)
        await followed.run(10 + 3600)
        show_late(sandbox, imported[100], NOW - 20)
        await followed.run(10 + gap_s)


@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_a_date_that_is_wrong_until_an_export_resumes_loses_no_late_write(surface, tmp_path):
    on = f"POST /{surface}/contacts{'/list' * (surface == 'v2')}"
    async with Sandbox(450, seed=4, limit=None) as sandbox:
        imported = bulk_import(sandbox, NOW)
        sandbox._server._now = lambda: NOW + 3600
        sandbox.faults.answer(400, on=on, after=12)
        async with client_of(sandbox, key=sandbox.api_key) as client:
            sink, options = JsonLines(tmp_path / "c"), {"surface": surface, "page_size": 30}
            with pytest.raises(BadRequestError):
                await export_contacts(client, sink, **options)
            show_late(sandbox, imported[380 if surface == "v1" else 100], NOW - 20)
            sandbox._server._now = lambda: NOW + 30
            assert (await export_contacts(client, sink, **options)).resumed

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())


# The rule itself


@given(
    st.integers(-7200, 7200),
    st.sampled_from([0.0, 1.0, 60.0, 300.0]),
    st.lists(st.tuples(st.integers(0, 500), st.sampled_from([0.0, 60.0, 300.0])), max_size=6),
)
def test_nothing_settles_beyond_the_known_or_earlier_than_the_clocks_allow(after, settle_s, reads):
    settled, known = Settled(), NOON
    for number, (passed_s, assumed_s) in enumerate(reads):
        settled.read_at = later(NOON, after + 600 * number + passed_s)
        settled.settle(known, assumed_s)

        assert settled.before <= known
        if settled.before:
            assert seconds_between(settled.before, settled.read_at) >= assumed_s + CLOCKS_S
        margin = earlier(known, settle_s)
        since = settled.since(margin, settle_s)
        assert margin <= since <= max(margin, known)
        assert since == margin or settle_s <= settled.settle_s
        known = later(known, 30 * number)


def test_contacts_that_are_all_too_old_unsettle_the_account():
    settled, now = Settled(read_at=later(NOON, 1000)), later(NOON, 1100)
    settled.settle(NOON, 60)
    assert settled.before == NOON

    settled.compare(["", later(NOON, 100), later(NOON, 900)], now, 60)
    settled.compare(["", later(NOON, 1101)], now, 60)
    assert (settled.before, settled.behind_s) == (NOON, 0)
    settled.compare([later(NOON, 700), later(NOON, 800), later(NOON, 1101)], now, 60)
    assert (settled.before, settled.behind_s) == ("", 300)
    settled.settle(NOON, 60)
    assert settled.before == NOON
    settled.compare([later(NOON, 1090)], now, 60)
    assert settled.behind_s == 10


def test_without_a_read_nothing_is_compared():
    settled = Settled()
    settled.compare([NOON], NOON, 60)
    settled.settle(NOON, 60)

    assert settled == Settled()


def collector_of(checkpoint, ahead_s):
    clock = later(NOON, 900)
    return Collector(None, None, checkpoint, clock=lambda: clock, ahead_s=lambda: ahead_s)


@pytest.mark.parametrize(
    ("ahead_s", "before"), [(0, later(NOON, 1)), (790, earlier(NOON, 10)), (None, "")]
)
async def test_it_settles_by_the_earlier_one_of_two_known_clocks(ahead_s, before):
    checkpoint = Checkpoint(account="team 1", surface="v2", spans=[], newest=NOON)
    collector = collector_of(checkpoint, ahead_s)
    checkpoint.settled.read_at = later(NOON, 900)
    if ahead_s is None:
        checkpoint.settled.before = NOON

    collector.settle()

    assert checkpoint.settled.before == before


async def test_an_account_is_not_at_rest_after_a_write_that_does_not_count_as_the_newest():
    checkpoint = Checkpoint(account="team 1", surface="v2", newest=NOON)
    checkpoint.settled = Settled(before=NOON, settle_s=60)
    collector = collector_of(checkpoint, 0)
    for after_s, is_at_rest in ((0, True), (1, False)):
        line = b'{"id":%d,"updated":"%b"}' % (after_s + 1, later(NOON, after_s).encode())
        collector.take(batch_of([line]))
        assert collector.is_at_rest == is_at_rest


def test_a_read_in_the_future_settles_nothing():
    settled = Settled(before=NOON, settle_s=60, read_at=later(NOON, 1000), behind_s=5)
    settled.distrust(later(NOON, 1000))
    assert settled.before == NOON
    settled.distrust(later(NOON, 999))
    assert settled == Settled(settle_s=60, behind_s=5)


def test_the_servers_clock_is_known_unless_a_clock_is_moved(monkeypatch):
    stats = RequestStats(HeymarketClient(ApiKey("key")))
    steps = [("", 0, None), ("soon", 0, None), (60, 0, 60), (80, 50, 60), (0, 0, 60), (0, 1, None)]
    for date, here, ahead_s in steps:
        monkeypatch.setattr(time, "time", lambda here=here: NOW + here)
        text = date if isinstance(date, str) else formatdate(NOW + date, usegmt=True)
        stats._count(AttemptEvent("GET /", 1, 200, 0.1, 0.0, {}, "", None, text))

        assert stats.ahead_s == ahead_s

"""Watermarks lie no later than the server's clock allows, and one rule tells newer versions."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from heymarket_async import ApiKey, AttemptEvent, BadRequestError, HeymarketClient
from heymarket_async.bulk import Csv, JsonLines, Sqlite, export_contacts, sync_contacts
from heymarket_async.bulk.progress import RequestStats
from heymarket_async.bulk.read.versions import Version
from heymarket_async.sandbox import Readings, Sandbox
from heymarket_async.timestamps import later
from tests.bulk.accounts import client_of, current, edit, ids_of, lines_of, query

AHEAD = "2086-01-01T00:00:00Z"
LISTS = {"v1": "POST /v1/contacts", "v2": "POST /v2/contacts/list"}


def now():
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def says_ahead(doubts, contact_id):
    return len(doubts) == 1 and "in the future" in doubts[0] and f": {contact_id}" in doubts[0]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_a_sync_sees_edits_though_a_contact_is_stamped_ahead(surface, newest_first, tmp_path):
    path = tmp_path / "c.db"
    sandbox = Sandbox(contacts=150, readings=Readings(newest_first=newest_first))
    async with sandbox, client_of(sandbox) as client:
        ahead, *others = ids_of(sandbox)
        sandbox.stamp(ahead, AHEAD)
        first = await sync_contacts(client, path, surface=surface)
        assert says_ahead(first.doubts, ahead)

        for _ in range(3):
            edit(sandbox, others[7])
            report = await sync_contacts(client, path, surface=surface)

            assert (report.kind, report.changed, report.doubts) == ("changes", 1, [])
            assert current(path) == sorted(sandbox.store.lines())
    ((newest,),) = query(path, "SELECT value FROM state WHERE name = 'newest'")
    assert newest < "2080"


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_an_export_has_an_edit_though_a_contact_is_stamped_ahead(
    surface, newest_first, concurrency, tmp_path
):
    sandbox = Sandbox(contacts=300, readings=Readings(newest_first=newest_first))
    async with sandbox:
        ahead, *others = ids_of(sandbox)
        sandbox.stamp(ahead, AHEAD)
        edits = [others[3], others[250]]

        def edit_once(event):
            if event.call == LISTS[surface] and event.attempt and edits:
                edit(sandbox, edits.pop())

        async with client_of(sandbox, on_attempt=edit_once) as client:
            report = await export_contacts(
                client,
                JsonLines(tmp_path / "c"),
                surface=surface,
                page_size=30,
                concurrency=concurrency,
            )
        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert says_ahead(report.doubts, ahead)


async def test_an_edit_now_of_a_contact_that_was_stamped_ahead_arrives(tmp_path):
    path = tmp_path / "c.db"
    for rev in ("documented", "missing"):
        sandbox = Sandbox(
            contacts=60, readings=Readings(**({"rev": rev} if rev == "missing" else {}))
        )
        async with sandbox, client_of(sandbox) as client:
            ahead = ids_of(sandbox)[0]
            sandbox.stamp(ahead, AHEAD)
            await sync_contacts(client, path)
            edit(sandbox, ahead)

            assert (await sync_contacts(client, path)).changed == 1
            assert current(path) == sorted(sandbox.store.lines())
        path.unlink()


async def test_a_contact_ahead_is_told_after_a_resume_and_by_no_later_sync(tmp_path):
    async with Sandbox(contacts=300) as sandbox, client_of(sandbox) as client:
        ahead = ids_of(sandbox)[0]
        sandbox.stamp(ahead, AHEAD)
        sandbox.faults.answer(400, on=LISTS["v1"], after=2, times=3)
        with pytest.raises(BadRequestError):
            await export_contacts(client, JsonLines(tmp_path / "c"))
        assert says_ahead((await export_contacts(client, JsonLines(tmp_path / "c"))).doubts, ahead)

        await sync_contacts(client, tmp_path / "c.db")
        full = await sync_contacts(client, tmp_path / "c.db", detect_deletions=True)
        assert (full.kind, full.doubts, full.deleted) == ("full", [], 0)


async def test_a_file_of_an_older_version_that_believed_a_time_ahead_is_read_anew(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=60) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        edit(sandbox, ids_of(sandbox)[5])
        with sqlite3.connect(path) as database:
            database.execute("UPDATE state SET value = ? WHERE name = 'newest'", (AHEAD,))
        database.close()

        report = await sync_contacts(client, path)

        assert current(path) == sorted(sandbox.store.lines())
        assert (report.kind, report.changed) == ("full", 1)
        assert (await sync_contacts(client, path)).kind == "changes"


def test_without_a_date_this_machines_clock_counts():
    tally = RequestStats(HeymarketClient(ApiKey("key")))
    event = AttemptEvent("GET /", 1, 200, 0.1, 0.0, {}, "", None, "Sat, 28 Nov 2026 09:00:00 GMT")
    own = tally.clock()
    tally._count(event)
    tally._count(msgspec.structs.replace(event, date=""))

    assert tally.clock() == "2026-11-28T09:00:00Z"
    assert abs(datetime.now(UTC) - datetime.fromisoformat(own)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "date",
    [
        "Thu, 01 Jan 2099 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -0001",
        "Mon, 01 Jan 0001 00:00:00 +0100",
    ],
)
def test_a_date_far_from_this_machines_clock_moves_no_watermark_ahead(date):
    tally = RequestStats(HeymarketClient(ApiKey("key")))
    tally._count(AttemptEvent("GET /", 1, 200, 0.1, 0.0, {}, "", None, date))

    assert tally.clock() <= later(now(), 24 * 3600 + 60)


@pytest.mark.parametrize("counted", [0, 10])
@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_a_count_that_is_too_small_ends_no_walk(surface, counted, tmp_path):
    sandbox = Sandbox(contacts=400, readings=Readings(newest_first=False), limit=None)
    async with sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(200, on="POST /v1/contacts/count", body=counted, times=None)
        report = await export_contacts(
            client, JsonLines(tmp_path / "c"), surface=surface, page_size=30
        )

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert report.contacts == 400
    assert report.pages > 10
    assert [each for each in report.doubts if "fewer than were read" in each] == report.doubts


@pytest.mark.parametrize("rev", ["missing", "null", "falls"])
@pytest.mark.parametrize("hours", [1, 5, 20, 30])
@pytest.mark.parametrize("concurrency", [1, 3])
async def test_an_edit_now_of_a_contact_that_was_some_hours_ahead_arrives(
    hours, rev, concurrency, tmp_path
):
    sandbox = Sandbox(contacts=60, readings=Readings(rev=rev))
    async with sandbox, client_of(sandbox) as client:
        changed, unread = ids_of(sandbox)[:2]
        for each in (changed, unread):
            sandbox.stamp(each, later(now(), 3600.0 * hours), rev=5)
        await sync_contacts(client, tmp_path / "c.db")
        for each in (changed, unread):
            edit(sandbox, each)
            sandbox.stamp(each, now(), rev=2)

        later_one = await sync_contacts(client, tmp_path / "c.db")
        full = await sync_contacts(
            client, tmp_path / "c.db", detect_deletions=True, concurrency=concurrency
        )

        assert current(tmp_path / "c.db") == sorted(sandbox.store.lines())
    assert (later_one.changed, full.changed) == (2, 0)


@pytest.mark.parametrize("full", [False, True])
async def test_an_edit_arrives_after_the_time_that_was_ahead_has_passed(full, tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=60, readings=Readings(rev="missing")) as sandbox:
        began = datetime.now(UTC).timestamp()
        edited, left = ids_of(sandbox)[:2]
        for each in (edited, left):
            sandbox.stamp(each, later(now(), 5 * 3600.0))
        async with client_of(sandbox, key=sandbox.api_key) as client:
            await sync_contacts(client, path)
            edit(sandbox, edited)
            sandbox.stamp(edited, later(now(), 3600.0))
            sandbox._server._now = lambda: began + 6 * 3600.0

            report = await sync_contacts(client, path, detect_deletions=full)
            again = await sync_contacts(client, path)

        assert current(path) == sorted(sandbox.store.lines())
    assert (report.changed, again.changed) == (1, 0)


@pytest.mark.parametrize("sink", [JsonLines, Sqlite])
async def test_an_export_has_an_edit_now_of_a_contact_that_was_some_hours_ahead(sink, tmp_path):
    async with Sandbox(contacts=90, readings=Readings(rev="missing")) as sandbox:
        ahead = ids_of(sandbox)[0]
        sandbox.stamp(ahead, later(now(), 5 * 3600.0))
        edits = [ahead]

        def edit_once(event):
            if event.call == LISTS["v1"] and edits:
                edit(sandbox, edits.pop())

        async with client_of(sandbox, on_attempt=edit_once) as client:
            await export_contacts(client, sink(tmp_path / "c"), page_size=30)

        have = lines_of(tmp_path / "c") if sink is JsonLines else current(tmp_path / "c")
        assert have == sorted(sandbox.store.lines())


# Which version is newer


@pytest.mark.parametrize(
    ("new", "old", "replaces"),
    [
        (Version("2026-01-02T00:00:00Z", 5), Version("2026-01-01T00:00:00Z", 4), True),
        (Version("2026-01-01T00:00:00Z", 4), Version("2026-01-02T00:00:00Z", 5), False),
        (Version("2026-01-02T00:00:00Z", 3), Version("2026-01-01T00:00:00Z", 4), True),
        (Version("2026-01-01T00:00:00Z", 5), Version("2026-01-02T00:00:00Z", 4), True),
        (Version("2026-01-01T00:00:00Z", 5), Version("2026-01-01T00:00:00Z", 4), True),
        (Version("2026-01-01T00:00:00Z", 4), Version("2026-01-01T00:00:00Z", 4), False),
        (Version("2026-01-02T00:00:00Z", 0, 1), Version("2026-01-01T00:00:00Z", 4), True),
        (Version("2026-01-01T00:00:00Z", 0, 1), Version("2026-01-02T00:00:00Z", 4), False),
        (Version("2026-01-01T00:00:00Z", 0, 1), Version("2026-01-01T00:00:00Z", 0, 2), True),
        (Version("2026-01-01T00:00:00Z", 0, 1), Version("2026-01-01T00:00:00Z", 0, 1), False),
        (Version("2026-01-01T00:00:00Z", 5), Version("2026-01-02T00:00:00Z", 0, 1), False),
        (Version("2026-01-01T00:00:00Z", 0, 1), Version(AHEAD, 0, 2), True),
        (Version("2026-01-01T00:00:00Z", 2), Version("2026-02-01T00:00:01Z", 5), True),
        (Version("2026-01-01T00:00:00Z", 2), Version("2026-02-01T00:00:00Z", 5), False),
        (Version("", 4, 1), Version("", 4, 2), True),
        (Version("", 4, 1), Version("", 4, 1), False),
        (Version("", 0, 1), Version("2026-01-01T00:00:00Z", 4), True),
        (Version("2026-01-01T00:00:00Z", 4), Version("", 4, 1), True),
    ],
)
def test_one_rule_says_which_version_stays_in_python_and_in_sql(new, old, replaces, tmp_path):
    from heymarket_async.bulk.store import schema  # noqa: PLC0415 - here alone

    latest = "2026-02-01T00:00:00Z"
    database = sqlite3.connect(":memory:")
    database.executescript(schema.NEW_FILE + schema.DISTRUSTED)
    for each in (old, new):
        content = f"{each.instant}{each.rev}{each.content}"
        row = (1, each.rev, each.instant, each.instant, content, latest)
        changed = database.execute(schema.UPSERT.format(name="contacts"), row).rowcount
    database.close()

    assert (new.replaces(old, latest=latest), bool(changed)) == (replaces, replaces)


@pytest.mark.parametrize("rev", ["missing", "null", "falls"])
@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_a_sync_brings_edits_whatever_becomes_of_rev(surface, rev, tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=80) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path, surface=surface)
    sandbox = Sandbox(contacts=80, readings=Readings(rev=rev))
    async with sandbox, client_of(sandbox) as client:
        for number in range(4):
            for each in ids_of(sandbox)[number : number + 9]:
                edit(sandbox, each)
            full = number == 2
            await sync_contacts(
                client, path, surface=surface, rebind=True, detect_deletions=full, settle_s=0
            )
            edited = {json.loads(line)["id"]: line for line in sandbox.store.lines()}
            have = {json.loads(line)["id"]: line for line in current(path)}
            for each in ids_of(sandbox)[number : number + 9]:
                assert have[each] == edited[each]


@pytest.mark.parametrize("rev", ["missing", "falls"])
@pytest.mark.parametrize("sink", [JsonLines, Csv, Sqlite])
async def test_an_export_has_the_newest_version_whatever_becomes_of_rev(sink, rev, tmp_path):
    async with Sandbox(contacts=200, readings=Readings(rev=rev)) as sandbox:
        edits = ids_of(sandbox)[::40]

        def edit_some(event):
            if event.call == LISTS["v1"] and edits:
                edit(sandbox, edits.pop())

        async with client_of(sandbox, on_attempt=edit_some) as client:
            report = await export_contacts(client, sink(tmp_path / "c"), page_size=30)
        wanted = sorted(sandbox.store.lines())

    assert report.edited
    if sink is JsonLines:
        assert lines_of(tmp_path / "c") == wanted
    elif sink is Sqlite:
        assert current(tmp_path / "c") == wanted
    else:
        assert (tmp_path / "c").read_bytes().count(b"Edited") == 5

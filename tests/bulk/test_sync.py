"""A file that follows an account: nothing is missing in it, and each run asks for what changed."""

from __future__ import annotations

import asyncio
import itertools
import random
import sqlite3
import stat

import pytest

from heymarket_async import BadRequestError, ContactField
from heymarket_async.bulk import Sqlite, export_contacts, sync_contacts
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.accounts import (
    Editor,
    client_of,
    create,
    delete,
    edit,
    edit_one,
    ids_of,
)


def query(path, sql: str) -> list:
    database = sqlite3.connect(path)
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


def current(path) -> list[bytes]:
    rows = query(path, "SELECT json FROM contacts WHERE deleted_at IS NULL")
    return sorted(json.encode() for (json,) in rows)


READINGS = [
    Readings(newest_first=newest, inclusive=inclusive, precision=precision, trim_zeros=trim)
    for newest, inclusive, (precision, trim) in itertools.product(
        (True, False), (True, False), (("seconds", False), ("microseconds", True))
    )
]


@pytest.mark.parametrize(
    "readings",
    READINGS,
    ids=lambda each: f"{each.newest_first:d}{each.inclusive:d}{each.precision[0]}",
)
@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_a_file_follows_the_account(surface, readings, tmp_path):
    path, chance = tmp_path / "c.db", random.Random(1)
    async with Sandbox(contacts=400, ties=30, seed=4, readings=readings) as sandbox:
        async with client_of(sandbox) as client:
            kinds = []
            for _ in range(6):
                report = await sync_contacts(client, path, surface=surface, page_size=40)

                assert current(path) == sorted(sandbox.store.lines())
                assert report.contacts == report.counted
                assert report.doubts == []
                kinds.append(report.kind)
                for _ in range(chance.choice([0, 1, 5, 90])):
                    edit_one(sandbox, chance)
                create(sandbox, chance.randrange(10**6))

    assert kinds == ["full", *["changes"] * 5]


async def test_a_later_run_asks_only_for_what_changed(tmp_path):
    async with Sandbox(contacts=2000, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, tmp_path / "c.db")
        for each in ids_of(sandbox)[:3]:
            edit(sandbox, each)
        create(sandbox, 1)
        sandbox.requests.clear()

        report = await sync_contacts(client, tmp_path / "c.db")

        pages = [each for each in sandbox.requests if each.path == "/v2/contacts/list"]
    assert (report.added, report.changed, report.deleted) == (1, 3, 0)
    assert len(pages) <= 4


async def test_what_one_run_has_read_the_next_does_not_read_again(tmp_path):
    async with Sandbox(contacts=600, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, tmp_path / "c.db")
        for each in ids_of(sandbox):
            edit(sandbox, each)  # a minute and a half of edits
        assert (await sync_contacts(client, tmp_path / "c.db", settle_s=1)).changed == 600
        sandbox.requests.clear()

        report = await sync_contacts(client, tmp_path / "c.db", settle_s=1)

        pages = [each for each in sandbox.requests if each.path == "/v2/contacts/list"]
    assert (report.changed, len(pages)) == (0, 2)


async def test_a_run_in_which_nothing_changed_changes_nothing(tmp_path):
    async with Sandbox(contacts=200, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, tmp_path / "c.db")

        report = await sync_contacts(client, tmp_path / "c.db")

    assert (report.added, report.changed, report.deleted, report.doubts) == (0, 0, 0, [])


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_what_is_edited_during_a_run_is_in_the_file(surface, newest_first, tmp_path):
    readings = Readings(newest_first=newest_first)
    async with Sandbox(contacts=600, ties=9, seed=4, readings=readings, limit=None) as sandbox:
        for times in (20, 40):
            editor = Editor(sandbox, edit_one, times=times)
            async with client_of(sandbox, on_attempt=editor) as client:
                report = await sync_contacts(
                    client, tmp_path / "c.db", surface=surface, page_size=30, concurrency=2
                )

            assert current(tmp_path / "c.db") == editor.at_last_page
            assert report.doubts == []


@pytest.mark.parametrize("newest_first", [True, False])
async def test_an_account_that_began_with_one_contact_is_followed(newest_first, tmp_path):
    path, readings = tmp_path / "c.db", Readings(newest_first=newest_first)
    async with Sandbox(contacts=1, seed=4, readings=readings) as sandbox:
        async with client_of(sandbox) as client:
            for number in range(5):
                report = await sync_contacts(client, path, surface="v1", page_size=7)

                assert current(path) == sorted(sandbox.store.lines())
                assert report.doubts == []
                for each in range(20):
                    create(sandbox, 100 * number + each)
                edit(sandbox, ids_of(sandbox)[0])


async def test_a_file_of_an_export_is_not_taken_for_a_sync(tmp_path):
    async with Sandbox(contacts=5, seed=4) as sandbox, client_of(sandbox) as client:
        await export_contacts(client, Sqlite(tmp_path / "c.db"))

        with pytest.raises(ValueError, match="the file holds an export"):
            await sync_contacts(client, tmp_path / "c.db")


async def test_an_empty_account_is_followed_too(tmp_path):
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        assert (await sync_contacts(client, tmp_path / "c.db")).contacts == 0
        await client.contacts.create_batch(_new(3))

        report = await sync_contacts(client, tmp_path / "c.db")

    assert (report.contacts, report.added) == (3, 3)


def _new(number):
    from heymarket_async import NewContact  # noqa: PLC0415 - here alone

    return [NewContact(phone=f"1510555334{each}") for each in range(number)]


async def test_a_write_that_shows_up_late_is_not_missed(tmp_path):
    async with Sandbox(contacts=200, seed=4) as sandbox, client_of(sandbox) as client:
        first, second = ids_of(sandbox)[:2]
        edit(sandbox, first)
        late = sandbox.store.by_id(second)
        sandbox.store.remove(late)
        edit(sandbox, ids_of(sandbox)[5])
        await sync_contacts(client, tmp_path / "c.db")
        # Its `updated` lies before what the run has seen, but the run could not see it.
        record = sandbox.store.record(sandbox.store.by_id(first))
        stamp = sandbox.store.by_id(first).stamp
        other = sandbox.store.record(late)
        other.rev, other.updated = other.rev + 1, record.updated
        sandbox.store.put(other, late.uuid, stamp, None)

        await sync_contacts(client, tmp_path / "c.db")

        assert current(tmp_path / "c.db") == sorted(sandbox.store.lines())


# Deletions


async def test_deletions_are_detected_when_asked_for(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=200, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        gone = ids_of(sandbox)[:5]
        for each in gone:
            delete(sandbox, each)

        changes = await sync_contacts(client, path)
        full = await sync_contacts(client, path, detect_deletions=True)

        assert current(path) == sorted(sandbox.store.lines())
    assert (changes.deleted, changes.contacts) == (0, 200)
    assert "195, 5 fewer than were read" in changes.doubts[0]
    assert (full.kind, full.deleted, full.contacts, full.doubts) == ("full", 5, 195, [])
    assert (full.added, full.changed) == (0, 0)
    marked = query(path, "SELECT id FROM contacts WHERE deleted_at LIKE '20__-%Z' ORDER BY id")
    assert marked == [(each,) for each in gone]


async def test_a_deletion_is_asked_for_where_the_count_is_not_known(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=200, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        delete(sandbox, ids_of(sandbox)[7])
        sandbox.faults.answer(403, on="POST /v1/contacts/count", times=None)
        sandbox.requests.clear()

        report = await sync_contacts(client, path, detect_deletions=True)

        assert current(path) == sorted(sandbox.store.lines())
        assert len([each for each in sandbox.requests if each.path.startswith("/v1/contact/")]) == 1
    assert report.deleted == 1


async def test_a_contact_that_is_there_after_all_is_not_marked(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=60, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        # A list that leaves one out, and a count that does not.
        hidden = sandbox.store.by_id(ids_of(sandbox)[3])
        sandbox.store._rows.remove(hidden)
        sandbox.faults.answer(200, body=60, on="POST /v1/contacts/count", times=None)

        report = await sync_contacts(client, path, detect_deletions=True)

    assert (report.deleted, report.contacts) == (0, 60)
    assert report.doubts == ["the account counts 60, 1 more than were read"]


async def test_a_not_found_of_a_gateway_is_no_deletion(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=60, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        hidden = sandbox.store.by_id(ids_of(sandbox)[3])
        sandbox.store._rows.remove(hidden)
        sandbox.faults.answer(403, on="POST /v1/contacts/count", times=None)
        sandbox.faults.answer(404, headers={"X-Request-Id": ""}, on="GET /v1/contact/{id}")

        report = await sync_contacts(client, path, detect_deletions=True)

    assert report.deleted == 0


async def test_too_many_missing_are_not_asked_for_one_by_one(tmp_path, monkeypatch):
    from heymarket_async.bulk import sync  # noqa: PLC0415 - here alone

    monkeypatch.setattr(sync, "_MOST_ASKED_FOR", 3)
    path = tmp_path / "c.db"
    async with Sandbox(contacts=60, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        for each in ids_of(sandbox)[:4]:
            delete(sandbox, each)
        sandbox.faults.answer(403, on="POST /v1/contacts/count", times=None)

        report = await sync_contacts(client, path, detect_deletions=True)

    assert report.deleted == 0
    assert "4 contacts were not met, too many to ask for each" in report.doubts


async def test_a_contact_that_is_back_is_not_deleted_any_more(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=60, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        row = sandbox.store.by_id(ids_of(sandbox)[3])
        sandbox.store.remove(row)
        assert (await sync_contacts(client, path, detect_deletions=True)).deleted == 1
        sandbox.store.put(sandbox.store.record(row), row.uuid, row.stamp, None)

        await sync_contacts(client, path, detect_deletions=True)

        assert current(path) == sorted(sandbox.store.lines())


# Interrupted, refused


async def test_a_first_run_that_is_interrupted_is_gone_on_with(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=2000, ties=5, seed=4) as sandbox, client_of(sandbox) as client:
        for after in (5, 8):
            sandbox.faults.answer(400, on="POST /v2/contacts/list", after=after)
            with pytest.raises(BadRequestError):
                await sync_contacts(client, path, concurrency=2, page_size=50)
        sandbox.requests.clear()

        report = await sync_contacts(client, path, concurrency=2, page_size=50)

        assert len(sandbox.requests) < 50
        assert current(path) == sorted(sandbox.store.lines())
    assert (report.kind, report.resumed, report.doubts) == ("full", True, [])
    outcomes = query(path, "SELECT outcome FROM runs ORDER BY number")
    assert outcomes == [("BadRequestError",), ("BadRequestError",), ("done",)]


@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_a_later_run_that_is_interrupted_is_made_up_for(surface, tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=500, ties=5, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path, surface=surface, page_size=30)
        for each in ids_of(sandbox)[::2]:
            edit(sandbox, each)
        sandbox.faults.answer(
            400, on=f"POST /{surface}/contacts{'/list' * (surface == 'v2')}", after=4
        )
        with pytest.raises(BadRequestError):
            await sync_contacts(client, path, surface=surface, page_size=30)
        assert current(path) != sorted(sandbox.store.lines())

        report = await sync_contacts(client, path, surface=surface, page_size=30)

        assert current(path) == sorted(sandbox.store.lines())
    assert report.doubts == []


async def test_a_run_that_is_cancelled_is_noted_as_interrupted_by_the_next(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=500, seed=4) as sandbox, client_of(sandbox) as client:
        sandbox.faults.delay(30, on="POST /v2/contacts/list", after=2)
        run = asyncio.create_task(sync_contacts(client, path))
        await asyncio.sleep(0.3)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

        await sync_contacts(client, path)

    assert query(path, "SELECT outcome FROM runs") == [("interrupted",), ("done",)]


async def test_a_file_follows_one_account_and_one_list(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=50) as one, Sandbox(contacts=50) as other:
        async with client_of(one) as client, client_of(other) as stranger:
            await sync_contacts(client, path)

            with pytest.raises(ValueError, match="the file follows another account, team 7001 of"):
                await sync_contacts(stranger, path)
            with pytest.raises(ValueError, match="the file follows another surface, v2, not v1"):
                await sync_contacts(client, path, surface="v1")
            with pytest.raises(ValueError, match=r"a sync keeps .* up to date"):
                await export_contacts(client, Sqlite(path))


async def test_two_runs_on_one_file_are_kept_apart(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=50) as sandbox, client_of(sandbox) as client:
        sandbox.faults.delay(0.3, on="POST /v2/contacts/list")
        first = asyncio.create_task(sync_contacts(client, path))
        await asyncio.sleep(0.1)

        with pytest.raises(OSError, match="another job is at work there"):
            await sync_contacts(client, path)
        assert (await first).contacts == 50
    assert [each.name for each in tmp_path.iterdir()] == ["c.db"]


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"surface": "v3"}, 'surface must be "v1" or "v2"'),
        ({"page_size": 101}, "page_size must be an integer from 1 to 100"),
        ({"concurrency": 0}, "concurrency must be an integer of at least 1"),
        ({"detect_deletions": 1}, "detect_deletions must be of type bool"),
        ({"settle_s": -1}, "settle_s must be a number of seconds, 0 or above"),
        ({"settle_s": "60"}, "settle_s must be of type int or float"),
    ],
)
async def test_a_wrong_argument_is_told_before_anything_is_done(options, rule, tmp_path):
    async with Sandbox(contacts=3) as sandbox, client_of(sandbox) as client:
        with pytest.raises(ValueError, match=rule):
            await sync_contacts(client, tmp_path / "c.db", **options)

    assert not sandbox.requests
    assert not list(tmp_path.iterdir())


# What is in the file


async def test_the_views_show_contacts_with_custom_fields_by_title(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=100, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        contacts = sandbox.store.contacts
        delete(sandbox, contacts[0]["id"])
        await sync_contacts(client, path, detect_deletions=True)

    rows = query(path, 'SELECT id, phone, "Plan", "Renewal Date" FROM current_contacts')
    sent = [
        (each["id"], each["phone"], each["custom"]["123"], each["custom"].get("456"))
        for each in contacts[1:]
    ]
    assert sorted(rows) == sorted(sent)
    opted_out = [(each["id"],) for each in contacts[1:] if each["is_opted_out"]]
    assert sorted(query(path, "SELECT id FROM opted_out_contacts")) == sorted(opted_out)
    days = dict(query(path, "SELECT day, updated FROM changes_by_day"))
    assert days["2024-04-12"] == sum(each["updated"][:10] == "2024-04-12" for each in contacts)
    assert query(path, "SELECT sum(deleted) FROM changes_by_day") == [(1,)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_new_custom_field_gets_its_column(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=10, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        await client.contact_fields.create(['Size "L", it\'s'])

        await sync_contacts(client, path)

    assert query(path, 'SELECT "Size ""L"", it\'s" FROM current_contacts') == [(None,)] * 10


def test_the_views_are_made_of_any_titles_and_of_many(tmp_path):
    fields = [ContactField(id=number, title=f"{number}\0\"';--") for number in range(1, 2500)]
    sink = Sqlite(tmp_path / "c.db")
    sink.open(None, restart=False)
    sink.write([b'{"id":1,"updated":"2026-04-12T15:30:00Z","custom":{"3":"three"}}'], "{}")
    assert list(sink.finish(frozenset(), fields)) == [1]
    sink.close()

    (row,) = query(tmp_path / "c.db", "SELECT * FROM current_contacts")
    assert len(row) == 2000
    assert "three" in row


async def test_every_run_adds_a_line(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=10, seed=4) as sandbox, client_of(sandbox) as client:
        first = await sync_contacts(client, path)
        edit(sandbox, ids_of(sandbox)[0])
        second = await sync_contacts(client, path)

    columns = "outcome, kind, added, changed, deleted, contacts, requests, doubts"
    assert query(path, f"SELECT {columns} FROM runs ORDER BY number") == [
        ("done", "full", 10, 0, 0, 10, first.requests, None),
        ("done", "changes", 0, 1, 0, 10, second.requests, None),
    ]
    assert all(query(path, "SELECT started <= ended FROM runs"))


# Other files


def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "c.db"
    path.write_text("not a database, but long enough to be looked at " * 100)
    with pytest.raises(ValueError, match="is not an SQLite file"):
        Sqlite(path).open(None, restart=False)

    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    with pytest.raises(ValueError, match="holds something else; name a file of its own"):
        Sqlite(path).open(None, restart=False)
    assert query(path, "SELECT name FROM sqlite_master") == [("mine",)]


def test_a_file_of_another_version_is_refused(tmp_path):
    path = tmp_path / "c.db"
    sink = Sqlite(path)
    sink.open(None, restart=False)
    sink.close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 9")
    database.close()

    with pytest.raises(ValueError, match="has version 9, and this package reads 1"):
        Sqlite(path).open(None, restart=False)


def test_a_database_keeps_its_checkpoint_in_itself(tmp_path):
    with pytest.raises(ValueError, match="an SQLite file keeps it in itself"):
        Sqlite(tmp_path / "c.db").open(tmp_path, restart=False)
    with pytest.raises(RuntimeError, match="not open"):
        Sqlite(tmp_path / "c.db").write([], "")


def test_a_full_disk_is_an_error_of_the_file_and_loses_nothing(tmp_path):
    def line(number: int) -> bytes:
        return b'{"id":%d,"updated":"2026-04-12T15:30:00Z","first":"%s"}' % (number, b"x" * 4000)

    sink = Sqlite(tmp_path / "c.db")
    sink.open(None, restart=False)
    sink.write([line(1)], "first")
    sink._database._connection.execute("PRAGMA max_page_count = 40")
    with pytest.raises(OSError, match=r"c\.db: database or disk is full"):
        sink.write([line(number) for number in range(2, 99)], "second")
    sink.close()

    again = Sqlite(tmp_path / "c.db")
    assert again.open(None, restart=False) == "first"
    assert list(again.stored()) == [line(1)]
    again.close()


def test_a_file_that_another_program_holds_is_an_error_of_the_file(tmp_path):
    path = tmp_path / "c.db"
    sink = Sqlite(path)
    sink.open(None, restart=False)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    sink._database._connection.execute("PRAGMA busy_timeout = 1")

    with pytest.raises(OSError, match=r"c\.db: database is locked"):
        sink.write([], "first")

    other.close()
    sink.close()


async def test_an_export_into_a_database_takes_the_place_of_the_one_before(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=300, ties=4, seed=4) as sandbox:
        for _ in range(2):
            editor = Editor(sandbox, edit_one, times=12)
            async with client_of(sandbox, on_attempt=editor) as client:
                report = await export_contacts(client, Sqlite(path), page_size=30)

            assert current(path) == sorted(sandbox.store.lines())
            assert report.is_proved
            delete(sandbox, ids_of(sandbox)[0])


async def test_a_database_that_is_being_filled_still_holds_the_export_before(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=300, seed=4) as sandbox, client_of(sandbox) as client:
        await export_contacts(client, Sqlite(path))
        before = current(path)
        for each in ids_of(sandbox)[:150]:
            edit(sandbox, each)
        sandbox.faults.answer(400, on="POST /v1/contacts", after=2)
        with pytest.raises(BadRequestError):
            await export_contacts(client, Sqlite(path))

        assert current(path) == before
        assert (await export_contacts(client, Sqlite(path))).resumed
        assert current(path) == sorted(sandbox.store.lines())

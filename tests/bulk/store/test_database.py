"""The SQLite file that exports and syncs write."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing

import pytest

from heymarket_async import BadRequestError, ContactField
from heymarket_async.bulk import Csv, Sqlite, export_contacts, sync_contacts
from heymarket_async.bulk.store import database, schema
from heymarket_async.bulk.store.database import Database
from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import (
    Editor,
    client_of,
    current,
    delete,
    edit,
    edit_one,
    ids_of,
    query,
)
from tests.bulk.test_files import contact, written

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


def test_a_log_that_a_long_reader_let_grow_becomes_small_again(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "_MOST_LOG_BYTES", 100_000)
    path = tmp_path / "c.db"
    log = path.with_name("c.db-wal")
    with (
        closing(Database(path)) as written,
        closing(sqlite3.connect(path, isolation_level=None)) as reader,
    ):
        written.open()
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM contacts").fetchone()
        with written.transaction():
            written.upsert(
                [contact(id=number, first="Z" * 500) for number in range(1, 1000)], latest=""
            )
        assert log.stat().st_size > 500_000

        reader.execute("COMMIT")  # it stays open, as Datasette does
        for number in range(2):
            with written.transaction():
                written.upsert([contact(id=5000 + number)], latest="")
            written.run("PRAGMA wal_checkpoint")

        assert log.stat().st_size <= 100_000


def test_an_export_is_one_file_that_can_be_read_where_nothing_can_be_written(tmp_path):
    path = tmp_path / "c.db"
    for _ in range(2):
        written(Sqlite(path), contact(first="Zo\0ë"))
        assert list(tmp_path.iterdir()) == [path]

        # Of a file with a log, even a reader that may not write makes files beside it.
        reader = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert reader.execute("SELECT first FROM current_contacts").fetchall() == [("Zo\0ë",)]
        assert list(tmp_path.iterdir()) == [path]
        reader.close()


def test_an_export_into_a_file_that_is_open_elsewhere_keeps_its_log(tmp_path):
    path = tmp_path / "c.db"
    written(Sqlite(path), contact())
    sink = Sqlite(path)
    sink.open(None, restart=False)
    sink._opened.run("PRAGMA busy_timeout = 10")
    reader = sqlite3.connect(path)
    assert reader.execute("SELECT count(*) FROM contacts").fetchone() == (1,)
    sink.write([contact(id=2), contact(id=3)], "{}")

    assert list(sink.finish(frozenset(), [])) == [2]

    sink.close()
    assert reader.execute("SELECT count(*) FROM contacts").fetchone() == (2,)
    assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    reader.close()


async def test_a_new_custom_field_gets_its_column(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=10, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        await client.contact_fields.create(['Size "L", it\'s'])
        edit(sandbox, ids_of(sandbox)[0])

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
    assert query(tmp_path / "c.db", "SELECT json_extract(json, '$.custom.3') FROM contacts") == [
        ("three",)
    ]
    assert sink.doubts(fields[:1975]) == []
    assert sink.doubts(fields[:1976]) == [
        "SQLite shows 2,000 columns at most: 1 of the custom fields has none in the views, and is"
        " in the column `json` of `contacts` alone"
    ]


@pytest.mark.parametrize("is_sync", [False, True])
async def test_custom_fields_without_a_column_are_a_doubt(is_sync, tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "_MOST_COLUMNS", 27)
    path = tmp_path / "c.db"
    async with Sandbox(contacts=10, seed=4) as sandbox, client_of(sandbox) as client:
        if is_sync:
            report = await sync_contacts(client, path)
        else:
            report = await export_contacts(client, Sqlite(path))
        assert (await export_contacts(client, Csv(tmp_path / "c.csv"))).is_proved

    assert report.doubts == [
        "SQLite shows 27 columns at most: 3 of the custom fields have none in the views, and are in"
        " the column `json` of `contacts` alone"
    ]


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
    with pytest.raises(ValueError, match=r"is not an SQLite file\. Name"):
        Sqlite(path).open(None, restart=False)

    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    with pytest.raises(ValueError, match=r"tables of another program\. Name another file"):
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
    sink = Sqlite(tmp_path / "c.db")
    with pytest.raises(ValueError, match=r"keeps the checkpoint of an export itself\. Leave out"):
        sink.open(tmp_path, restart=False)
    with pytest.raises(RuntimeError, match="not open"):
        sink.write([], "")
    sink.close()


def test_a_full_disk_is_an_error_of_the_file_and_loses_nothing(tmp_path):
    def line(number: int) -> bytes:
        return b'{"id":%d,"updated":"2026-04-12T15:30:00Z","first":"%s"}' % (number, b"x" * 4000)

    sink = Sqlite(tmp_path / "c.db")
    sink.open(None, restart=False)
    sink.write([line(1)], "first")
    sink._database._connection.execute("PRAGMA max_page_count = 40")
    with pytest.raises(OSError, match=r"c\.db: database or disk is full\. Make room"):
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
        sandbox.faults.answer(400, on="POST /v1/contacts", after=2, times=2)
        with pytest.raises(BadRequestError):
            await export_contacts(client, Sqlite(path))

        assert current(path) == before
        assert (await export_contacts(client, Sqlite(path))).resumed
        assert current(path) == sorted(sandbox.store.lines())

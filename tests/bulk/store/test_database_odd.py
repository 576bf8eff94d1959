"""An SQLite file that others move, edit or damage while a job is not done: no success is told."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing

import pytest

from heymarket_async import AttemptEvent, BadRequestError, HeymarketClient
from heymarket_async.bulk import Sqlite, export_contacts, sync_contacts
from heymarket_async.bulk.sinks.sink import FOREVER
from heymarket_async.bulk.store.database import Database
from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import client_of, current


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(contacts=300, seed=4) as sandbox:
        yield sandbox


async def job(client: HeymarketClient, path, *, is_sync: bool) -> object:
    if is_sync:
        return await sync_contacts(client, path, page_size=20)
    return await export_contacts(client, Sqlite(path), page_size=20)


def run(path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for each in statements:
            database.execute(each)


# The file is not there any more


def removed(path) -> None:
    path.unlink()


def replaced_by_a_link(path) -> None:
    path.rename(path.with_name("old.db"))
    path.symlink_to("nowhere.db")


def replaced_by_another(path) -> None:
    path.rename(path.with_name("old.db"))
    path.write_bytes(b"")


@pytest.mark.parametrize("is_sync", [False, True])
@pytest.mark.parametrize("lose", [removed, replaced_by_a_link, replaced_by_another])
async def test_a_file_that_is_lost_while_a_job_runs_is_an_error(lose, is_sync, sandbox, tmp_path):
    path, pages = tmp_path / "c.db", []

    def lost_at_the_third_page(event: AttemptEvent) -> None:
        pages.append(event)
        if len(pages) == 3:
            lose(path)

    async with client_of(sandbox, on_attempt=lost_at_the_third_page) as client:
        with pytest.raises(OSError, match=rf"^{path} was removed or replaced .*\. Run this again"):
            await job(client, path, is_sync=is_sync)


def test_a_file_that_is_lost_in_the_last_moment_is_an_error(tmp_path):
    path = tmp_path / "c.db"
    sink = Sqlite(path)
    sink.open(None, restart=False)
    sink._database._connection.set_trace_callback(
        lambda statement: path.unlink() if statement == "COMMIT" else None
    )

    with pytest.raises(OSError, match="was removed or replaced"):
        list(sink.finish(frozenset(), []))
    sink.close()


# Another program edits it


@pytest.fixture
async def begun(sandbox, tmp_path):
    """An export that is interrupted."""
    path = tmp_path / "c.db"
    sandbox.faults.answer(400, on="POST /v1/contacts", after=8)
    async with client_of(sandbox) as client:
        with pytest.raises(BadRequestError):
            await job(client, path, is_sync=False)
    sandbox.faults.clear()
    return path


async def test_an_export_with_fewer_contacts_than_were_read_is_not_proved(sandbox, begun):
    run(
        begun,
        "CREATE TRIGGER mine BEFORE INSERT ON incoming BEGIN SELECT RAISE(IGNORE); END",
    )

    async with client_of(sandbox) as client:
        report = await job(client, begun, is_sync=False)

    assert report.contacts == len(current(begun)) < report.distinct == 300
    assert report.doubts == [
        f"the file has {report.contacts} contacts, and 300 were read: another program may have"
        " changed it; start again with a new file"
    ]


async def test_an_export_that_ends_with_no_contacts_is_not_proved(sandbox, tmp_path):
    path = tmp_path / "c.db"
    trigger = "CREATE TRIGGER IF NOT EXISTS mine AFTER INSERT ON incoming"

    def emptied(_: AttemptEvent) -> None:
        run(path, f"{trigger} BEGIN DELETE FROM incoming; END")

    async with client_of(sandbox, on_attempt=emptied) as client:
        report = await job(client, path, is_sync=False)

    assert (report.contacts, report.is_proved) == (0, False)


async def test_an_export_has_no_contacts_that_are_marked_as_deleted(sandbox, begun):
    run(begun, "UPDATE incoming SET deleted_at = 'x' WHERE rowid % 10 = 0")

    async with client_of(sandbox) as client:
        report = await job(client, begun, is_sync=False)

    assert (report.contacts, report.is_proved) == (300, True)
    assert current(begun) == sorted(sandbox.store.lines())


async def test_a_sync_that_was_kept_from_adding_contacts_is_not_proved(sandbox, tmp_path):
    path = tmp_path / "c.db"
    async with client_of(sandbox) as client:
        await job(client, path, is_sync=True)
        run(path, "CREATE TRIGGER mine BEFORE INSERT ON contacts BEGIN SELECT RAISE(IGNORE); END")
        run(path, "DELETE FROM contacts WHERE rowid % 100 = 0")

        report = await sync_contacts(client, path, detect_deletions=True)

    assert report.doubts == [
        "the file has 297 contacts, and 300 were read: another program may have changed it; start"
        " again with a new file"
    ]


# It is damaged

ANOTHER = "Remove the file, or name another one."

DAMAGES = {
    "other columns": (
        ["DROP TABLE contacts", "CREATE TABLE contacts (a)"],
        f": no such column: id. {ANOTHER}",
    ),
    "a view": (
        ["DROP TABLE contacts", "CREATE VIEW contacts AS SELECT 1 AS id"],
        f": no such column: instant. {ANOTHER}",
    ),
    "no instant": (
        [
            "DROP VIEW changes_by_day",
            "DROP INDEX contacts_by_instant",
            "ALTER TABLE contacts DROP COLUMN instant",
        ],
        f": no such column: instant. {ANOTHER}",
    ),
    "no runs": (
        ["DROP TABLE runs", "CREATE TABLE runs (a)"],
        f": no such column: outcome. {ANOTHER}",
    ),
    "no state": (
        ["DROP TABLE state", "CREATE VIEW state AS SELECT 'latest' AS name, '2' AS value"],
        " holds an export. Name a file that only a sync writes to.",
    ),
}


@pytest.mark.parametrize("kind", DAMAGES)
async def test_a_damaged_file_of_a_sync_is_told_with_a_remedy(kind, sandbox, tmp_path):
    path = tmp_path / "c.db"
    async with client_of(sandbox) as client:
        await job(client, path, is_sync=True)
        statements, told = DAMAGES[kind]
        run(path, *statements)

        with pytest.raises((OSError, ValueError), match=f"^{re.escape(f'{path}{told}')}$"):
            await job(client, path, is_sync=True)


CALLS = {
    "state": lambda database: database.state("a"),
    "set_state": lambda database: database.set_state("a", "b"),
    "upsert": lambda database: database.upsert([b'{"id":1}'], latest=FOREVER),
    "distrust": lambda database: database.distrust(after="", until=FOREVER),
    "mark_deleted": lambda database: database.mark_deleted([1], "now"),
    "show": lambda database: database.show([]),
    "run_many": lambda database: database.run_many("DELETE FROM contacts WHERE id = ?", [(1,)]),
    "values": lambda database: list(database.values(str, "SELECT json FROM contacts")),
    "run": lambda database: database.run("DROP TABLE contacts"),
    "begin_run": lambda database: database.begin_run("now"),
    "end_run": lambda database: database.end_run(1, outcome="done"),
    "count": lambda database: database.count(),
    "fields": lambda database: database.fields(),
    "transaction": lambda database: database.transaction().__enter__(),
}


@pytest.mark.parametrize("call", CALLS)
def test_whatever_is_asked_of_a_damaged_file_its_error_says_so(call, tmp_path):
    path = tmp_path / "c.db"
    database = Database(path)
    database.open()
    database._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path.write_bytes(b"\x55" * path.stat().st_size)
    database._connection.execute("PRAGMA shrink_memory")

    told = re.escape(f"{path}: file is not a database. {ANOTHER}")
    with pytest.raises(OSError, match=f"^{told}$"):
        CALLS[call](database)
    database.close()


# What is kept in it was edited


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (
            "DELETE FROM state WHERE name = 'account'",
            rf": `account` that is stored cannot be read\. {ANOTHER}",
        ),
        (
            "UPDATE state SET value = 'v3' WHERE name = 'surface'",
            rf": `surface` that is stored cannot be read\. {ANOTHER}",
        ),
        (
            "UPDATE state SET value = 'team 9 of ' || hex(zeroblob(9999)) WHERE name = 'account'",
            r" belongs to another account: team 9 of 0{290}, not team .*\. Name another file\.",
        ),
        (
            "PRAGMA user_version = 2",
            r" has version 2, and this package reads 1\. Name another file, or use the version of"
            r" the package that wrote it\.",
        ),
    ],
)
async def test_an_edited_file_of_a_sync_is_told_in_short(edit, told, sandbox, tmp_path):
    path = tmp_path / "c.db"
    async with client_of(sandbox) as client:
        await job(client, path, is_sync=True)
        run(path, edit)

        with pytest.raises(ValueError, match=rf"^{path}{told}$"):
            await job(client, path, is_sync=True)


@pytest.mark.parametrize(
    "rule",
    [
        "CREATE UNIQUE INDEX mine ON contacts (team_id)",
        "CREATE TRIGGER mine BEFORE INSERT ON contacts BEGIN SELECT RAISE(ABORT, 'no'); END",
    ],
)
def test_a_rule_of_others_that_refuses_contacts_is_told_with_a_remedy(rule, tmp_path):
    path = tmp_path / "c.db"
    database = Database(path)
    database.open()
    run(path, rule.replace("team_id", "rev"))

    with pytest.raises(OSError, match=rf"^{path}: .*\. Drop the index, trigger or rule of another"):
        database.upsert([b'{"id":1}', b'{"id":2}'], latest=FOREVER)
    database.close()


def test_what_is_too_big_for_sqlite_is_told_with_a_remedy(tmp_path):
    database = Database(tmp_path / "c.db")
    database.open()
    database._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1000)

    with pytest.raises(OSError, match=r"c\.db: string or blob too big\. Remove the file, or name"):
        database.set_state("a", "b" * 2000)
    database.close()


@pytest.mark.parametrize("length", [248, 255])
def test_a_name_that_leaves_no_room_for_the_files_beside_it_is_refused(length, tmp_path):
    path = tmp_path / f"{'c' * (length - 3)}.db"

    with pytest.raises(ValueError, match=r"c\.db: .*\. Name a shorter one"):
        Database(path).open()
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_leaves_just_enough_room_is_taken(tmp_path):
    database = Database(tmp_path / f"{'c' * 244}.db")
    database.open()
    assert database.count() == 0
    database.close()

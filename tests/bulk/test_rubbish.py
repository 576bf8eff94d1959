"""What a job has kept was edited or damaged, or something else is in its place: a clear error."""

from __future__ import annotations

import json
import os
import re
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from heymarket_async import BadRequestError, HeymarketClient, PaginationError
from heymarket_async.bulk import JsonLines, Sqlite, export_contacts, sync_contacts
from heymarket_async.bulk.importing.rules import IMPORTED, ImportHeader
from heymarket_async.bulk.store.outcome_file import OutcomeFile, checked_path
from heymarket_async.bulk.store.private_files import Lock
from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import client_of

HEADER = ImportHeader(kind="import", account="a", overwrite=False)
FIRST = b'{"version":1,"kind":"import","account":"a","overwrite":false}\n'
ROW = '"digest":"0123456789abcdef","outcome":"created"'


@pytest.fixture
async def account() -> AsyncIterator[tuple[Sandbox, HeymarketClient]]:
    async with Sandbox(contacts=300, seed=4) as sandbox, client_of(sandbox) as client:
        yield sandbox, client


@pytest.fixture
def begun(account, tmp_path) -> Callable[..., object]:
    """Begin a job that is interrupted."""
    sandbox, client = account

    async def begun(name: str) -> Path:
        path = tmp_path / name
        sandbox.faults.answer(400, on="POST /v1/contacts", after=2, times=3)
        sandbox.faults.answer(400, on="POST /v2/contacts/list", after=2)
        with pytest.raises(BadRequestError):
            await (sync if name == "s.db" else export)(client, path)
        sandbox.faults.clear()
        return path

    return begun


async def export(client: HeymarketClient, path: Path, **options: object) -> object:
    sink = Sqlite(path) if path.suffix == ".db" else JsonLines(path)
    return await export_contacts(client, sink, **options)


async def sync(client: HeymarketClient, path: Path) -> object:
    return await sync_contacts(client, path)


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA writable_schema = ON")
        for each in statements:
            database.execute(each)


# The outcome file


@pytest.mark.parametrize(
    "line",
    [
        f'{{"row":0,{ROW}}}',
        f"{{{ROW}}}",
        f'{{"row":1,{ROW}}}'.replace("abcdef", "abcdeg"),
        f'{{"row":1,{ROW},"reason":"\udcff"}}',
        f'{{"row":1,{ROW},"more":{"[" * 100_000}',
    ],
    ids=["row 0", "no row", "not a digest", "not UTF-8", "nested"],
)
async def test_a_line_of_an_outcome_file_that_cannot_be_is_told(line, tmp_path):
    path = tmp_path / "outcomes"
    path.write_bytes(FIRST + line.encode(errors="surrogateescape") + b"\n")

    rule = re.escape(f"{path} is not an outcome file (line 2). Name another file.")
    with pytest.raises(ValueError, match=rule):
        async with OutcomeFile(IMPORTED, path, HEADER, resume=True):
            pass

    assert path.read_bytes().startswith(FIRST)


# Files that are none


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listener(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(path.parent)
        server.bind(path.name)


def folder(path: Path) -> None:
    path.mkdir()


def link(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


@pytest.fixture
def there() -> object:
    before = Path.cwd()
    yield
    os.chdir(before)


@pytest.mark.parametrize("put", [pipe, listener, folder])
@pytest.mark.parametrize("file", ["heymarket-rows", "heymarket-state.json", "heymarket-lock"])
def test_what_is_no_file_is_not_opened_in_the_folder_of_an_export(file, put, there, tmp_path):
    sink = JsonLines(tmp_path / "c")
    sink.open(None, restart=False)
    sink.write([], "{}")
    sink.close()
    path = tmp_path / "c.partial" / file
    path.unlink(missing_ok=True)
    put(path)

    with pytest.raises(OSError, match=rf"{file} is not a regular file\. Remove it"):
        sink.open(None, restart=False)
    sink.close()


@pytest.mark.parametrize("put", [pipe, listener, folder, link])
@pytest.mark.parametrize("ending", ["-wal", "-journal", ".heymarket-lock"])
def test_what_is_no_file_is_not_opened_beside_a_database(ending, put, there, tmp_path):
    put(tmp_path / f"c.db{ending}")

    with pytest.raises(OSError, match=rf"c\.db{ending} is not a regular file\. Remove it"):
        Sqlite(tmp_path / "c.db").open(None, restart=False)


@pytest.mark.parametrize("put", [pipe, listener, folder])
def test_a_database_or_an_outcome_file_is_a_regular_file(put, there, tmp_path):
    put(tmp_path / "c")

    with pytest.raises(ValueError, match=r"c is a .*\. Name a regular file"):
        Sqlite(tmp_path / "c").open(None, restart=False)
    with pytest.raises(ValueError, match=r"c is a .*\. Name a regular file"):
        checked_path(tmp_path / "c", ImportHeader, resume=True)


async def test_an_outcome_file_that_becomes_a_pipe_is_not_waited_for(tmp_path):
    pipe(tmp_path / "outcomes")

    with pytest.raises(OSError, match="outcomes is not a regular file"):
        async with OutcomeFile(IMPORTED, tmp_path / "outcomes", HEADER, resume=True):
            pass


def test_a_device_is_no_lock():
    with pytest.raises(OSError, match="/dev/null is not a regular file"):
        Lock(Path("/dev/null"))


# An unfinished export


def changed(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize("length", [-1, -(2**63), 0.5, "3", None, [[]]])
async def test_a_length_that_cannot_be_is_told(length, account, begun):
    path = await begun("c.jsonl")
    state = path.with_name("c.jsonl.partial") / "heymarket-state.json"
    changed(state, length=length)

    with pytest.raises(ValueError, match=rf"{state} cannot be read\. Start anew with restart=True"):
        await export(account[1], path)
    assert (await export(account[1], path, restart=True)).is_proved


async def test_a_length_of_more_than_there_is_counts_as_none(account, begun):
    path = await begun("c.jsonl")
    changed(path.with_name("c.jsonl.partial") / "heymarket-state.json", length=2**63)

    report = await export(account[1], path)

    assert (report.resumed, report.contacts, report.is_proved) == (False, 300, True)


def with_window(checkpoint: str, **values: object) -> str:
    stored = json.loads(checkpoint)
    stored["windows"][0].update(values)
    return json.dumps(stored)


def with_cursor(checkpoint: str, **values: object) -> str:
    cursor = json.loads(json.loads(checkpoint)["windows"][0]["cursor"])
    return with_window(checkpoint, cursor=json.dumps({**cursor, **values}))


GROUP = {"updated": "2026-04-12T15:30:00Z", "page": 2, "limit": 9, "wide": False, "passed": []}
GROUP |= {"repeated": 0, "before": None, "passes": 1}

CHECKPOINTS = {
    "no JSON": lambda _: "rubbish",
    "nested": lambda _: '{"version":1,"more":' + "[" * 100_000,
    "a number": lambda _: "5",
    "a cursor": lambda text: with_window(text, cursor="{}"),
    "a nested cursor": lambda text: with_window(text, cursor='{"more":' + "[" * 100_000),
    "no way back": lambda text: with_cursor(text, back="x"),
    "an empty way back": lambda text: with_cursor(text, back=""),
    "no way on": lambda text: with_cursor(text, group={**GROUP, "then": "NaN"}),
    "no width": lambda text: with_window(text, page_s=0),
    "types": lambda text: json.dumps({**json.loads(text), "windows": [None]}),
}


@pytest.mark.parametrize("kind", CHECKPOINTS)
@pytest.mark.parametrize("name", ["c.jsonl", "c.db", "s.db"])
async def test_a_checkpoint_that_is_rubbish_is_told_with_the_file(name, kind, account, begun):
    path = await begun(name)
    if name == "c.jsonl":
        state = path.with_name("c.jsonl.partial") / "heymarket-state.json"
        changed(state, checkpoint=CHECKPOINTS[kind](json.loads(state.read_text())["checkpoint"]))
    else:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            key = "first_run" if name == "s.db" else "checkpoint"
            query = "SELECT value FROM state WHERE name = ?"
            (stored,) = database.execute(query, (key,)).fetchone()
            update = "UPDATE state SET value = ? WHERE name = ?"
            database.execute(update, (CHECKPOINTS[kind](stored), key))

    rule = r"the checkpoint cannot be read\. Start anew with restart=True\."
    if name == "s.db":
        rule = r"the checkpoint that is stored cannot be read\. Remove the file, or name"
    with pytest.raises(ValueError, match=f"{path}: {rule}"):
        await (sync if name == "s.db" else export)(account[1], path)
    if name != "s.db":
        assert (await export(account[1], path, restart=True)).is_proved


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"date": "9999-99-99T99:99:99Z", "back": None}, BadRequestError),
        ({"ascending": True}, PaginationError),
    ],
)
async def test_a_resumed_export_that_the_server_refuses_names_the_remedy(
    values, error, account, begun
):
    path = await begun("c.jsonl")
    state = path.with_name("c.jsonl.partial") / "heymarket-state.json"
    changed(state, checkpoint=with_cursor(json.loads(state.read_text())["checkpoint"], **values))

    with pytest.raises(error) as caught:
        await export(account[1], path)

    assert caught.value.__notes__ == [
        f"The export into {path} was resumed. If it fails like this again, restart it from the"
        " beginning."
    ]


@pytest.mark.parametrize("name", ["c.jsonl", "c.jsonl.gz", "c.jsonl.zst"])
async def test_stored_contacts_that_are_damaged_are_told_with_the_file(name, account, begun):
    path = await begun(name)
    rows = path.with_name(f"{name}.partial") / "heymarket-rows"
    content = bytearray(rows.read_bytes())
    content[40:60] = b"\xff" * 20
    rows.write_bytes(content)

    with pytest.raises(
        ValueError, match=r"c\.jsonl.* cannot be read\. Start anew with restart=True"
    ):
        await export(account[1], path)
    assert (await export(account[1], path, restart=True)).is_proved


# SQLite

ANOTHER = "Remove the file, or name another one."
NOT_READ = f"something that is stored cannot be read. {ANOTHER}"

EDITS = {
    "no state": (["DROP TABLE state"], f"no such table: state. {ANOTHER}"),
    "no table": (
        ["DROP TABLE IF EXISTS incoming", "DROP TABLE contacts"],
        f"no such table: {{table}}. {ANOTHER}",
    ),
    "no column": (
        ["ALTER TABLE {table} RENAME COLUMN json TO mine"],
        f"no such column: json. {ANOTHER}",
    ),
    "a blob": (["UPDATE {table} SET json = x'ff00'"], NOT_READ),
    "not UTF-8": (
        ["UPDATE {table} SET json = CAST(x'ff' AS TEXT)"],
        f"Could not decode to UTF-8 column 'json' with text '\ufffd'. {ANOTHER}",
    ),
    "null": (
        [
            "UPDATE sqlite_schema SET sql = replace(sql, 'json TEXT NOT NULL', 'json TEXT')",
            "PRAGMA writable_schema = RESET",
            "UPDATE {table} SET json = NULL",
        ],
        NOT_READ,
    ),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize(("name", "table"), [("c.db", "incoming"), ("s.db", "contacts")])
async def test_a_database_that_was_edited_is_told_with_the_file(name, table, edit, account, begun):
    path = await begun(name)
    statements, told = EDITS[edit]
    run(path, *(each.format(table=table) for each in statements))

    rule = re.escape(f"{path}: {told.format(table=table)}")
    with pytest.raises((OSError, ValueError), match=f"^{rule}$"):
        await (sync if name == "s.db" else export)(account[1], path)


@pytest.mark.parametrize(
    ("name", "table", "told"),
    [
        (
            "c.db",
            "incoming",
            "the stored contacts cannot be read. Start anew with restart=True.",
        ),
        ("s.db", "contacts", f"a contact that is stored cannot be read. {ANOTHER}"),
    ],
)
async def test_a_stored_contact_that_is_no_json_is_told_with_the_file(
    name, table, told, account, begun
):
    path = await begun(name)
    run(path, f"UPDATE {table} SET json = '{{\"id\":' ")

    with pytest.raises(ValueError, match=f"^{re.escape(f'{path}: {told}')}$"):
        await (sync if name == "s.db" else export)(account[1], path)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (
            "UPDATE state SET value = '{' WHERE name = 'told'",
            "`told` that is stored cannot be read",
        ),
        (
            "UPDATE state SET value = '[[]]' WHERE name = 'told'",
            "`told` that is stored cannot be read",
        ),
        (
            "UPDATE state SET value = 'up' WHERE name = 'ascending'",
            "`ascending` that is stored cannot be read",
        ),
        (
            "UPDATE state SET value = x'00' WHERE name = 'newest'",
            "something that is stored cannot be read",
        ),
        (
            "UPDATE contacts SET json = '{' WHERE rowid > 290",
            "a contact that is stored cannot be read",
        ),
        ("DROP TABLE runs", "no such table: runs"),
        ("DROP TABLE fields", "no such table: fields"),
    ],
)
async def test_the_file_of_a_sync_that_was_edited_is_told_with_the_file(
    edit, told, account, tmp_path
):
    path = tmp_path / "s.db"
    await sync(account[1], path)
    run(path, edit)

    rule = re.escape(f"{path}: {told}. {ANOTHER}")
    with pytest.raises((OSError, ValueError), match=f"^{rule}$"):
        await sync(account[1], path)


async def test_ids_that_are_none_are_told_with_the_file(account, tmp_path):
    path = tmp_path / "s.db"
    await sync(account[1], path)
    run(path, "UPDATE contacts SET id = 'Ada' WHERE rowid = 5")

    with pytest.raises(ValueError, match=rf"^{path}: something that is stored cannot be read"):
        await sync_contacts(account[1], path, detect_deletions=True)


async def test_pages_that_are_damaged_are_told_with_the_file(account, begun):
    path = await begun("c.db")
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x55" * (len(content) - 4096)
    path.write_bytes(content)

    with pytest.raises(OSError, match=rf"^{path}: .*malformed.*\. Remove the file, or name"):
        await export(account[1], path)


@pytest.mark.parametrize("kind", ["id_huge", "rev_huge"])
async def test_a_number_of_more_than_64_bits_ends_no_job(kind, account, tmp_path):
    sandbox, client = account
    sandbox.show_as(sandbox.store._rows[3].id, kind)

    for path in (tmp_path / "c.db", tmp_path / "c.jsonl"):
        assert (await export(client, path)).contacts == 300
    for _ in range(2):
        assert (await sync(client, tmp_path / "s.db")).contacts == 300

"""SQLite files of exports and syncs: every contact, and the file stays as it was."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from heymarket_async.bulk import Sqlite, sync_contacts
from heymarket_async.bulk.contact_files import sqlite
from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import client_of
from tests.bulk.test_files import PLAN, contact, written


def read(path) -> list[dict[str, str]]:
    with path.open("rb") as file:
        table = sqlite.read(file)
        try:
            return [dict(zip(table.headings, row.cells, strict=True)) for row in table]
        finally:
            table.close()


def export(path, count: int = 1, **fields: object) -> None:
    written(Sqlite(path), *(contact(id=n, **fields) for n in range(1, count + 1)), fields=[PLAN])


def test_an_export_is_read_by_the_columns_of_its_view(tmp_path):
    export(tmp_path / "c.db", phone="15105550147", custom={"123": "007"}, tags=[{"tag_id": 5}],
           is_opted_out=True, first="Zoë")  # fmt: skip

    (row,) = read(tmp_path / "c.db")

    assert {name: cell for name, cell in row.items() if cell} == {
        "id": "1", "rev": "1", "updated": "2026-04-12T15:30:00Z", "phone": "15105550147",
        "first": "Zoë", "is_opted_out": "1", "tags": '[{"tag_id":5}]', "Plan": "007",
    }  # fmt: skip


async def test_the_file_of_a_sync_is_read_without_deleted_contacts(tmp_path):
    async with Sandbox(contacts=50, seed=2) as sandbox:
        async with client_of(sandbox) as client:
            await sync_contacts(client, tmp_path / "c.db")
        lines = [json.loads(line) for line in sandbox.store.lines()]
    database = sqlite3.connect(tmp_path / "c.db")
    with database:
        database.execute("UPDATE contacts SET deleted_at = 'now' WHERE id = ?", (lines[0]["id"],))
    database.close()

    rows = read(tmp_path / "c.db")

    assert sorted(row["phone"] for row in rows) == sorted(line["phone"] for line in lines[1:])


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_file_in_a_folder_that_cannot_be_written_to_is_read_and_kept(mode, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    export(folder / "c.db", count=3)
    database = sqlite3.connect(folder / "c.db")
    database.execute(f"PRAGMA journal_mode={mode}")
    database.close()
    (folder / "c.db.heymarket-lock").unlink(missing_ok=True)
    before = (folder / "c.db").read_bytes()
    folder.chmod(0o500)
    try:
        assert len(read(folder / "c.db")) == 3
        assert [file.name for file in folder.iterdir()] == ["c.db"], "no file is made beside it"
    finally:
        folder.chmod(0o700)
    assert (folder / "c.db").read_bytes() == before


def test_a_log_that_is_in_use_is_read_too(tmp_path):
    export(tmp_path / "c.db")
    database = sqlite3.connect(tmp_path / "c.db")
    database.execute("PRAGMA journal_mode=WAL")
    with database:
        database.execute(
            "INSERT INTO contacts SELECT 9, rev, updated, instant, json, deleted_at FROM contacts"
        )
    try:
        assert (tmp_path / "c.db-wal").stat().st_size > 0
        assert len(read(tmp_path / "c.db")) == 2
    finally:
        database.close()


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_file_without_a_name_is_read_from_memory(mode, tmp_path):
    export(tmp_path / "c.db", count=2)
    database = sqlite3.connect(tmp_path / "c.db")
    database.execute(f"PRAGMA journal_mode={mode}")
    database.close()

    table = sqlite.read(io.BytesIO((tmp_path / "c.db").read_bytes()))

    assert [row.number for row in table] == [1, 2]
    table.close()


def test_a_file_that_was_replaced_or_removed_is_still_the_one_that_is_open(tmp_path):
    export(tmp_path / "c.db", count=2)
    export(tmp_path / "other.db", count=5)
    with (tmp_path / "c.db").open("rb") as file:
        shutil.move(tmp_path / "other.db", tmp_path / "c.db")
        table = sqlite.read(file)
        assert len(list(table)) == 2
        table.close()
        (tmp_path / "c.db").unlink()
        table = sqlite.read(file)
        assert len(list(table)) == 2
        table.close()


def test_a_name_with_characters_of_a_uri_is_a_name(tmp_path):
    export(tmp_path / "a?mode=rw#b%20.db")

    assert len(read(tmp_path / "a?mode=rw#b%20.db")) == 1


def test_a_table_may_be_read_in_another_thread(tmp_path):
    export(tmp_path / "c.db", count=4)
    for file in (tmp_path / "c.db").open("rb"), io.BytesIO((tmp_path / "c.db").read_bytes()):
        with file, ThreadPoolExecutor(1) as pool:
            table = sqlite.read(file)
            assert pool.submit(list, table).result()[3].number == 4
            table.close()


def test_text_that_is_not_utf_8_is_mended(tmp_path):
    export(tmp_path / "c.db")
    database = sqlite3.connect(tmp_path / "c.db")
    database.execute("DROP VIEW opted_out_contacts")
    database.execute("DROP VIEW current_contacts")
    database.execute(
        "CREATE VIEW current_contacts AS SELECT CAST(x'61FF' AS TEXT) AS first, 1.0 AS n"
    )
    database.close()

    assert read(tmp_path / "c.db") == [{"first": "a�", "n": "1"}]


def test_a_file_of_another_program_is_refused(tmp_path):
    database = sqlite3.connect(tmp_path / "c.db")
    database.execute("CREATE TABLE contacts (phone)")
    database.close()

    with pytest.raises(ValueError, match="it has no view current_contacts"):
        read(tmp_path / "c.db")


@pytest.mark.parametrize("cut", [100, 5000, -9000])
def test_a_file_that_is_damaged_is_refused(cut, tmp_path):
    export(tmp_path / "c.db", count=300)
    content = (tmp_path / "c.db").read_bytes()
    damaged = content[:cut] + b"\xff" * (len(content) - len(content[:cut]))
    (tmp_path / "c.db").write_bytes(damaged)

    for file in ((tmp_path / "c.db").open("rb"), io.BytesIO(damaged)):
        with file, pytest.raises(ValueError, match="The SQLite file cannot be read: it is damaged"):
            list(sqlite.read(file))


@pytest.mark.parametrize("name", ["no such file", __file__, 3, b"c.db"])
def test_a_name_that_is_not_of_the_file_does_not_count(name, tmp_path):
    class Named(io.BytesIO):
        pass

    export(tmp_path / "c.db")
    file = Named((tmp_path / "c.db").read_bytes())
    file.name = name

    table = sqlite.read(file)

    assert len(list(table)) == 1
    table.close()


def test_damage_behind_the_first_rows_is_named(tmp_path):
    export(tmp_path / "c.db", count=3)
    database = sqlite3.connect(tmp_path / "c.db")
    with database:
        database.execute("UPDATE contacts SET json = '{' WHERE id = 3")
    database.close()
    with (tmp_path / "c.db").open("rb") as file:
        table = sqlite.read(file)

        assert len(table.head(1)) == 1
        with pytest.raises(ValueError, match="The SQLite file cannot be read"):
            list(table)
        table.close()

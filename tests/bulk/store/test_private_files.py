"""Contacts are personal data: nobody but their owner reads a file, whatever was there before."""

from __future__ import annotations

import errno
import os
import pathlib
import resource
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from heymarket_async.bulk import Csv, JsonLines, Parquet, Sqlite, Xlsx
from heymarket_async.bulk.store.private_files import UNFINISHED, naming, replace_file
from tests.bulk.test_files import contact, written

FILES = {
    "c.jsonl": JsonLines,
    "c.jsonl.gz": JsonLines,
    "c.csv": Csv,
    "c.parquet": Parquet,
    "c.xlsx": Xlsx,
}


def mode_of(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_to_all(path):
    path.write_text("from before")
    path.chmod(0o666)
    return path


@pytest.fixture(autouse=True)
def _open_to_all() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


# What was there before


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("again", [[], [1]])
def test_what_an_export_before_left_is_not_written_into(name, again, tmp_path):
    for ending in ("", UNFINISHED):
        open_to_all(tmp_path / f"{name}{ending}")
    folder = tmp_path / f"{name}.partial"
    folder.mkdir()
    for each in ("heymarket-rows", f"heymarket-state.json{UNFINISHED}"):
        open_to_all(folder / each)

    with (
        (tmp_path / f"{name}{UNFINISHED}").open("rb") as spy,
        (folder / "heymarket-rows").open() as other,
    ):
        written(FILES[name](tmp_path / name), contact(first="Ada"), again=again)
        assert spy.read() == b"from before"
        assert other.read() == "from before"

    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert mode_of(tmp_path / name) == 0o600


@pytest.mark.parametrize("name", FILES)
def test_a_link_in_the_place_of_a_part_is_not_followed(name, tmp_path):
    mine = open_to_all(tmp_path / "mine")
    folder = tmp_path / f"{name}.partial"
    folder.mkdir()
    for each in ("heymarket-rows", f"heymarket-state.json{UNFINISHED}"):
        (folder / each).symlink_to(mine)
    (tmp_path / f"{name}{UNFINISHED}").symlink_to(mine)

    written(FILES[name](tmp_path / name), contact(first="Ada"), again=[1])

    assert (mine.read_text(), mode_of(mine)) == ("from before", 0o666)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted([name, "mine"])
    assert not (tmp_path / name).is_symlink()


@pytest.mark.parametrize("name", [*FILES, "c.db"])
def test_a_path_that_is_a_link_stays_one(name, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / name).symlink_to(tmp_path / "data" / name)

    for _ in range(2):
        written({**FILES, "c.db": Sqlite}[name](tmp_path / name), contact(first="Ada"))

        assert (tmp_path / name).is_symlink()
        assert [each.name for each in (tmp_path / "data").iterdir()] == [name]
        assert mode_of(tmp_path / "data" / name) == 0o600
    assert [each.name for each in tmp_path.iterdir() if each.name != name] == ["data"]


def test_contacts_that_are_gone_on_with_are_taken_from_others(tmp_path):
    path = tmp_path / "c"
    one = JsonLines(path)
    one.open(None, restart=False)
    one.write([contact()], "{}")
    one.close()
    (tmp_path / "c.partial" / "heymarket-rows").chmod(0o666)

    written(JsonLines(path), contact(id=2))

    assert len(path.read_bytes().splitlines()) == 2
    assert mode_of(path) == 0o600


def test_contacts_that_have_become_a_link_are_not_gone_on_with(tmp_path):
    one = JsonLines(tmp_path / "c")
    one.open(None, restart=False)
    one.write([contact()], "{}")
    one.close()
    rows = tmp_path / "c.partial" / "heymarket-rows"
    rows.rename(tmp_path / "mine")
    rows.symlink_to(tmp_path / "mine")
    before = (tmp_path / "mine").read_bytes() + b"more"
    (tmp_path / "mine").write_bytes(before)

    with pytest.raises(OSError, match=r"heymarket-rows"):
        JsonLines(tmp_path / "c").open(None, restart=False)

    assert (tmp_path / "mine").read_bytes() == before


# SQLite


def test_a_database_that_is_there_is_taken_from_others(tmp_path):
    path = tmp_path / "c.db"
    written(Sqlite(path), contact())
    reader = sqlite3.connect(path)  # keeps the files beside it from going
    reader.execute("PRAGMA journal_mode = WAL")
    reader.execute("SELECT count(*) FROM contacts").fetchone()
    files = sorted(tmp_path.iterdir())
    assert [each.name for each in files] == ["c.db", "c.db-shm", "c.db-wal"]
    for each in files:
        each.chmod(0o666)

    sink = Sqlite(path)
    sink.open(None, restart=False)

    assert [mode_of(each) for each in files] == [0o600] * 3
    sink.close()
    reader.close()


def test_a_database_of_something_else_keeps_its_mode(tmp_path):
    path = tmp_path / "c.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    path.chmod(0o666)

    with pytest.raises(ValueError, match="holds the tables of another program"):
        Sqlite(path).open(None, restart=False)

    assert mode_of(path) == 0o666


def test_opening_a_database_leaves_the_locks_of_this_process_on_it(tmp_path, monkeypatch):
    path = tmp_path / "c.db"
    written(Sqlite(path), contact())
    mine = sqlite3.connect(path, isolation_level=None)
    mine.execute("PRAGMA journal_mode = DELETE")
    mine.execute("BEGIN EXCLUSIVE")

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0))
    with pytest.raises(OSError, match="locked"):
        Sqlite(path).open(None, restart=False)
    code = (
        "import sqlite3, sys\n"
        "try: sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')\n"
        "except sqlite3.OperationalError as error: print(error)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, check=True, text=True
    )
    assert said.stdout == "database is locked\n"
    mine.close()


def test_a_database_that_cannot_be_opened_is_an_error_of_the_file(tmp_path):
    folder = tmp_path / ("long" * 50) / ("long" * 50) / ("long" * 50)  # too much for SQLite
    folder.mkdir(parents=True)

    with pytest.raises(OSError, match=r"/c\.db: unable to open database file"):
        Sqlite(folder / "c.db").open(None, restart=False)

    assert not list(folder.glob("*lock*"))


# Where modes and disks end


@contextmanager
def a_disk_of(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_is_told_with_the_file_and_loses_nothing(tmp_path):
    sink = JsonLines(tmp_path / "c")
    sink.open(None, restart=False)
    sink.write([contact()], "first")

    with a_disk_of(500), pytest.raises(OSError, match=r"c\.partial/heymarket-rows'$"):
        sink.write([contact(first="x" * 1000)], "second")
    with a_disk_of(500):
        sink.close()

    again = JsonLines(tmp_path / "c")
    assert again.open(None, restart=False) == "first"
    assert list(again.stored()) == [contact()]
    again.close()


@pytest.mark.parametrize("name", FILES)
def test_a_disk_that_fills_up_at_the_end_is_told_with_the_file(name, tmp_path):
    sink = FILES[name](tmp_path / name)
    sink.open(None, restart=False)
    sink.write([contact(first=os.urandom(2000).hex())], "first")

    with a_disk_of(1000), pytest.raises(OSError, match=rf"{name}'$"):
        list(sink.finish(frozenset([1]), []))
    sink.close()

    assert [each.name for each in tmp_path.iterdir()] == [f"{name}.partial"]


def test_an_error_that_says_something_else_keeps_its_words(tmp_path):
    with pytest.raises(OSError, match=r"^of some other kind$"), naming(tmp_path):
        raise OSError("of some other kind")


def test_an_error_that_names_a_file_keeps_its_name(tmp_path):
    with pytest.raises(OSError, match=r"'c'$"), naming(tmp_path):
        raise OSError(errno.EACCES, "not yours", "c")


def test_a_small_file_is_told_by_its_name(tmp_path):
    with a_disk_of(1), pytest.raises(OSError, match=r"/f'$"):
        replace_file(tmp_path / "f", b"too much")


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EACCES])
def test_contacts_on_another_disk_are_copied(number, tmp_path, monkeypatch):
    sink = JsonLines(tmp_path / "c")
    sink.open(tmp_path / "elsewhere", restart=False)
    sink.write([contact()], "{}")
    replace = pathlib.Path.replace

    def not_across(path, target):
        if path.name == "heymarket-rows":
            raise OSError(number, os.strerror(number), str(path))
        return replace(path, target)

    monkeypatch.setattr(pathlib.Path, "replace", not_across)
    if number == errno.EXDEV:
        list(sink.finish(frozenset(), []))
        assert (tmp_path / "c").read_bytes() == contact() + b"\n"
        assert mode_of(tmp_path / "c") == 0o600
    else:
        with pytest.raises(PermissionError):
            list(sink.finish(frozenset(), []))
    sink.close()

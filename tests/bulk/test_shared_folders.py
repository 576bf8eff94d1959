"""In a folder that others can write, a job takes nothing of theirs, and writes into nothing."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from heymarket_async.bulk import Csv, JsonLines, Parquet, Sqlite, Xlsx
from heymarket_async.bulk.importing.rules import IMPORTED, ImportHeader
from heymarket_async.bulk.store import private_files
from heymarket_async.bulk.store.outcome_file import OutcomeFile, checked_path
from heymarket_async.bulk.store.private_files import (
    UNFINISHED,
    Lock,
    make_private,
    open_own,
    real_path,
)
from tests.bulk.test_files import contact, written

FILES = {
    "c.jsonl": JsonLines,
    "c.csv": Csv,
    "c.parquet": Parquet,
    "c.xlsx": Xlsx,
    "c.jsonl.gz": JsonLines,
}
HEADER = ImportHeader(kind="import", account="a", overwrite=False)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def begun(name: str, folder: Path) -> Path:
    """An unfinished export."""
    sink = FILES[name](folder / name)
    sink.open(None, restart=False)
    sink.write([contact(first="planted")], "{}")
    sink.close()
    return folder / f"{name}.partial"


# Exports


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_a_folder_of_somebody_else_is_refused_by_name(name, restart, give, tmp_path):
    folder = begun(name, tmp_path)
    give(folder)

    sink = FILES[name](tmp_path / name)
    with pytest.raises(PermissionError, match=rf"{name}\.partial belongs to another user \(id"):
        sink.open(None, restart=restart)
    sink.close()

    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("file", ["heymarket-rows", "heymarket-state.json", "heymarket-lock"])
@pytest.mark.parametrize("name", FILES)
def test_a_planted_file_in_ones_own_folder_is_refused_by_name(name, file, give, tmp_path):
    path = begun(name, tmp_path) / file
    path.touch()
    path.chmod(0o666)
    give(path)

    sink = FILES[name](tmp_path / name)
    with pytest.raises(PermissionError, match=rf"{file} belongs to another user .*\. Remove it"):
        sink.open(None, restart=False)
    sink.close()


def test_a_folder_that_others_could_write_is_taken_from_them(tmp_path):
    folder = begun("c.jsonl", tmp_path)
    folder.chmod(0o777)
    (folder / "heymarket-rows").chmod(0o664)
    (folder / "heymarket-state.json").chmod(0o666)

    sink = JsonLines(tmp_path / "c.jsonl")
    assert sink.open(None, restart=False) == "{}"

    assert mode_of(folder) == 0o700
    assert [mode_of(each) for each in folder.iterdir()] == [0o600] * 3
    sink.close()


def test_rows_that_were_replaced_meanwhile_do_not_become_the_file(tmp_path):
    sink = JsonLines(tmp_path / "c")
    sink.open(None, restart=False)
    sink.write([contact()], "{}")
    rows = tmp_path / "c.partial" / "heymarket-rows"
    rows.rename(tmp_path / "mine")
    rows.write_text("planted")

    with pytest.raises(ValueError, match=r"heymarket-rows was replaced meanwhile\. Start anew"):
        list(sink.finish(frozenset(), []))
    sink.close()

    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("name", [*FILES, "c.db"])
def test_a_link_of_somebody_else_is_not_followed(name, give, tmp_path):
    (tmp_path / "mine").write_text("precious")
    link = tmp_path / name
    link.symlink_to(tmp_path / "mine")
    give(link)
    (tmp_path / "own").symlink_to(link)

    for path in (link, tmp_path / "own"):
        with pytest.raises(PermissionError, match=rf"{name} belongs to another user"):
            {**FILES, "c.db": Sqlite}[name](path).open(None, restart=False)
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_link_of_somebody_else_to_a_folder_is_not_followed(give, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "c.partial").symlink_to(tmp_path / "mine")
    give(tmp_path / "c.partial")

    with pytest.raises(PermissionError, match=r"c\.partial belongs to another user"):
        JsonLines(tmp_path / "c").open(None, restart=False)


def test_ones_own_link_to_a_folder_is_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "c.partial").symlink_to(tmp_path / "elsewhere")

    begun("c.jsonl", tmp_path)
    sink = JsonLines(tmp_path / "d")
    sink.open(tmp_path / "c.partial", restart=False)
    sink.write([contact()], "first")
    sink.close()

    assert (tmp_path / "elsewhere" / "heymarket-rows").exists()


# SQLite


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal", ".heymarket-lock"])
def test_a_planted_file_of_a_database_is_refused_by_name(ending, give, tmp_path):
    path = tmp_path / "c.db"
    written(Sqlite(path), contact())
    planted = path.with_name(f"c.db{ending}")
    planted.touch()
    planted.chmod(0o666)
    give(planted)
    before = path.read_bytes()

    with pytest.raises(PermissionError, match=rf"c\.db{ending} belongs to another user"):
        Sqlite(path).open(None, restart=False)

    assert path.read_bytes() == before
    assert mode_of(planted) == 0o666


def test_a_file_that_is_planted_while_a_database_is_opened_is_refused(give, tmp_path, monkeypatch):
    path, check = tmp_path / "c.db", private_files.check_own
    written(Sqlite(path), contact())

    def late(each: Path) -> None:
        check(each)
        if each.name.endswith("-journal"):
            each.touch(0o666)
            give(each)

    monkeypatch.setattr("heymarket_async.bulk.store.database.check_own", late)
    with pytest.raises(PermissionError, match=r"c\.db-journal belongs to another user"):
        Sqlite(path).open(None, restart=False)


# Imports and locks


def test_a_planted_outcome_file_is_refused_by_name(give, tmp_path):
    path = tmp_path / "outcomes"
    path.touch()
    give(path)

    with pytest.raises(PermissionError, match="outcomes belongs to another user"):
        checked_path(path, ImportHeader, resume=True)


async def test_an_outcome_file_that_is_planted_at_the_last_moment_is_refused(give, tmp_path):
    path = tmp_path / "outcomes"
    path.touch()
    give(path)

    with pytest.raises(PermissionError, match="outcomes belongs to another user"):
        async with OutcomeFile(IMPORTED, path, HEADER, resume=True):
            pass


async def test_ones_own_outcome_file_is_taken_from_others(tmp_path):
    path = tmp_path / "outcomes"
    path.touch()
    path.chmod(0o664)

    async with OutcomeFile(IMPORTED, path, HEADER, resume=True):
        assert mode_of(path) == 0o600


def test_a_planted_lock_is_refused_by_name(give, tmp_path):
    (tmp_path / "lock").touch()
    give(tmp_path / "lock")

    with pytest.raises(PermissionError, match="lock belongs to another user"):
        Lock(tmp_path / "lock")


# The rule


def test_only_others_are_kept_from_a_file(tmp_path):
    path = tmp_path / "mine"
    path.touch()
    path.chmod(0o444)
    make_private(path)
    assert mode_of(path) == 0o400

    (tmp_path / "link").symlink_to(path)
    with pytest.raises(OSError, match="link is not a regular file"):
        make_private(tmp_path / "link")
    with pytest.raises(FileNotFoundError):
        make_private(tmp_path / "none")


def refuse(*_: object, **__: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_a_file_that_cannot_be_taken_from_others_is_refused(tmp_path, monkeypatch):
    (tmp_path / "c").touch()
    (tmp_path / "c").chmod(0o666)
    monkeypatch.setattr(private_files.os, "chmod", refuse)

    with pytest.raises(PermissionError, match=r"c is open to .* cannot be changed \(Operation"):
        open_own(tmp_path / "c", os.O_RDONLY)


def looks_like(path: Path) -> Callable[..., object]:
    return lambda **_: path.open("rb")


def test_where_files_have_no_modes_none_is_asked_for(tmp_path, monkeypatch):
    path = tmp_path / "c"
    path.touch()
    path.chmod(0o755)
    monkeypatch.setattr(private_files.os, "chmod", refuse)
    monkeypatch.setattr(private_files.tempfile, "TemporaryFile", looks_like(path))

    make_private(path)


def test_where_the_file_system_says_who_owns_files_new_ones_tell_who(give, tmp_path, monkeypatch):
    path = tmp_path / "c"
    path.touch()
    give(path)
    monkeypatch.setattr(private_files.tempfile, "TemporaryFile", looks_like(path))

    make_private(path)


def test_where_no_file_can_be_made_a_file_of_somebody_else_is_refused(give, tmp_path, monkeypatch):
    path = tmp_path / "c"
    path.touch()
    give(path)
    monkeypatch.setattr(private_files.tempfile, "TemporaryFile", refuse)

    with pytest.raises(PermissionError, match="c belongs to another user"):
        make_private(path)


def test_where_users_have_no_ids_nothing_is_asked_for(give, tmp_path, monkeypatch):
    path = tmp_path / "c"
    path.touch()
    path.chmod(0o666)
    give(path)
    monkeypatch.delattr(private_files.os, "geteuid")

    make_private(path)

    assert mode_of(path) == 0o666


def test_a_part_of_somebody_else_that_cannot_be_removed_is_refused_by_name(
    give, tmp_path, monkeypatch
):
    part = tmp_path / f"c{UNFINISHED}"
    part.touch()
    give(part)
    monkeypatch.setattr(Path, "unlink", refuse)

    with pytest.raises(PermissionError, match=rf"c{UNFINISHED} belongs to another user"):
        private_files.open_new(part)


def test_a_file_that_cannot_be_removed_for_another_reason_says_it(tmp_path, monkeypatch):
    (tmp_path / "c").touch()
    monkeypatch.setattr(Path, "unlink", refuse)

    with pytest.raises(PermissionError, match="Operation not permitted"):
        private_files.open_new(tmp_path / "c")


def test_links_that_go_in_a_circle_are_an_error(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")

    with pytest.raises(OSError, match="symbolic links"):
        real_path(tmp_path / "a")

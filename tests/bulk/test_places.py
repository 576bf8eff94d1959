"""A job checks the places of its files first, and changes nothing that it does not take."""

from __future__ import annotations

import asyncio
import os
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heymarket_async.bulk import Csv, JsonLines, Sqlite
from heymarket_async.bulk.importing.rules import IMPORTED, ImportHeader
from heymarket_async.bulk.store import private_files
from heymarket_async.bulk.store.outcome_file import OutcomeFile, checked_path
from heymarket_async.bulk.store.private_files import behind_links, real_path
from heymarket_async.cli.app import app
from heymarket_async.cli.sinks import sink_of
from tests.bulk.test_files import contact
from tests.bulk.test_shared_folders import HEADER, mode_of, refuse

# Links and pipes


def test_a_link_that_is_planted_after_the_check_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "precious").write_text("mine")
    resolve = Path.resolve

    def late(path: Path, **options: bool) -> Path:
        if not os.path.lexists(tmp_path / "c"):
            (tmp_path / "c").symlink_to(tmp_path / "precious")
        return resolve(path, **options)

    monkeypatch.setattr(Path, "resolve", late)
    assert behind_links(tmp_path / "c") == tmp_path / "c"

    monkeypatch.setattr(Path, "is_symlink", lambda _: False)
    with pytest.raises(ValueError, match="c is a pipe, a device or the like"):
        real_path(tmp_path / "c")


def test_a_link_to_a_folder_by_its_dots_leads_there(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/..")

    assert behind_links(tmp_path / "link") == tmp_path.resolve()


async def opened(path: Path) -> None:
    async with sink_of(path, bom=False, defuse=True):
        pass


@pytest.mark.parametrize("name", ["pipe", "link"])
async def test_a_pipe_of_somebody_else_is_refused_by_name(name, give, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    give(tmp_path / name)
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)

    with pytest.raises(PermissionError, match=rf"{name} belongs to another user"):
        await asyncio.wait_for(opened(tmp_path / name), 5)
    os.close(reader)


async def test_a_pipe_of_somebody_else_is_not_waited_for(give, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    give(tmp_path / "pipe")

    with pytest.raises(PermissionError, match="pipe belongs to another user"):
        await asyncio.wait_for(opened(tmp_path / "pipe"), 5)


async def test_a_pipe_that_was_replaced_before_it_is_opened_is_refused(give, tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    fstat = os.fstat

    def late(descriptor: int) -> os.stat_result:
        give(tmp_path / "pipe")
        return fstat(descriptor)

    monkeypatch.setattr(private_files.os, "fstat", late)
    with pytest.raises(PermissionError, match="pipe belongs to another user"):
        await asyncio.wait_for(opened(tmp_path / "pipe"), 5)
    os.close(reader)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="Linux has it")
async def test_a_pipe_that_the_process_was_given_is_taken_by_its_number():
    reader, writer = os.pipe()
    with closing(os.fdopen(reader, "rb")) as reading:
        path = Path(f"/dev/fd/{writer}")
        async with sink_of(path, bom=False, defuse=True) as sink:
            sink.write([b"{}"], "")
        os.close(writer)
        assert reading.read() == b"{}\n"


# Modes


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o755])
def test_a_folder_with_other_files_is_refused_and_left_as_it_is(mode, tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "notes").touch()
    folder.chmod(mode)

    with pytest.raises(ValueError, match="shared holds other files"):
        JsonLines(tmp_path / "c").open(folder, restart=False)

    assert mode_of(folder) == mode


def test_a_folder_with_a_planted_state_is_left_as_it_is(give, tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "heymarket-state.json").touch()
    give(folder / "heymarket-state.json")

    with pytest.raises(PermissionError, match=r"state\.json belongs to another user"):
        JsonLines(tmp_path / "c").open(folder, restart=False)

    assert mode_of(folder) == 0o777


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize(("mode", "then"), [(0o1777, 0o1777), (0o755, 0o755), (0o775, 0o700)])
def test_a_folder_that_was_there_stays_and_is_closed_only_if_others_could_replace_files(
    mode, then, restart, tmp_path
):
    folder = tmp_path / "kept"
    folder.mkdir()
    folder.chmod(mode)
    sink = JsonLines(tmp_path / "c")
    sink.open(folder, restart=False)
    sink.write([contact()], "{}")
    assert mode_of(folder) == then
    sink.close()

    sink.open(folder, restart=restart)
    sink.write([contact()], "{}")
    list(sink.finish(frozenset(), []))
    sink.close()

    assert (mode_of(folder), list(folder.iterdir())) == (then, [])


async def test_a_file_that_is_no_outcome_file_keeps_its_mode(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("phone\n")
    path.chmod(0o644)

    checked_path(path, ImportHeader, resume=True)
    with pytest.raises(ValueError, match=r"other\.csv is not an outcome file"):
        async with OutcomeFile(IMPORTED, path, HEADER, resume=True):
            pass

    assert mode_of(path) == 0o644


# Places that cannot be written to


@pytest.mark.parametrize("sink", [JsonLines, Csv])
def test_a_file_that_only_another_user_can_replace_is_refused_at_the_start(
    sink, give, tmp_path, monkeypatch
):
    (tmp_path / "c").touch()
    give(tmp_path / "c")
    monkeypatch.setattr(private_files, "_replaces_any_file", lambda _: False)

    with pytest.raises(PermissionError, match=r"c belongs to another user .* cannot be replaced"):
        sink(tmp_path / "c").open(None, restart=False)

    assert [each.name for each in tmp_path.iterdir()] == ["c"]


def test_a_folder_that_cannot_be_written_is_refused_at_the_start(tmp_path, monkeypatch):
    monkeypatch.setattr(private_files.tempfile, "TemporaryFile", refuse)

    with pytest.raises(PermissionError, match=r"Operation not permitted: '.*/c'"):
        JsonLines(tmp_path / "c").open(tmp_path / "elsewhere", restart=False)

    assert list(tmp_path.iterdir()) == []


def test_the_refusal_of_a_folder_is_told_as_the_system_says_it(tmp_path, monkeypatch):
    def no_entry(path: Path, *_: object) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(private_files.os, "open", no_entry)
    with pytest.raises(PermissionError, match=r"Permission denied: '.*c\.db"):
        Sqlite(tmp_path / "c.db").open(None, restart=False)


@pytest.mark.parametrize("planted", ["report", "folder"])
def test_a_report_that_cannot_be_written_is_refused_before_the_account_is_read(
    planted, give, tmp_path, monkeypatch
):
    if planted == "report":
        (tmp_path / "report").touch()
        give(tmp_path / "report")
        monkeypatch.setattr(private_files, "_replaces_any_file", lambda _: False)
    else:
        monkeypatch.setattr(private_files.tempfile, "TemporaryFile", refuse)
    command = ["contacts", "export", "-", "--sandbox", "3", "--report", str(tmp_path / "report")]

    result = CliRunner().invoke(app, command)

    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{tmp_path / 'report'}" in result.stderr

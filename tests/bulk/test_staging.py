"""An unfinished export: what is recorded and what is there fit together, whatever happened."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from heymarket_async.bulk import Csv, JsonLines, Parquet, Xlsx
from heymarket_async.bulk.read import checkpoint
from heymarket_async.bulk.read.checkpoint import TimeSpan
from heymarket_async.bulk.sinks.staging import Packing, Staging, packing_of
from heymarket_async.bulk.store.private_files import beside, replace_file
from heymarket_async.transport.account import Account


def staging(tmp_path, *, packing=None, kind=".jsonl", restart=False) -> Staging:
    return Staging(tmp_path / "c.partial", packing or Packing(), kind=kind, restart=restart)


@pytest.mark.parametrize("name", ["c", "c.gz", "c.zst"])
def test_what_is_added_behind_the_checkpoint_is_cut_off(name, tmp_path):
    packing = packing_of(Path(name))
    one = staging(tmp_path, packing=packing)
    one.add(b"a\nb\n", "first")
    one.close()
    with one.rows.open("ab") as file:
        file.write(b"half a li")

    other = staging(tmp_path, packing=packing)
    assert other.checkpoint == "first"
    assert list(other.lines()) == [b"a", b"b"]
    other.add(b"c\n", "second")
    assert list(other.lines()) == [b"a", b"b", b"c"]
    other.close()


def test_a_checkpoint_that_brought_nothing_new_counts(tmp_path):
    one = staging(tmp_path)
    one.add(b"a\n", "first")
    one.close()
    with one.rows.open("ab") as file:
        file.write(b"half a li")
    other = staging(tmp_path)
    other.add(b"", "second")
    other.close()

    last = staging(tmp_path)
    assert last.checkpoint == "second"
    assert list(last.lines()) == [b"a"]
    last.close()


def test_a_checkpoint_whose_contacts_are_gone_counts_as_none(tmp_path):
    one = staging(tmp_path)
    one.add(b"a\nb\n", "first")
    one.close()
    one.rows.write_bytes(b"a\n")

    other = staging(tmp_path)

    assert other.checkpoint is None
    assert list(other.lines()) == []
    other.close()


def test_a_folder_in_which_nothing_is_recorded_does_not_stay(tmp_path):
    staging(tmp_path).close()

    assert not list(tmp_path.iterdir())


def test_the_name_of_the_folder_is_on_the_disk_before_anything_is_kept_in_it(tmp_path, monkeypatch):
    synced = set[int]()
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.add(os.fstat(file).st_ino), fsync(file)))

    one = staging(tmp_path)

    assert tmp_path.stat().st_ino in synced
    one.close()


def test_a_folder_with_a_file_of_somebody_else_stays(tmp_path):
    one = staging(tmp_path)
    (tmp_path / "c.partial" / "notes").write_text("mine")
    one.close()

    assert [each.name for each in (tmp_path / "c.partial").iterdir()] == ["notes"]


@pytest.mark.parametrize(
    ("sink", "rule"),
    [
        (JsonLines("c.jsonl.gz"), r"into a \.jsonl file, not into a \.jsonl\.gz file\. Continue"),
        (JsonLines("c.jsonl.zst"), r"not into a \.jsonl\.zst file"),
        (Csv("c.csv"), r"not into a \.csv file"),
        (Parquet("c.parquet"), r"not into a \.parquet file"),
        (Xlsx("c.xlsx"), r"not into a \.xlsx file"),
    ],
)
def test_a_folder_of_another_kind_of_file_is_refused_and_kept(sink, rule, tmp_path):
    one = staging(tmp_path)
    one.add(b"a\n", "first")
    one.close()

    with pytest.raises(ValueError, match=rule):
        sink.open(tmp_path / "c.partial", restart=False)
    sink.close()

    other = staging(tmp_path)
    assert list(other.lines()) == [b"a"]
    other.close()
    sink.open(tmp_path / "c.partial", restart=True)
    sink.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("restart", [False, True])
def test_a_folder_of_other_files_is_refused_and_left_alone(restart, tmp_path):
    folder = tmp_path / "c.partial"
    folder.mkdir()
    (folder / "notes").write_text("mine")

    with pytest.raises(ValueError, match=r"c\.partial holds other files .*\. Name another folder"):
        staging(tmp_path, restart=restart)

    assert [(each.name, each.read_text()) for each in folder.iterdir()] == [("notes", "mine")]


def test_a_folder_with_what_a_desktop_leaves_is_taken(tmp_path):
    folder = tmp_path / "c.partial"
    folder.mkdir()
    (folder / ".DS_Store").touch()

    staging(tmp_path).close()

    assert [each.name for each in folder.iterdir()] == [".DS_Store"]


def test_other_files_do_not_keep_an_export_from_being_gone_on_with(tmp_path):
    one = staging(tmp_path)
    one.add(b"a\n", "first")
    (tmp_path / "c.partial" / "notes").touch()
    one.close()

    other = staging(tmp_path)
    assert other.checkpoint == "first"
    other.close()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "c.partial").write_text("mine")

    with pytest.raises(ValueError, match=r"c\.partial is not a folder\. Name a folder"):
        staging(tmp_path)

    assert (tmp_path / "c.partial").read_text() == "mine"


def test_a_state_that_cannot_be_read_is_told(tmp_path):
    one = staging(tmp_path)
    one.add(b"a\n", "first")
    one.close()
    (tmp_path / "c.partial" / "heymarket-state.json").write_text("{")

    with pytest.raises(ValueError, match=r"heymarket-state\.json cannot be read\. Start anew"):
        staging(tmp_path)
    staging(tmp_path, restart=True).close()
    assert not list(tmp_path.iterdir())


def test_a_long_format_in_a_state_is_not_quoted_as_a_whole(tmp_path):
    one = staging(tmp_path)
    one.add(b"a\n", "first")
    one.close()
    state = tmp_path / "c.partial" / "heymarket-state.json"
    content = json.loads(state.read_bytes())
    state.write_text(json.dumps(content | {"kind": ".json" * 1000}))

    with pytest.raises(ValueError, match="holds an unfinished export into a") as raised:
        staging(tmp_path)

    assert len(str(raised.value)) < 500 + len(str(tmp_path))


def test_a_folder_that_is_in_use_is_refused_until_it_is_let_go_of(tmp_path):
    one = staging(tmp_path)
    with pytest.raises(OSError, match="another job is using it"):
        staging(tmp_path)
    one.close()

    staging(tmp_path).close()


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "f"
    replace_file(path, b"one")
    replace_file(path, b"two")

    assert path.read_bytes() == b"two"
    assert [each.name for each in tmp_path.iterdir()] == ["f"]


def test_a_name_beside_a_long_one_is_short(tmp_path):
    assert beside(tmp_path / "c.jsonl", ".partial") == tmp_path / "c.jsonl.partial"

    long = beside(tmp_path / ("é" * 126), ".partial")
    assert long.parent == tmp_path
    assert len(long.name) == 24
    assert long != beside(tmp_path / ("e" * 252), ".partial")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 1}'])
def test_a_checkpoint_that_cannot_be_read_is_told(text):
    with pytest.raises(ValueError, match=r"The checkpoint cannot be read\. Start anew"):
        checkpoint.read(text, account="a", surface="v1", date=None)


def test_a_checkpoint_of_another_version_is_refused():
    with pytest.raises(ValueError, match="The checkpoint belongs to another version: 9, not 1"):
        checkpoint.read('{"version": 9}', account="a", surface="v1", date=None)


def test_a_checkpoint_is_what_was_stored():
    account = Account("team 1 of a", "credentials b of a")
    one = checkpoint.new(account=account, surface="v2", date="2026-01-01T00:00:00Z")
    one.spans.append(TimeSpan(above="x", at="y", sharing=3))

    assert one.ascending is True
    assert checkpoint.new(account=account, surface="v1").ascending is None
    assert checkpoint.read(one.text, account=account, surface="v2", date=one.date) == one


def test_what_was_added_in_part_is_cut_off(tmp_path, monkeypatch):
    staged = Staging(tmp_path / "s", Packing(), kind=".jsonl", restart=False)
    staged.add(b"1\n", "one")
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(OSError, match="No space"):
        staged.add(b"torn", "two")
    monkeypatch.undo()

    staged.add(b"2\n", "three")

    assert list(staged.lines()) == [b"1", b"2"]
    staged.close()


def _full(descriptor):
    raise OSError(errno.ENOSPC, "No space left on device")

"""The file of rejected rows: readable by the same command, and safe in a spreadsheet."""

from __future__ import annotations

import csv
import io
import random
import stat
from pathlib import Path

import msgspec
import pytest

from heymarket_async.bulk import RejectedRow, SourceRow
from heymarket_async.bulk.importing import rejected_file
from heymarket_async.bulk.importing.rejected_file import RejectedFile
from heymarket_async.bulk.sinks.tables import as_it_was
from heymarket_async.bulk.store.private_files import lock
from tests.bulk.importing.imports import BATCH, account, new


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.csv.rejected.csv"


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def cells_in(path: Path, delimiter: str = ",") -> list[list[str]]:
    text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


def write(path: Path, *rows: list[str], headings: tuple[str, ...] = ("Phone", "Name")) -> Path:
    with RejectedFile(path, headings) as file:
        for row in rows:
            file.add(row, "no phone (line 5)")
    assert file.written is not None
    return file.written


def test_rows_have_their_cells_and_the_reason(path):
    assert write(path, ["1555", 'Zoë "Z"'], ["", "two\nlines, one cell"]) == path

    assert cells_in(path) == [
        ["Phone", "Name", "import_error"],
        ["1555", 'Zoë "Z"', "no phone (line 5)"],
        ["", "two\nlines, one cell", "no phone (line 5)"],
    ]
    assert path.read_bytes().startswith(b"\xef\xbb\xbf"), "for spreadsheets"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names_in(path.parent) == [path.name]


def test_no_cell_is_a_formula_and_a_reader_gets_the_same_cells(path):
    rng = random.Random(6)
    rows = [["".join(rng.choices("=+-@'\";,\t\n\r a1\uff1d", k=rng.randrange(7))) for _ in range(3)]
            for _ in range(3000)]  # fmt: skip
    rows += [["=1+1", "+1 (415) 555-0100", "a;=1+1"], ["+14155550100", "@x", "-5"]]

    write(path, *rows, headings=("=a", "b", "c"))

    headings, *read = cells_in(path)
    assert [as_it_was(each) for each in headings] == ["=a", "b", "c", "import_error"]
    assert [[as_it_was(cell) for cell in row[:3]] for row in read] == [
        [as_it_was(cell) for cell in row] for row in rows
    ]
    for row in [headings, *read]:
        assert not any(cell[:1] in {"=", "@", "\t", "\r", "\n", "\uff1d"} for cell in row)
    assert read[-2][:3] == ["'=1+1", "'+1 (415) 555-0100", "a;'=1+1"]
    assert read[-1][:3] == ["+14155550100", "'@x", "-5"]


def test_rows_with_too_few_and_too_many_cells_keep_the_reason_in_its_column(path):
    write(path, [], ["1"], ["1", "2", "3", "4"])

    reason = "no phone (line 5)"
    assert cells_in(path)[1:] == [["", "", reason], ["1", "", reason], ["1", "2", reason, "3", "4"]]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_column_of_an_earlier_import_is_replaced(place, path):
    headings = ["Phone", "Name"]
    headings.insert(place, " Import_Error")
    row = ["1", "2", "3", "4"]
    row[place] = "old"

    write(path, row, headings=tuple(headings))

    row[place] = "no phone (line 5)"
    headings[place] = "import_error"
    assert cells_in(path) == [headings, row]


def test_another_delimiter_is_used(path):
    with RejectedFile(path, ["a", "b"], delimiter=";") as file:
        file.add(["1;2", "3,4"], "bad")

    assert cells_in(path, ";")[1] == ["1;2", "3,4", "bad"]


def test_bytes_that_are_not_utf_8_stay(path):
    write(path, [b"Zo\xeb".decode("utf-8", "surrogateescape"), "\ud83d"])

    assert path.read_bytes().endswith(b"\r\nZo\xeb,\xef\xbf\xbd,no phone (line 5)\r\n")


def test_objects_of_json_get_a_key(tmp_path):
    path = tmp_path / "people.jsonl.rejected.jsonl"
    lines = [
        '{"phone": "1555", "n": 1.0, "id": 12345678901234567890123, "first": "Zo\\u00eb"}',
        '{"import_error": "old", "phone": null}\n',
        b"{}\r\n",
        '{"first": "\\ud83d", "x": NaN}',
        '{"phone": 1',
        "[1, 2]\n",
    ]
    with RejectedFile(path, None) as file:
        for line in lines:
            file.add(line, 'has "no" phone')

    reason = '"import_error":"has \\"no\\" phone"'
    assert file.written == path
    assert path.read_text().splitlines() == [
        '{"phone":"1555","n":1.0,"id":12345678901234567890123,"first":"Zo\\u00eb",' + reason + "}",
        '{"phone":null,' + reason + "}",
        "{" + reason + "}",
        '{"first":"\\ufffd","x":null,' + reason + "}",
        '{"phone": 1',
        "[1, 2]",
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_rows_there_is_no_file(path):
    with RejectedFile(path, ["Phone"]) as file:
        assert names_in(path.parent) != []

    assert (file.written, names_in(path.parent)) == (None, [])


def test_a_file_that_is_there_is_never_overwritten(path):
    path.write_text("precious")
    second, third = (path.with_name(f"people.csv.rejected-{n}.csv") for n in (2, 3))

    assert [write(path, ["1", "2"]), write(path, ["1", "2"])] == [second, second]
    assert [write(path, ["1", "3"]), write(path, ["1", "3"])] == [third, third]

    assert path.read_text() == "precious"
    assert names_in(path.parent) == sorted(each.name for each in (path, second, third))
    assert cells_in(third)[1][1] == "3"


def test_an_equal_file_is_made_private(path):
    write(path, ["1", "2"])
    path.chmod(0o644)

    assert write(path, ["1", "2"]) == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["link", "folder", "unreadable"])
def test_a_name_that_is_taken_by_something_else_is_left_alone(kind, path, tmp_path, monkeypatch):
    if kind == "link":
        path.symlink_to(tmp_path / "elsewhere.csv")
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_text("x")

        def compare(*_: object, **__: object) -> bool:
            raise PermissionError

        monkeypatch.setattr(rejected_file.filecmp, "cmp", compare)

    assert write(path, ["1", "2"]) == path.with_name("people.csv.rejected-2.csv")
    assert not (tmp_path / "elsewhere.csv").exists()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_the_rows_so_far_are_kept(error, path):
    with pytest.raises(error), RejectedFile(path, ["Phone"]) as file:
        file.add(["1"], "bad")
        raise error

    assert (file.written, names_in(path.parent)) == (path, [path.name])
    assert cells_in(path)[1] == ["1", "bad"]


def test_what_a_killed_job_left_is_replaced(path):
    part = path.with_name(path.name + ".heymarket-new")
    part.write_text("half a ro")

    write(path, ["1", "2"])

    assert names_in(path.parent) == [path.name]
    assert "half" not in path.read_text()


def test_another_job_is_not_disturbed(path):
    part = path.with_name(path.name + ".heymarket-new")
    with part.open("wb") as other:
        lock(other.fileno(), part)

        with pytest.raises(OSError, match="another job is using it"), RejectedFile(path, ["a"]):
            raise AssertionError("it must not be opened")

    assert names_in(path.parent) == [part.name]


def test_a_folder_that_is_missing_is_named_before_anything_is_done(tmp_path):
    with pytest.raises(FileNotFoundError), RejectedFile(tmp_path / "no" / "x.csv", ["a"]):
        raise AssertionError("it must not be opened")


def test_the_name_is_never_that_of_an_empty_file(path, monkeypatch):
    """A disk that becomes read-only would keep it, and so would a power loss."""

    def read_only(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    for name in ("open", "replace"):
        monkeypatch.setattr(rejected_file.Path, name, read_only)

    assert write(path, ["1", "2"]) == path
    monkeypatch.undo()
    assert (len(cells_in(path)), names_in(path.parent)) == (2, [path.name])


def test_a_file_system_without_links_keeps_what_is_there(path, monkeypatch):
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(rejected_file.Path, "hardlink_to", refused)
    path.write_text("precious")
    second = path.with_name("people.csv.rejected-2.csv")

    assert write(path, ["1", "2"]) == second
    assert (path.read_text(), names_in(path.parent)) == ("precious", [second.name, path.name])


@pytest.mark.parametrize("is_late", [False, True])
def test_a_full_disk_leaves_nothing_behind(is_late, path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if is_late:
        for name in ("hardlink_to", "replace"):
            monkeypatch.setattr(rejected_file.Path, name, full)
    else:
        monkeypatch.setattr(rejected_file.os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device: ") as raised:
        write(path, ["1", "2"])

    assert (raised.value.filename, names_in(path.parent)) == (str(path), [])


def test_a_file_that_is_not_open_takes_no_row(path):
    file = RejectedFile(path, ["a"])
    with pytest.raises(RuntimeError, match="not open"):
        file.add(["1"], "bad")
    file.__exit__(None, None, None)


async def test_an_import_writes_its_rejected_rows(path):
    rows = [
        SourceRow(new(1), ["a", "b"]),
        SourceRow(RejectedRow("no phone (line 3)"), ["c", "d"]),
        SourceRow(new(2), ["e", "f"]),
    ]
    async with account() as it:
        it.faults.answer(422, on=BATCH, times=2)
        with RejectedFile(path, ["Phone", "Name"]) as file:
            await it.imports(rows, on_rejected=file.add)

    _, *written = cells_in(path)
    assert [row[:2] for row in written] == [["c", "d"], ["a", "b"]]
    assert written[0][2] == "no phone (line 3)"
    assert msgspec.json.encode(written)

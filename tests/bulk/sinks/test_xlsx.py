"""Spreadsheets as exports: all text, whole, and the same contacts when they come back in."""

from __future__ import annotations

import errno
import gc
import io
import json
import zipfile

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heymarket_async import ContactField
from heymarket_async.bulk import Csv, JobError, Xlsx, export_contacts
from heymarket_async.bulk.contact_files import spreadsheet
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.headings import headings_of
from heymarket_async.bulk.sinks import xlsx
from heymarket_async.bulk.sinks.tables import as_it_was
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.accounts import client_of
from tests.bulk.test_files import PLAN, PRICE, contact, rows_of, written


def read(path) -> list[dict[str, str]]:
    """Return the rows as an import reads them."""
    with path.open("rb") as file:
        table = spreadsheet.read(
            file, is_phone_heading=lambda heading: heading == "phone", notes=Notes()
        )
        return [dict(zip(table.headings, row.cells, strict=True)) for row in table]


async def test_all_fields_of_an_export_come_back(tmp_path):
    readings = Readings(undocumented_keys=True, list_has_channels=True, list_has_uuid=True)
    async with Sandbox(contacts=300, seed=2, readings=readings) as sandbox:
        async with client_of(sandbox) as client:
            await export_contacts(client, Csv(tmp_path / "c.csv", defuse=False))
            report = await export_contacts(client, Xlsx(tmp_path / "c.xlsx"))

    assert report.contacts == 300
    assert (tmp_path / "c.xlsx").stat().st_mode & 0o777 == 0o600
    assert read(tmp_path / "c.xlsx") == rows_of(tmp_path / "c.csv")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["c.csv", "c.xlsx"]


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    first=st.text(st.characters(codec="utf-8"), max_size=20),
    title=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
    value=st.sampled_from(
        ["=1+1", "_x0041_", "\r\n", "http://example.com", "{=1}", " ", "007", "\x00"]
    ),
)
def test_every_text_comes_back_as_it_was(first, title, value, tmp_path):
    field = ContactField(id=5, title=f"a{title}")
    lines = contact(first=first, custom={"5": value}), contact(id=2, first="end")

    written(Xlsx(tmp_path / "c"), *lines, fields=[field])

    whole = str.maketrans({"\ufffe": "\ufffd", "\uffff": "\ufffd"})
    row = read(tmp_path / "c")[0]
    heading = headings_of([field])["5"]
    assert as_it_was(row["first"]) == first.translate(whole)
    assert row[heading.translate(whole)] == value


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1", "=1"), ("'=1", "''=1"), ("''=1", "'''=1"), ("a;=1", "a;=1"), ("a;'=1", "a;''=1"),
        ("'-5", "'-5"), ("O'Neil", "O'Neil"), ("'", "'"),
    ],
)  # fmt: skip
def test_only_a_formula_behind_an_apostrophe_gets_one_more(text, cell, tmp_path):
    written(Xlsx(tmp_path / "c"), contact(first=text))

    assert read(tmp_path / "c")[0]["first"] == cell
    assert as_it_was(cell) == text


def test_everything_is_text_and_nothing_is_a_formula_or_a_link(tmp_path):
    phone, number = "15105553344", 2**63 - 1
    sent = contact(
        id=number, phone=phone, first="=1+1", last="http://example.com", is_opted_out=True
    )
    written(Xlsx(tmp_path / "c.xlsx"), sent, fields=[ContactField(id=5, title="=HYPERLINK(1)")])

    sheet = openpyxl.load_workbook(tmp_path / "c.xlsx").active
    headings, cells = sheet.iter_rows()
    values = {
        heading.value: cell.value
        for heading, cell in zip(headings, cells, strict=True)
        if cell.value
    }
    assert {cell.data_type for cell in (*headings, *cells) if cell.value} <= {"s", "inlineStr"}
    assert all(cell.hyperlink is None for cell in cells)
    assert {cell.number_format for cell in cells if cell.value} == {"@"}
    assert values["id"] == str(number)
    assert values["phone"] == phone
    assert values["first"] == "=1+1"
    assert values["is_opted_out"] == "true"
    assert "=HYPERLINK(1)" in {heading.value for heading in headings}
    content = zipfile.ZipFile(tmp_path / "c.xlsx").read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in content
    assert b"<hyperlink" not in content


def test_the_headings_stay_in_view_and_filter_the_rows(tmp_path):
    written(Xlsx(tmp_path / "c.xlsx"), contact(), contact(id=2))

    sheet = openpyxl.load_workbook(tmp_path / "c.xlsx").active
    assert sheet.title == "Contacts"
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == sheet.dimensions.split(":")[0] + ":AB3"


def test_an_empty_account_makes_headings_alone(tmp_path):
    assert written(Xlsx(tmp_path / "c.xlsx")) == []

    sheet = openpyxl.load_workbook(tmp_path / "c.xlsx").active
    assert sheet.max_row == 1
    assert sheet["A1"].value == "id"


def test_the_same_contacts_make_the_same_file(tmp_path):
    for name in "ab":
        written(Xlsx(tmp_path / name), contact(first="Jordan"), fields=[PLAN, PRICE])

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a" * 32_767, True),
        ("a" * 32_768, False),
        ("\N{GRINNING FACE}" * 16_383, True),
        ("\N{GRINNING FACE}" * 16_384, False),
    ],
)
def test_a_cell_that_is_too_long_ends_the_export_and_keeps_the_old_file(text, fits, tmp_path):
    path = tmp_path / "c"
    written(Xlsx(path), contact(first="old"))
    if fits:
        written(Xlsx(path), contact(first=text))
        assert read(path)[0]["first"] == text
        return

    with pytest.raises(JobError, match=r'A cell of "first" has more than 32,767.*Use Csv') as error:
        written(Xlsx(path), contact(first=text))

    assert error.value.reason == "too_large_for_xlsx"
    assert read(path)[0]["first"] == "old"
    assert {file.name for file in tmp_path.rglob("*")} == {
        "c", "c.partial", "heymarket-rows", "heymarket-state.json",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "problem"),
    [("_MOST_ROWS", "The account has more than 2 contacts"), ("_MOST_COLUMNS", "2 columns")],
)
def test_a_table_that_is_too_large_ends_the_export(name, problem, tmp_path, monkeypatch):
    monkeypatch.setattr(xlsx, name, 2)

    with pytest.raises(JobError, match=problem):
        written(Xlsx(tmp_path / "c"), *(contact(id=number) for number in range(3)))

    assert not (tmp_path / "c").exists()


def test_a_full_disk_is_an_error_of_the_system(tmp_path):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    sink = Xlsx(tmp_path / "c")
    sink.open(None, restart=False)
    sink.write([contact()], "{}")

    with pytest.raises(OSError, match="No space left"):
        list(sink._render([contact()], [], Full()))
    sink.close()
    gc.collect()  # a failure in there is a warning, and warnings are errors


def test_an_export_that_is_interrupted_leaves_no_parts_behind(tmp_path):
    sink = Xlsx(tmp_path / "c")
    sink.open(None, restart=False)
    sink.write([contact(id=number) for number in range(6000)], "{}")
    scratch = tmp_path / "c.partial" / "heymarket-scratch"
    scratch.mkdir()
    (scratch / "old").write_text("of a killed export")
    steps = sink.finish(frozenset(), [])
    assert next(steps) == 5000
    assert [file.name for file in scratch.iterdir()] != ["old"]

    steps.close()
    sink.close()

    assert [file.name for file in tmp_path.iterdir()] == ["c.partial"]
    assert not scratch.exists()
    assert (
        json.loads((tmp_path / "c.partial" / "heymarket-state.json").read_text())["kind"] == ".xlsx"
    )

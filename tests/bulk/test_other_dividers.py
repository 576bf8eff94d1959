"""A spreadsheet that divides CSV at semicolons or tabs, where our quotes are none, runs nothing."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async import ContactField
from heymarket_async.bulk import Csv
from heymarket_async.bulk.contact_files.contacts import ContactReader
from heymarket_async.bulk.contact_files.formats import open_contacts
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.plan import plan_of
from heymarket_async.bulk.sinks.tables import as_it_was, harmless
from tests.bulk.test_files import contact, written

PLAN = ContactField(id=5, title="Plan;=1+1;")
RUN = re.compile(r"[\t\r\n]*(?![+-]?\d+(\.\d+)?$)[=+\-@－]")  # noqa: RUF001 - meant
SNEAKY = [
    "a;=1+1;b", "a\t=1+1\tb", 'a;"=1+1;b', 'a;""@x;b', "a\n=1+1;b", "a\r-1-1;", ";+1+1", "a;－1;",  # noqa: RUF001 - meant
    "=1;=2", "a;-5", ' \t"@x', " \r\n=1", "\t ;=1",
]  # fmt: skip


def run_in(text: str) -> list[str]:
    """The cells that a spreadsheet would run which divides at something else."""
    tables = [csv.reader(io.StringIO(text, newline=""), delimiter=each) for each in ";\t"]
    return [cell for table in tables for row in table for cell in row if RUN.match(cell)]


@pytest.mark.parametrize("cell", SNEAKY)
def test_a_cell_is_defused_where_another_divider_would_begin_one(cell, tmp_path):
    path = tmp_path / "c"
    line = contact(first=cell, custom={"5": cell}, phone="15105550000", more=cell)
    written(Csv(path), line, fields=[PLAN])

    assert run_in(path.read_bytes().decode()) == []

    written(Csv(path, defuse=False), line, fields=[PLAN])
    assert run_in(path.read_bytes().decode())


@pytest.mark.parametrize("cell", SNEAKY)
def test_a_cell_that_was_defused_is_imported_as_it_was(cell, tmp_path):
    path = tmp_path / "c"
    written(Csv(path), contact(custom={"5": cell}, phone="15105550000"), fields=[PLAN])

    with path.open("rb") as file:
        table = open_contacts(file, "c.csv", is_phone_heading="phone".__eq__, notes=Notes())
        plan = plan_of(table.headings, table.head(1), [PLAN])
        reader = ContactReader(plan, phone=str, notes=Notes())
        (row,) = reader.of_table(table)

    assert row.item.custom == {"5": cell}


texts = st.lists(st.text(";\t\r\n\"=+-@＝',a1. ", max_size=9), max_size=4)  # noqa: RUF001 - meant


@given(texts)
def test_whatever_cells_hold_nothing_is_run(cells):
    text = io.StringIO(newline="")
    csv.writer(text).writerow([1, *harmless(cells)])

    assert run_in(text.getvalue()) == []


@given(texts)
def test_every_text_comes_back_exactly(cells):
    assert [as_it_was(str(cell)) for cell in harmless(cells)] == cells


@pytest.mark.parametrize(
    "cell", ["'=x", "''=x", "a;'=x", "'\t'=1", ";'\"=1", "' =x", "'-5", "it's"]
)
def test_a_text_with_apostrophes_of_its_own_keeps_them(cell):
    (written_cell,) = harmless([cell])

    assert as_it_was(str(written_cell)) == cell
    assert (written_cell == cell) is (cell in {"' =x", "'-5", "it's"})

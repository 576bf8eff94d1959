"""Each custom field has a heading that no program confuses with another one."""

from __future__ import annotations

import csv
import io
import sqlite3

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async import ContactField
from heymarket_async.bulk.headings import compared, headings_of, ids_by_heading
from heymarket_async.bulk.kind import COLUMNS
from heymarket_async.bulk.sinks.tables import Table, as_it_was, harmless


def headings(*titles: str) -> list[str]:
    fields = [ContactField(id=number, title=title) for number, title in enumerate(titles, 1)]
    return list(headings_of(fields).values())


@pytest.mark.parametrize(
    "title", ["Plan", "Renewal Date", "Größe in cm", "Size (L)", "Q3 goals", "2024", "=x"]
)  # fmt: skip
def test_a_clear_title_is_the_heading(title):
    assert headings(title) == [title]


@pytest.mark.parametrize(
    "title",
    [
        "Email Suppressions", "Assignee ID", "Display Name", "E mail", "E-mail", "Phone", "PHONE #",
        "first", "other", "Custom", "custom:5", "Import error", "Is_Opted-Out", "ph\u200bone",
    ],
)  # fmt: skip
def test_a_title_that_reads_like_a_field_has_its_id(title):
    assert headings(title) == [f"{title} (1)"]


@pytest.mark.parametrize(
    "title",
    ["007", "1.0", "1,200", "1e5", "50%", "$5", "1/2", "2026-04-12", "Mar-24", "5 March",
     "10:30 am", "(5)", "12345678901234567890", "True", "FALSE"],
)  # fmt: skip
def test_a_title_that_a_spreadsheet_reads_as_a_value_has_its_id(title):
    assert headings(title) == [f"{title} (1)"]


@pytest.mark.parametrize(
    "second", ["PLAN", " Plan  name ", "Plan\nname", "Plan name\u200b", "'Plan name"]
)
def test_the_oldest_of_confusing_titles_keeps_its_title(second):
    if second == "PLAN":
        assert headings("Plan", "PLAN") == ["Plan", "PLAN (2)"]
    else:
        assert headings("Plan name", second)[0] == "Plan name"
        assert headings("Plan name", second)[1].endswith(" (2)")


@pytest.mark.parametrize("title", ["", " ", "\n\t", "\0"])
def test_a_field_without_a_title_is_named_by_its_id(title):
    assert headings("Plan", title) == ["Plan", "custom:2"]


def test_a_heading_that_another_title_has_taken_gets_its_id_again():
    fields = [ContactField(id=9, title="Plan"), ContactField(id=8, title="Plan")]
    fields.append(ContactField(id=13, title="Plan (9)"))

    assert list(headings_of(fields).values()) == ["Plan", "Plan (9)", "Plan (9) (13)"]


def test_a_heading_is_on_one_line_without_surplus_white_space():
    assert headings(" two\r\nlines\0 and\u00a0 \u2028more ") == ["two lines and more"]


titles = st.text(st.sampled_from("'=+-@\";\n\r\t\0\x1f\u200b\u00a0 aAbß１1(.)é/:$%_🎉"), max_size=6)  # noqa: RUF001 - meant
odd = titles | st.sampled_from(["Plan", "plan ", "E mail", "id", "other", "custom:1", "X (2)", "X"])
fields_of = st.lists(odd, max_size=8).map(
    lambda titles: [ContactField(id=number, title=title) for number, title in enumerate(titles)]
)


@given(fields_of)
def test_every_heading_leads_to_its_field_with_apostrophes_or_without(fields):
    shown, ids = headings_of(fields), ids_by_heading(fields)

    defused = [str(heading) for heading in harmless(shown.values())]
    for found in (shown.values(), defused, map(as_it_was, defused), map(str.upper, defused)):
        assert [ids[compared(heading)] for heading in found] == list(shown)


@given(fields_of)
def test_sqlite_and_duckdb_read_every_heading(fields):
    names = list(Table(fields).columns)
    text = io.StringIO(newline="")
    csv.writer(text).writerows([harmless(names), ["1"] * len(names)])
    quoted = ", ".join('"' + name.replace('"', '""') + '" TEXT' for name in names)
    with sqlite3.connect(":memory:") as database:
        database.execute(f"CREATE TABLE t ({quoted})")
    database.close()

    read = duckdb.read_csv(io.StringIO(text.getvalue()), header=True).columns

    assert read == [str(each) for each in harmless(names)]


def test_no_heading_is_that_of_another_column():
    assert {name.replace("_", " ") + " (1)" for name in COLUMNS} == {
        headings(name.replace("_", " "))[0] for name in COLUMNS
    }

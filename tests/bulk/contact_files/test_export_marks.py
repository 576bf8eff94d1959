"""Marks of an export: words for empty cells, rows of tables in JSON, and a past as CSV."""

from __future__ import annotations

import pytest

from heymarket_async.bulk.contact_files.export_marks import (
    empty_words,
    is_table_row,
    was_csv,
    words_of_record,
)

PANDAS = {"nan", "NaN", "<NA>", "NaT", "None"}
HEADINGS = ["id", "first", "assigned_user_id", "shared"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["1", "None", "", "true"], ["2", "NULL", "4203", ""]], set()),
        ([["1", "Zoë", "4203", "true"], ["2", "None", "nan", "true"]], PANDAS),
        ([["1", "Zoë", "4203", "None"]], PANDAS),
        ([["1", "nan", "NULL", ""]], {"NULL"}),
        ([["1", "nan", "NULL", "nan"]], {*PANDAS, "NULL"}),
        ([], set()),
    ],
)
def test_words_stand_for_empty_cells_if_ids_and_booleans_have_them(rows, words):
    assert empty_words(HEADINGS, rows) == words


def test_a_record_shows_its_own_words():
    assert words_of_record({"id": "1", "first": "None", "inbox_id": "None"}) == PANDAS
    assert words_of_record({"id": 1, "first": "None", "inbox_id": None}) == set()


def test_a_row_of_a_table_has_titles_instead_of_the_object_of_custom_fields():
    row = {"id": 1, "rev": 1, "updated": "", "Plan": "a"}

    assert is_table_row(row)
    assert not is_table_row({**row, "custom": {}})
    assert not is_table_row({"id": 1, "updated": ""})


def test_a_table_tool_that_read_csv_changes_the_types_of_ids_or_phones():
    assert was_csv(has_text_ids=True, has_numeric_phones=False)
    assert was_csv(has_text_ids=False, has_numeric_phones=True)
    assert not was_csv(has_text_ids=False, has_numeric_phones=False)

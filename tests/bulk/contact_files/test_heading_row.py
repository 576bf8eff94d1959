"""The headings are found, and titles, footers and columns that say nothing are left out."""

from __future__ import annotations

import pytest

from heymarket_async.bulk.contact_files.heading_row import table_of
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.table import Row
from tests.bulk.contact_files.opening import (
    cells_of,
    is_phone_heading,
    notes_of,
    opened,
    problems_of,
)

TABLE = "phone,first,last\n1,a,b\n2,,\n3,c,d\n"
ROWS = [["phone", "first", "last"], ["1", "a", "b"], ["2", "", ""], ["3", "c", "d"]]


def test_a_plain_table_is_given_without_a_remark():
    assert cells_of(TABLE) == ROWS
    assert notes_of(TABLE) == []


@pytest.mark.parametrize(
    ("titles", "note"),
    [
        ("My contacts\n", "A line above the headings was left out."),
        ("My contacts,,\n\n,,\n", "A line above the headings was left out."),
        ("Report,All\n\nAs of,2026-01-05\n" + "x\n" * 17,
         "19 lines above the headings were left out."),
    ],
)  # fmt: skip
def test_titles_above_the_headings_are_left_out(titles, note):
    assert cells_of(titles + TABLE) == ROWS
    assert notes_of(titles + TABLE) == [note]
    assert next(opened(titles + TABLE)).number == titles.count("\n") + 2


def test_titles_of_another_width_than_the_table_do_not_hide_the_delimiter():
    assert cells_of("All, of them\n" + TABLE.replace(",", ";")) == ROWS


@pytest.mark.parametrize(
    "text",
    [
        "Name,Number,Kind\nJo,5105550144,Mobile\n",  # a phone is no heading
        "Name,Number\nJo,Mobile\n",
        "Name,Number,\nJo,5105550144,Mobile\n",
        "Name,Number,Kind,\nJo,unknown,Mobile,x\n",
        "Name,Number,Kind\nJo,jo@example.com,Mobile\n",
        "x,y,z\n" + "a,b,c\n" * 20 + "phone,first,last\n",
    ],
)
def test_a_row_of_a_contact_is_never_taken_for_headings(text):
    first, *rows = [row.split(",") for row in text.splitlines()]

    assert cells_of(text) == [first, *rows]
    assert notes_of(text) == []


def test_a_title_may_be_a_row_that_cannot_be_read():
    assert cells_of('"My" contacts\n' + TABLE) == ROWS


@pytest.mark.parametrize(
    "text",
    ["phone,a,\n1,b,\n2,c,\n", "phone,a,,,\n1,b,,,\n2,c\n", "phone,a, \n1,b,\n2,c, ,\n"],
)
def test_columns_at_the_end_without_heading_and_cells_are_dropped(text):
    assert cells_of(text) == [["phone", "a"], ["1", "b"], ["2", "c"]]
    assert notes_of(text) == []


def test_a_column_without_heading_that_has_cells_stays():
    assert cells_of("phone,,\n1,a,\n2,b,\n3,,\n") == [
        ["phone", ""], ["1", "a"], ["2", "b"], ["3", ""],
    ]  # fmt: skip


def test_late_cells_of_a_column_that_was_dropped_are_counted():
    text = "phone,a,\n" + "1,b,\n" * 20 + "2,c,x\n3,d,y\n"

    assert cells_of(text)[-2:] == [["2", "c"], ["3", "d"]]
    assert notes_of(text) == ["Cells in columns without a heading, which were left out: 2."]


def test_a_cell_more_than_there_are_columns_is_a_problem():
    assert problems_of("phone,a,\n1,b,,c\n2\n") == [
        (2, "4 cells, but the heading row has 3"),
        (3, "1 cell, but the heading row has 3"),
    ]


@pytest.mark.parametrize("heading", ["", "Unnamed: 0", "Unnamed: 0.1"])
@pytest.mark.parametrize("numbers", ["0 1 2", "7 9 1000"])
def test_a_first_column_that_numbers_the_rows_is_dropped(heading, numbers):
    first, second, third = numbers.split()
    text = f"{heading},phone,a\n{first},1,x\n{second},2,\n{third},3,z\n"

    assert cells_of(text) == [["phone", "a"], ["1", "x"], ["2", ""], ["3", "z"]]
    assert notes_of(text) == ["The first column only numbers the rows, and was left out."]


def test_two_columns_that_number_the_rows_are_dropped():
    text = "Unnamed: 0.1,Unnamed: 0,phone\n0,0,1\n1,1,2\n"

    assert cells_of(text) == [["phone"], ["1"], ["2"]]


@pytest.mark.parametrize(
    "column", ["0 0", "1 a", "15105550144 15105550145", "2 1", "-1 0", "0.5 1.5"]
)
def test_another_first_column_without_heading_stays(column):
    first, second = column.split()
    text = f",phone\n{first},1\n{second},2\n"

    assert cells_of(text) == [["", "phone"], [first, "1"], [second, "2"]]


def test_a_table_without_rows_keeps_its_first_column():
    assert cells_of(",phone\n") == [["", "phone"]]


@pytest.mark.parametrize(
    ("footer", "note"),
    [
        ("Total: 3\n", "A line below the last contact was taken for a footer."),
        ("\n\n,,\nMy list\n\nCopyright (c) 2000-2026 Example\nConfidential Information\n",
         "3 lines below the last contact were taken for a footer."),
        (",Exported,\n", "A line below the last contact was taken for a footer."),
    ],
)  # fmt: skip
def test_a_footer_is_left_out(footer, note):
    text = "first,last,phone\na,b,1\nc,,2\n" + footer

    assert cells_of(text) == [["first", "last", "phone"], ["a", "b", "1"], ["c", "", "2"]]
    assert notes_of(text) == [note]


def test_in_the_column_of_phones_only_words_of_a_footer_are_one():
    for last in ("4", "555-0100 home", "call Jo"):
        rows = list(opened(TABLE + last + ",,\n"))
        assert rows[-1].cells == [last, "", ""]
    for last in ("Total: 4", "Generated by x 2026-01-05 10:10", "Copyright 2000-2026"):
        assert cells_of(TABLE + last + "\n") == ROWS


def test_rows_with_one_cell_are_rows_if_a_fuller_one_follows():
    text = "first,last,phone\na,,\nb,,\nc,d,3\n"

    assert cells_of(text)[1:] == [["a", "", ""], ["b", "", ""], ["c", "d", "3"]]
    assert notes_of(text) == []


def test_a_row_that_cannot_be_read_is_not_a_footer():
    assert problems_of('first,last,phone\na,b,1\n"c"d\n')[0][0] == 3


@pytest.mark.parametrize("count", [21, 45])
def test_more_rows_with_one_cell_than_a_footer_has_are_rows(count):
    text = "first,last,phone\n" + "a,,\n" * count

    assert len(cells_of(text)) == count + 1
    assert notes_of(text) == []
    assert len(cells_of(text + "b,c,1\nTotal\n")) == count + 2


def test_a_small_table_has_no_footer():
    assert cells_of("first,phone\na,1\nb,\n")[-1] == ["b", ""]


def test_rows_of_a_spreadsheet_are_called_rows():
    notes, closed = Notes(), []
    rows = [Row(n, cells) for n, cells in enumerate([["A list"], ["phone"], ["1"]], 1)]

    table = table_of(
        iter(rows),
        is_phone_heading=is_phone_heading,
        notes=notes,
        unit="row",
        close=lambda: closed.append(True),
    )
    table.close()

    assert (table.headings, list(table)) == (["phone"], [Row(3, ["1"])])
    assert (table.unit, notes.lines()) == ("row", ["A row above the headings was left out."])
    assert closed == [True]


def test_all_of_it_is_read_row_by_row():
    def rows():
        yield Row(1, ["phone", "first", "last"])
        for number in range(2, 100):
            read.append(number)
            yield Row(number, ["1", "a", "b"])

    read: list[int] = []
    table = table_of(rows(), is_phone_heading=is_phone_heading, notes=Notes())

    assert read == []
    assert next(table).number == 2
    assert read == [2]


def test_rows_that_repeat_the_headings_are_left_out_with_a_remark():
    rows = [["Name", "Phone"], ["A", "1"], ["Name", "Phone "], ["Name", "4155550100"]]
    notes = Notes()
    found = table_of(
        (Row(number, cells) for number, cells in enumerate(rows, 1)),
        is_phone_heading=lambda cell: cell == "Phone", notes=notes,
    )  # fmt: skip

    assert [row.cells for row in found] == [["A", "1"], ["Name", "4155550100"]]
    assert notes.lines() == ["Rows that repeat the headings, and were left out: 1."]


def test_a_footer_may_have_sums_but_a_person_may_be_called_total():
    rows = [["Name", "Phone", "Spent"], ["Total", "4155550100", "1"], ["Total", "2", "$9.50"]]
    found = table_of(
        (Row(number, cells) for number, cells in enumerate(rows, 1)),
        is_phone_heading=lambda cell: cell == "Phone", notes=Notes(),
    )  # fmt: skip

    assert [row.cells for row in found] == [rows[1]]

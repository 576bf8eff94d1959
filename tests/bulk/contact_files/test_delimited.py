"""From text with delimited cells to a table, and the rows that cannot be read."""

from __future__ import annotations

import re

import pytest

from tests.bulk.contact_files.opening import PHONE, cells_of, opened, problems_of


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("headings", ["phone,first,last", "Telly,First,Last"])
def test_the_delimiter_is_found(delimiter, headings):
    rows = [headings, f"{PHONE},Jo: a. b,Lee", f"{PHONE},Sam - x,Fox"]
    text = "\n".join(rows).replace(",", delimiter)

    assert cells_of(text) == [row.split(",") for row in rows]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("first;phone\nA, B, C;1\n", [["first", "phone"], ["A, B, C", "1"]]),
        ('phone,first\n1,"a;b;c;d"\n', [["phone", "first"], ["1", "a;b;c;d"]]),
        ('Name;Note\n"a;b";"c,d\ne,f"\n"g";"h,i"\n',
         [["Name", "Note"], ["a;b", "c,d\ne,f"], ["g", "h,i"]]),
        ("phone\n1,2\n", [["phone"]]),
        ("phone,a;b;phone\n", [["phone,a", "b", "phone"]]),
        ("Number\n1\n", [["Number"], ["1"]]),
        ('"phone";"first"\n"1";"a"\n', [["phone", "first"], ["1", "a"]]),
    ],
)  # fmt: skip
def test_the_delimiter_is_the_one_of_the_headings(text, rows):
    table = opened(text)

    assert [table.headings, *(row.cells for row in table if not row.problem)] == rows


def test_a_quote_that_never_ends_does_not_keep_the_delimiter_from_being_found():
    with pytest.raises(ValueError, match="The row in line 3 has a quoted cell without an end"):
        opened(f'Telly;Name\n{PHONE};a\n{PHONE};"b{"x" * 140_000}')


@pytest.mark.parametrize(("divider", "cell"), [(";", ";"), (",", ","), ("\t", "\t"), ("^", "^")])
def test_a_first_line_for_excel_says_what_divides_the_cells(divider, cell):
    table = opened(
        f"\ufeffsep={divider}\r\nphone{cell}first\r\n{PHONE}{cell}a\r\n415\r\n", delimiter="|"
    )

    assert table.headings == ["phone", "first"]
    assert [(row.number, row.cells) for row in table] == [(3, [PHONE, "a"]), (4, ["415"])]


def test_a_delimiter_can_be_given_and_is_a_tab_in_tsv():
    assert cells_of("phone^a\n1^b\n", delimiter="^") == [["phone", "a"], ["1", "b"]]
    assert cells_of("phone\ta,b\n1\tc,d\n", "x.tsv") == [["phone", "a,b"], ["1", "c,d"]]
    assert cells_of("phone;a\n1;b\n", "x.tsv", delimiter=";") == [["phone", "a"], ["1", "b"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("phone;first", 'The heading row is a single cell with ";" in it. If that divides the cells'
         ", use delimiter=';'."),
        ("phone\tfirst", "with tab in it. If that divides the cells, use delimiter='\\t'."),
        ("\n\n", "The file has no heading row."),
        ("sep=;", "The file has no heading row."),
        ('"phone"x,first', "The heading row is not CSV: ',' expected after '\"'."),
        ('"phone', "The row in line 1 has a quoted cell without an end"),
    ],
)  # fmt: skip
def test_headings_that_cannot_be_read_are_an_error_at_once(text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        opened(text, delimiter=",")


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", " "])
def test_a_delimiter_is_one_character(delimiter):
    with pytest.raises(ValueError, match="A delimiter is one character"):
        opened("phone,first\n", delimiter=delimiter)


def test_cells_are_given_as_they_are():
    text = 'phone,first\r\n\'+1, Zo\u00eb \r\n"a\r\nb","c""d"\n\x00,e\n'

    assert cells_of(text)[1:] == [["'+1", " Zoë "], ["a\r\nb", 'c"d'], ["\x00", "e"]]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (f"{PHONE},,", "3 cells, but the heading row has 4"),
        (PHONE, "1 cell, but the heading row has 4"),
        (f"{PHONE},,,,Zoë", "5 cells, but the heading row has 4"),
        (f'"{PHONE}"x,,,', "is not CSV: ',' expected after '\"'"),
        (f"{PHONE},a\rb,,", "is not CSV: a carriage return is within a cell"),
    ],
)
def test_a_row_that_cannot_be_read_stops_no_other(row, problem):
    bad, good = opened(f"phone,tags,first,last\n{row}\n\n{PHONE},,,\n")

    assert (bad.number, bad.problem) == (2, problem)
    assert PHONE not in bad.problem
    assert (good.number, good.cells, good.problem) == (4, [PHONE, "", "", ""], "")


def test_a_row_that_is_not_csv_keeps_its_line():
    (row,) = opened('phone,first\n"1"2,a\n')

    assert row.cells == ['"1"2,a']


def test_a_row_among_the_first_keeps_its_own_line():
    rows = opened('Telly,first\n"1"2,a\n"3"4,b\n5,6\n')

    assert [row.cells for row in rows] == [['"1"2,a'], ['"3"4,b'], ["5", "6"]]


def test_a_row_is_named_by_the_line_in_which_it_begins():
    rows = list(opened('phone,first\n1,"a\nb\nc"\n\n1,"d\ne"\n2\n'))

    assert [row.number for row in rows] == [2, 6, 8]
    assert rows[0].cells == ["1", "a\nb\nc"]


@pytest.mark.parametrize("rest", ["", f"{PHONE},b\n" * 20_000], ids=["short", "long"])
def test_after_a_quote_without_an_end_no_row_is_made_up(rest):
    table = opened(f'phone,first\n{PHONE},a\n{PHONE},"Zoë\n{rest}')

    assert next(table).cells == [PHONE, "a"]
    with pytest.raises(ValueError, match="The row in line 3 has a quoted cell without an end"):
        next(table)


def test_a_cell_that_is_too_long_is_one_bad_row_if_no_quote_is_open():
    long = "a" * 140_000
    bad, good = opened(f"phone,first\n{PHONE},{long}\n{PHONE},b\n")

    assert bad.problem == "is not CSV: field larger than field limit (131072)"
    assert good.cells == [PHONE, "b"]
    for row in (f'{PHONE},"{long}"', f'{PHONE},"a\n{long}"', f'{PHONE},a"b{long}"'):
        with pytest.raises(ValueError, match="in line 2 has a quoted cell without an end, or one"):
            list(opened(f"phone,first\n{row}\n{PHONE},b\n"))


def test_rows_that_a_stray_quote_takes_along_are_named():
    text = f'phone,first\n{PHONE},"a\n{PHONE},b\n{PHONE},"c"\n{PHONE},d\n'

    assert problems_of(text) == [(2, "is not CSV: ',' expected after '\"'; it goes up to line 4")]
    assert [row.cells for row in opened(text)] == [[], [PHONE, "d"]]


def test_lines_without_a_value_are_no_rows():
    rows = list(opened(f"\r\n\nphone,first\n,\n , \n{PHONE},a\n,\n415,\n"))

    assert [(row.number, row.cells) for row in rows] == [(6, [PHONE, "a"]), (8, ["415", ""])]

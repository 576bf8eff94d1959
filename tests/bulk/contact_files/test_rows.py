"""From CSV and JSON Lines to contacts, and what cannot be made one."""

from __future__ import annotations

import io
import re
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from heymarket_async import ContactField, NewContact, TagRef
from heymarket_async.bulk.contact_files.columns import Columns
from heymarket_async.bulk.contact_files.phones import phone_reader
from heymarket_async.bulk.contact_files.rows import csv_rows, json_rows
from heymarket_async.bulk.importing.source import RejectedRow

FIELDS = [
    ContactField(id=123, title="Plan"),
    ContactField(id=456, title="Renewal Date"),
    ContactField(id=7, title="Twice"),
    ContactField(id=8, title="Twice"),
]
PHONE = "14155550100"


def read_csv(text: str | bytes, region: str | None = None, **columns: Any) -> list[Any]:
    content = text if isinstance(text, bytes) else text.encode()
    return list(csv_rows(io.BytesIO(content), Columns(FIELDS, **columns), phone_reader(region)))


def read_json(*rows: Any, **columns: Any) -> list[Any]:
    lines = [row if isinstance(row, bytes) else msgspec.json.encode(row) for row in rows]
    content = io.BytesIO(b"\n".join(lines))
    return list(json_rows(content, Columns(FIELDS, **columns), phone_reader()))


def test_columns_are_fields_by_loose_name_and_custom_fields_by_title():
    header = "Phone,FIRST,Display Name,assignee_id,Is Opted Out,tags,Plan,emailSuppressions"
    (row,) = read_csv(f"{header}\n+{PHONE},Zoë,Z,5,no,1; 2,Premium,3 4\n")

    assert row == NewContact(
        phone=PHONE, first="Zoë", display_name="Z", assignee_id=5, is_opted_out=False,
        tags=[1, 2], custom={"123": "Premium"}, email_suppressions=[3, 4],
    )  # fmt: skip


def test_an_empty_cell_is_not_sent_and_white_space_around_is_none_of_it():
    first, second = read_csv(f"phone, first , Plan\n{PHONE},, \n{PHONE}, Zoë ,\ta b\u00a0\n")

    assert (first.first, first.custom) == (UNSET, UNSET)
    assert (second.first, second.custom) == ("Zoë", {"123": "a b"})


@pytest.mark.parametrize(
    ("cell", "text"),
    [("'=1+1", "=1+1"), ("'-Bob", "-Bob"), ("'@zoe", "@zoe"), ("'n Roll", "'n Roll"), ("'", "'")]
    + [(f"'{each}x", f"{each}x") for each in "＝＋－＠"]  # noqa: RUF001 - of both widths
    + [("'\tx", "x"), ('"\'\nx"', "x"), ('"\'\rx"', "x")],
)
def test_an_apostrophe_that_keeps_a_cell_from_being_a_formula_is_none_of_it(cell, text):
    (row,) = read_csv(f"phone,first\n'+{PHONE},{cell}\n")

    assert (row.phone, row.first) == (PHONE, text)


@pytest.mark.parametrize("cell", ["1 2", "1,2", "1;2", " 1 ,  2;"])
def test_tags_are_ids_with_anything_between(cell):
    (row,) = read_csv(f'phone,tags\n{PHONE},"{cell}"\n')

    assert row.tags == [TagRef(tag_id=1), TagRef(tag_id=2)]


@pytest.mark.parametrize(
    ("cell", "value"), [("TRUE", True), ("yes", True), ("1", True), (" No", False), ("0", False)]
)
def test_opting_out_is_true_or_false(cell, value):
    (row,) = read_csv(f"phone,is_opted_out\n{PHONE},{cell}\n")

    assert row.is_opted_out is value


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("415,,,", "phone must be a valid number"),
        (",1,,", "has no phone"),
        (f"{PHONE},VIP,,", "ids must be integers"),
        (f"{PHONE},1 2 3 4 5 6,,", "tags must be a list of at most 5"),
        (f"{PHONE},,maybe,", "is_opted_out must be true or false"),
        (f"{PHONE},,,Jo", "assignee_id must be an integer"),
        (f"{PHONE},,", "3 cells, but the header has 4 columns (line 2)"),
        (f"{PHONE},,,,Zoë", "5 cells, but the header has 4 columns (line 2)"),
        (f'"{PHONE}"x,,,', "is not CSV: ',' expected after '\"'"),
    ],
)
def test_a_row_that_cannot_be_read_stops_no_other(row, reason):
    rows = read_csv(f"phone,tags,is_opted_out,assignee_id\n{row}\n\n{PHONE},,,\n")

    bad, good = rows
    assert isinstance(bad, RejectedRow)
    assert reason in bad.reason
    assert bad.reason.endswith(" (line 2)")
    assert PHONE not in bad.reason
    assert good == NewContact(phone=PHONE)


def test_cells_and_columns_are_counted_in_the_right_number():
    (one_column,) = read_csv(f"phone\n{PHONE},a,b\n")
    (one_cell,) = read_csv(f"phone,first\n{PHONE}\n")

    assert one_column.reason == "3 cells, but the header has 1 column (line 2)"
    assert one_cell.reason == "1 cell, but the header has 2 columns (line 2)"


def test_a_row_is_named_by_the_line_in_which_it_begins():
    rows = read_csv(f'phone,first\n{PHONE},"a\nb\nc"\n\n1,"d\ne"\n2\n')

    assert rows[0].first == "a\nb\nc"
    assert [each.reason[-9:] for each in rows[1:]] == [" (line 6)", " (line 8)"]


@pytest.mark.parametrize("rest", ["", f"{PHONE},b\n" * 20_000], ids=["short", "long"])
def test_after_a_quote_without_an_end_no_row_is_made_up(rest):
    rows = csv_rows(
        io.BytesIO(f'phone,first\n{PHONE},a\n{PHONE},"Zoë\n{rest}'.encode()),
        Columns(FIELDS),
        phone_reader(None),
    )

    assert next(rows) == NewContact(phone=PHONE, first="a")
    with pytest.raises(ValueError, match="The row in line 3 has a quoted cell without an end"):
        next(rows)


def test_a_cell_that_is_too_long_is_one_bad_row_if_no_quote_is_open():
    long = "a" * 140_000
    rows = read_csv(f"phone,first\n{PHONE},{long}\n{PHONE},b\n")

    assert rows == [
        RejectedRow("is not CSV: field larger than field limit (131072) (line 2)"),
        NewContact(phone=PHONE, first="b"),
    ]
    for row in (f'{PHONE},"{long}"', f'{PHONE},"a\n{long}"', f'{PHONE},a"b{long}"'):
        with pytest.raises(ValueError, match="in line 2 has a quoted cell without an end, or one"):
            read_csv(f"phone,first\n{row}\n{PHONE},b\n")


def test_rows_that_a_stray_quote_takes_along_are_named():
    rows = read_csv(f'phone,first\n{PHONE},"a\n{PHONE},b\n{PHONE},"c"\n{PHONE},d\n')

    assert rows == [
        RejectedRow("is not CSV: ',' expected after '\"' (lines 2 to 4)"),
        NewContact(phone=PHONE, first="d"),
    ]


def test_a_line_break_in_a_cell_is_part_of_it():
    (row,) = read_csv(f'phone,first\r\n{PHONE},"Zo\r\në"\r\n')

    assert row.first == "Zo\r\në"


def test_a_byte_order_mark_is_no_part_of_the_first_name():
    assert read_csv(b"\xef\xbb\xbfphone\n14155550100\n") == [NewContact(phone=PHONE)]
    assert read_json(b'\xef\xbb\xbf{"phone":"14155550100"}') == [NewContact(phone=PHONE)]


def test_a_first_row_in_another_encoding_is_an_error():
    with pytest.raises(ValueError, match="The header is not UTF-8; save the file as UTF-8"):
        read_csv("phone,Größe\n".encode("latin-1"))


def test_a_row_in_another_encoding_is_one_bad_row():
    latin = f"{PHONE},Zoë\n".encode("latin-1")
    bad = [RejectedRow(f"is not UTF-8; save the file as UTF-8 (line {n})") for n in (1, 2)]

    rows = read_csv(b"phone,first\n" + latin + f"{PHONE},Zoë\n".encode())
    assert rows == [bad[1], NewContact(phone=PHONE, first="Zoë")]
    rows = read_json(b'{"phone":"' + latin.strip() + b'"}\n{"phone":"%s"}' % PHONE.encode())
    assert rows == [bad[0], NewContact(phone=PHONE)]


def test_json_that_is_nested_too_deeply_is_one_bad_row():
    nested = b"[" * 100_000 + b"]" * 100_000
    good = b'{"phone":"14155550100"}'

    assert read_json(b'{"custom":{"123":' + nested + b"}}\n" + good) == [
        RejectedRow("is nested too deeply (line 1)"),
        NewContact(phone=PHONE),
    ]


@pytest.mark.parametrize(
    ("header", "columns", "message"),
    [
        (
            "Cell,Foo",
            {},
            'Unknown columns: Cell, Foo. Map one with mapped={"Cell": "phone"}, skip some with'
            " ignored, or skip all unknown ones with ignore_others=True. The fields are phone, fi",
        ),
        (
            "Cell phone",
            {},
            'Unknown columns: "Cell phone" (did you mean phone?). Map one with mapped',
        ),
        (
            "Cell phone",
            {},
            'Map one with mapped={"Cell phone": "phone"}, skip some with ignored, or',
        ),
        (
            "phone,nope,Frist",
            {},
            "Unknown columns: nope, Frist (did you mean first?). Map one with",
        ),
        ("phone,nope,Frist", {}, 'Map one with mapped={"Frist": "first"}, skip'),
        ("phone,first", {"mapped": {"first": "nope"}}, 'columns: "first=nope". Map one'),
        (
            "phone,first",
            {"mapped": {"first": "nope"}},
            'Map one with mapped={"first": "FIELD"}, skip',
        ),
        (
            "phone,first",
            {"mapped": {"first": "lats"}},
            'columns: "first=lats" (did you mean last?). Map one',
        ),
        ("phone,first", {"mapped": {"first": "id"}}, 'columns: "first=id". Map one'),
        (
            "phone,first",
            {"mapped": {"first": "custom:x"}},
            'columns: "first=custom:x". Map',
        ),
        ("phone,nope", {}, ". The fields are phone, first, last, display_name, email, avatar, "),
        ("phone,,last", {}, 'Unknown columns: "" (column 2). Map one with mapped={"COLUMN'),
        (
            "phone;first",
            {},
            'The header is a single cell with ";" in it. If that divides the cells, use delimiter='
            "';'.",
        ),
        ("phone\tfirst", {}, "with tab in it. If that divides the cells, use delimiter='\\t'."),
        ("phone,renewal date", {}, 'did you mean "Renewal Date"'),
        ("phone,xyz", {}, "Unknown columns: xyz. Map one"),
        (
            "phone,Tier",
            {"mapped": {"Tier": "plan"}},
            'columns: "Tier=plan" (did you mean Plan?). Map one',
        ),
        ("phone,Twice", {}, "2 custom fields have the title Twice: 7 and 8. Map the column by the"),
        ("phone,Twice", {}, 'by the id: mapped={"COLUMN": "custom:7"}.'),
        (
            "phone",
            {"ignored": ["Phone"]},
            "no column Phone to map or ignore (did you mean phone?).",
        ),
        ("phone,custom", {}, "Unknown columns: custom. Map one"),
        ("first,last", {}, 'No column has the phones. Map one with mapped={"COLUMN": "phone"}.'),
        ("phone,Phone", {}, "Columns phone and Phone mean the same field."),
        (
            "phone,phone",
            {},
            "mean the same field. Skip one with ignored, or rename one if both have",
        ),
        ("phone", {"mapped": {"Plan": "Plan"}}, "The file has no column Plan to map or ignore."),
        ("phone", {"ignored": ["x"]}, "The file has no column x to map or ignore."),
        (f"Zoe,{PHONE}", {}, "The first row must name the columns, and not be a contact."),
        ("phone,2026-06-01,x", {"mapped": {"2026-06-01": "Plan"}}, "Unknown columns: x. Map one"),
        ("Zoe,zoe@example.com", {}, "A phone or an e-mail is among the names of the columns. The"),
        ("", {}, "The file has no header."),
        ("\n\n", {}, "The file has no header."),
        ("sep=;", {}, "The file has no header."),
        ('"phone', {}, "The header is not CSV: unexpected end of data."),
    ],
)
def test_columns_that_cannot_be_used_are_refused_at_once(header, columns, message):
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        csv_rows(io.BytesIO(header.encode()), Columns(FIELDS, **columns), phone_reader())

    assert PHONE not in str(raised.value)
    assert "Zoe" not in str(raised.value)


def test_columns_can_be_mapped_and_ignored():
    rows = read_csv(
        f"Cell phone,Tier,Notes,Notes\n{PHONE},Premium,x,y\n",
        mapped={"Cell phone": "phone", "Tier": "Plan"},
        ignored=["Notes"],
    )

    assert rows == [NewContact(phone=PHONE, custom={"123": "Premium"})]


def test_json_rows_have_the_fields_and_custom_fields_by_title_or_id():
    rows = read_json(
        {
            "phone": f"+{PHONE}",
            "tags": [1, {"id": 9, "tag_id": 2}],
            "custom": {"Plan": 5, "456": 6},
        },
        b"",
        {"phone": PHONE, "last": None, "custom": None, "display_name": ""},
        {"phone": PHONE, "Plan": "a", "x": 1},
        mapped={"y": "first"},
        ignored=["x"],
    )

    assert rows == [
        NewContact(phone=PHONE, tags=[1, 2], custom={"123": 5, "456": 6}),
        NewContact(phone=PHONE, last=None, custom=None, display_name=""),
        NewContact(phone=PHONE, custom={"123": "a"}),
    ]


def test_half_of_an_emoji_as_exports_have_it_is_read_with_the_row():
    (row,) = read_json(
        rb'{"phone": "%s", "first": "Jo \ud83d", "last": "\ud83d\ude00"}' % PHONE.encode()
    )

    assert (row.first, row.last) == ("Jo \ufffd", "\U0001f600")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"{", "Input data was truncated"),
        (b"[1]", "is JSON, but not an object"),
        (b'{"phone":}', "is not JSON: "),
        ({"phone": 4155550100}, "phone must be a valid number"),
        ({"phone": True}, "phone must not have letters"),
        ({"phone": [PHONE]}, "phone must be"),
        ({"first": "Zoë"}, "has no phone"),
        ({"phone": "415"}, "phone must be a valid number"),
        ({"phone": PHONE, "nick": 5}, "Unknown columns: nick (line 2)"),
        ({"phone": PHONE, "custom": [1]}, "custom must be an object or null"),
        (
            {"phone": PHONE, "custom": {"plan": 1}},
            "Unknown columns: custom:plan (did you mean Plan?) (line 2)",
        ),
        ({"phone": PHONE, "custom": {"999": 1}}, "Unknown columns: custom:999 (line 2)"),
        ({"phone": PHONE, "custom": {"Twice": 1}}, "2 custom fields have the title"),
        ({"phone": PHONE, "custom": {"Plan": 1, "123": 2}}, "names 123 twice"),
        ({"phone": PHONE, "custom": {"Plan": 1}, "custom:Plan": 2}, "names 123 twice"),
        ({"phone": PHONE, "tags": ["VIP"]}, "each of tags must be of type"),
        ({"phone": PHONE, "tags": [{"id": 1}]}, "each of tags must be of type"),
        ({"phone": PHONE, "tags": "1"}, "tags must be a list"),
    ],
)
def test_a_json_row_that_cannot_be_read_is_rejected(row, reason):
    good, bad = read_json({"phone": PHONE}, row)

    assert isinstance(bad, RejectedRow)
    assert reason in bad.reason
    assert bad.reason.endswith(" (line 2)")
    assert PHONE not in bad.reason
    assert good == NewContact(phone=PHONE)


def test_a_phone_in_json_may_be_a_number():
    rows = read_json({"phone": int(PHONE)}, {"phone": float(PHONE)})

    assert rows == [NewContact(phone=PHONE)] * 2


@pytest.mark.parametrize("text", ["[", '[{"phone":"14155550100"}]', "\n {\n"])
def test_json_that_is_not_in_lines_is_refused_before_the_first_row(text):
    with pytest.raises(ValueError, match="is JSON, but not JSON Lines"):
        read_json(text.encode())


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_is_refused_before_the_first_row(encoding):
    content = f"\ufeffphone\n{PHONE}\n".encode(encoding)

    for read in (read_csv, read_json):
        with pytest.raises(ValueError, match="The file is UTF-16"):
            read(content)


def test_lines_without_a_value_are_no_rows():
    rows = read_csv(f"\r\n\nphone,first\n,\n , \n{PHONE},a\n,\n415,\n")

    assert rows[0] == NewContact(phone=PHONE, first="a")
    assert [row.reason[-9:] for row in rows[1:]] == [" (line 8)"]


@pytest.mark.parametrize(("divider", "cell"), [(";", ";"), (",", ","), ("\t", "\t")])
def test_a_first_line_for_excel_says_what_divides_the_cells(divider, cell):
    rows = read_csv(f"\ufeffsep={divider}\r\nphone{cell}first\r\n{PHONE}{cell}a\r\n415{cell}\r\n")

    assert rows[0] == NewContact(phone=PHONE, first="a")
    assert rows[1].reason.endswith(" (line 4)")


def test_line_ends_that_are_only_carriage_returns_are_named():
    with pytest.raises(ValueError, match="The header is not CSV: a carriage return is within a"):
        read_csv(f"phone,first\r{PHONE},a\r")

    (row,) = read_csv(f"phone,first\n{PHONE},a\rb\n")
    assert row.reason.startswith("is not CSV: a carriage return is within a cell")

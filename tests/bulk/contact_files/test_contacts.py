"""From rows of a table to contacts."""

from __future__ import annotations

import pytest

from heymarket_async import ContactField
from heymarket_async.bulk.contact_files.contacts import ContactReader
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.phones import MORE_PHONES
from heymarket_async.bulk.contact_files.plan import plan_of
from heymarket_async.bulk.contact_files.table import Row, Table
from heymarket_async.bulk.errors import JobError
from heymarket_async.bulk.importing.source import RejectedRow
from tests.bulk.contact_files.reading import TAGS, read_records, read_table, table

PHONE = "14155550100"
OTHER = "14155550101"
FIELDS = [ContactField(id=123, title="Plan"), ContactField(id=456, title="Renewal Date")]
EXPORT = ["id", "rev", "updated"]
OF_EXPORT = ["7", "1", "2026-01-01T00:00:00Z"]


def test_all_fields_of_a_row_are_read():
    headings = (
        "Phone,FIRST,Display Name,assignee_id,Is Opted Out,tags,Plan,emailSuppressions,avatar"
    )
    cells = [f"+{PHONE}", "Zoë", "Z", "5", "no", "1; 2", "Premium", "3 4", "https://example.com/a"]

    assert read_table([headings.split(","), cells], FIELDS).rows == [
        {
            "phone": PHONE, "first": "Zoë", "display_name": "Z", "assignee_id": 5,
            "is_opted_out": False, "tags": [1, 2], "custom": {"123": "Premium"},
            "email_suppressions": [3, 4], "avatar": "https://example.com/a",
        }
    ]  # fmt: skip


def test_numbers_that_a_table_tool_made_decimals_are_whole():
    headings = ["phone", "assignee_id", "tags", "is_opted_out", "email_suppressions"]

    read = read_table([headings, [f"{PHONE}.0", "4203.0", "55.0", "1.0", "3.0 4.0"]])

    assert read.rows == [
        {
            "phone": PHONE, "assignee_id": 4203, "tags": [55], "is_opted_out": True,
            "email_suppressions": [3, 4],
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (" Zoë ", "Zoë"),
        ("\ta b\u00a0", "a b"),
        ("\u200bZoë\u200b", "Zoë"),
        ("Zo\u200de", "Zo\u200de"),
        ("\ufeffZoe\u00ad", "Zoe"),
        ("'=1+1", "=1+1"),
        ("'-Bob", "-Bob"),
        ("'n Roll", "'n Roll"),
        ("Null", "Null"),
        ("None the Wiser", "None the Wiser"),
    ],
)
def test_a_text_has_no_white_space_around_it_and_no_marks_of_spreadsheets(cell, text):
    read = read_table([["phone", "first", "Plan"], [f"'+{PHONE}", cell, cell]], FIELDS)

    assert read.rows == [{"phone": PHONE, "first": text, "custom": {"123": text}}]


@pytest.mark.parametrize(
    "cell", ["", " ", "#N/A", "NULL", "null", "nan", "NaN", "<NA>", "NaT", "None", "N/A", "(null)"]
)
def test_an_empty_cell_and_a_word_for_it_are_not_sent(cell):
    headings = ["Mobile", "Phone", "first", "email", "tags", "Opt Out", "Plan", "assignee_id"]

    read = read_table([headings, [cell, PHONE, *[cell] * 6]], FIELDS)

    assert read.rows == [{"phone": PHONE}]
    assert read.notes == []


def test_cells_of_an_export_are_exact():
    headings = [*EXPORT, "phone", "first", "last", "display_name", "email", "Plan"]
    cells = [*OF_EXPORT, PHONE, " Zoë ", "NULL", "nan", "a; b", "None"]

    assert read_table([headings, cells], FIELDS).rows == [
        {
            "phone": PHONE, "first": " Zoë ", "last": "NULL", "display_name": "nan",
            "email": "a; b", "custom": {"123": "None"},
        }
    ]  # fmt: skip


def test_words_of_a_table_tool_are_empty_cells_in_an_export_whose_ids_have_them():
    headings = [*EXPORT, "phone", "assigned_user_id", "first", "last", "Plan"]
    rows = [
        [*OF_EXPORT, PHONE, "nan", " Zoë ", "NULL", "<NA>"],
        [*OF_EXPORT, OTHER, "4203.0", "None", "nan", "a"],
    ]

    assert read_table([headings, *rows], FIELDS).rows == [
        {"phone": PHONE, "first": " Zoë ", "last": "NULL"},
        {"phone": OTHER, "assignee_id": 4203, "custom": {"123": "a"}},
    ]


def test_apostrophes_are_kept_if_the_file_has_none_of_its_own():
    rows = [[*EXPORT, "phone", "first"], [*OF_EXPORT, PHONE, "'=x"]]

    assert read_table(rows).rows[0]["first"] == "=x"
    assert read_table(rows, has_apostrophes=False).rows[0]["first"] == "'=x"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("415,,,", "phone must be a valid number"),
        (",1,,", "has no phone (row 2)"),
        (f"{PHONE},,maybe,", "the opt-out column has a value that is not understood"),
        (f"{PHONE},,,Jo", "assignee_id must be an integer"),
        (f'{PHONE},"[{{""a"": 1}}, true]",,', "tags must be ids"),
    ],
)
def test_a_row_that_cannot_be_read_stops_no_other(row, reason):
    cells = row.split(",") if '"' not in row else [PHONE, '[{"a": 1}, true]', "", ""]
    rows = [["phone", "tags", "is_opted_out", "assignee_id"], cells, [PHONE, "", "yes", ""]]
    read = table(rows)
    read.unit = "row"
    plan = plan_of(read.headings, read.head(100), [])

    bad, good = ContactReader(plan, phone=_valid, notes=Notes()).of_table(read)

    assert isinstance(bad.item, RejectedRow)
    assert reason in bad.item.reason
    assert bad.item.reason.endswith(" (row 2)")
    assert PHONE not in bad.item.reason
    assert bad.source == cells
    assert good.item.is_opted_out is True


def _valid(text: str) -> str:
    if len(text) < 11:
        raise ValueError("phone must be a valid number")
    return text


def test_a_row_that_the_file_has_broken_is_rejected_with_its_problem():
    rows = [Row(2, [PHONE]), Row(3, [], "3 cells, but the header has 1 column"), Row(5, [OTHER])]
    plan = plan_of(["phone"], rows, [])

    read = list(
        ContactReader(plan, phone=str, notes=Notes()).of_table(Table(["phone"], iter(rows)))
    )

    assert read[1].item == RejectedRow("3 cells, but the header has 1 column (line 3)")
    assert [row.item.phone for row in (read[0], read[2])] == [PHONE, OTHER]


def test_rows_before_an_error_of_the_file_are_not_lost():
    def rows():
        yield Row(2, [PHONE])
        raise ValueError("the rest is broken")

    plan = plan_of(["phone"], [], [])
    read = ContactReader(plan, phone=str, notes=Notes()).of_table(Table(["phone"], rows()))

    assert next(read).item.phone == PHONE
    with pytest.raises(ValueError, match="the rest is broken"):
        next(read)


def test_a_pipe_that_is_broken_at_once_raises():
    def rows():
        yield from ()
        raise ValueError("broken")

    reader = ContactReader(plan_of(["phone"], [], []), phone=str, notes=Notes())

    with pytest.raises(ValueError, match="broken"):
        next(reader.of_table(Table(["phone"], rows())))


def test_no_more_rows_are_read_than_an_import_asks_for():
    given = 0

    def rows():
        nonlocal given
        for given in range(1, 10):
            yield Row(given, [PHONE])

    reader = ContactReader(plan_of(["phone"], [], []), phone=str, at_once=3, notes=Notes())
    read = reader.of_table(Table(["phone"], rows()))

    next(read)
    assert given == 3
    assert len(list(read)) == 8


def test_the_first_valid_phone_counts_and_others_are_noted():
    headings = ["Mobile", "Phone", "Work Phone"]
    rows = [
        ["+" + PHONE, "", OTHER],
        ["", "12", OTHER],
        ["(415) 555-0100", "+1 415.555.0100", ""],
        ["12", "13", ""],
        ["", "", ""],
    ]

    read = read_table([headings, *rows])

    assert [row["phone"] for row in read.rows[:3]] == [PHONE, OTHER, PHONE]
    assert "must be a valid number" in read.rows[3]
    assert read.rows[4] == "has no phone (line 6)"
    assert read.notes == [
        MORE_PHONES.format(count=2),
        "Rows whose first phone is not valid, so another one was imported: 1.",
    ]


def test_a_label_says_which_phone_is_mobile_and_which_is_a_fax():
    headings = ["Phone 1 - Label", "Phone 1 - Value", "Phone 2 - Type", "Phone 2 - Value"]

    read = read_table([headings, ["Home", PHONE, "* Mobile", OTHER], ["Work Fax", PHONE, "", ""]])

    assert read.rows == [{"phone": OTHER}, "has no phone (line 3)"]


@pytest.mark.parametrize(
    ("cell", "email"),
    [
        ("a@example.com", "a@example.com"),
        ("mailto:a@example.com", "a@example.com"),
        ("Zoë <a@example.com>", "a@example.com"),
        ("a@example.com ::: b@example.com", "a@example.com"),
        ("a@example.com; b@example.com", "a@example.com"),
        ("a@example.com,b@example.com", "a@example.com"),
        ("a\u200b@example.com", "a@example.com"),
        ("none", None),
        ("@", None),
    ],
)
def test_the_first_email_of_a_cell_counts_and_a_cell_without_one_loses_nobody(cell, email):
    (row,) = read_table([["phone", "Email"], [PHONE, cell]]).rows

    assert row == {"phone": PHONE} | ({"email": email} if email else {})


def test_tags_are_names_or_ids():
    rows = [["VIP, lead"], ["vip ::: * myContacts"], ["2024"], ["Nope|VIP\nLead"], ["VIP;VIP"]]

    read = read_table([["phone", "Tags"], *([PHONE, *row] for row in rows)])

    assert [row.get("tags") for row in read.rows] == [[1, 2], [1], [3], [1, 2], [1]]
    assert read.notes == []


def test_a_cell_that_is_the_name_of_one_tag_is_not_divided(monkeypatch):
    monkeypatch.setitem(TAGS, "a, b", 9)

    read = read_table([["phone", "Tags"], [PHONE, "A, b"]])

    assert read.rows == [{"phone": PHONE, "tags": [9]}]


def test_numbers_are_ids_in_a_column_of_ours_and_where_tags_cannot_be_read():
    assert read_table([["phone", "tags"], [PHONE, "2024 5"]]).rows[0]["tags"] == [2024, 5]
    read = read_table([["phone", "Tags"], [PHONE, "2024"], [PHONE, "VIP"]], tag_id=None)

    assert read.rows == [{"phone": PHONE, "tags": [2024]}, {"phone": PHONE}]
    assert read.notes == ["Names of tags that were left out, as no tags can be read: 1."]


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ('[{"id":9,"tag_id":2},3]', [2, 3]),
        ('[{"id":9,"tag_id":2.0},"4"]', [2, 4]),
        ('["VIP", null, " "]', [1]),
        ("[]", []),
        ("[VIP", None),
        ("[" * 9000 + "]" * 9000, None),
    ],
)
def test_tags_are_read_as_exports_write_them(cell, tags):
    (row,) = read_table([["phone", "tags"], [PHONE, cell]]).rows

    assert row.get("tags") == tags


def test_tags_of_all_columns_count_and_at_most_five():
    headings = ["phone", "Tags", "Groups"]

    read = read_table([headings, [PHONE, "VIP", "Lead"], [PHONE, "", "[1,2,3,4,5,6]"]])

    assert [row["tags"] for row in read.rows] == [[1, 2], [1, 2, 3, 4, 5]]
    assert read.notes == [
        "Rows with more than five tags: 1. A contact has five at most: the first five are taken."
    ]


def test_an_opt_out_in_any_column_wins_even_beside_a_value_that_is_not_understood():
    headings = ["phone", "Opt Out", "SMS Consent"]
    rows = [["no", "yes"], ["yes", "yes"], ["", "no"], ["?!", "no"], ["?!", "yes"], ["", ""]]

    read = read_table([headings, *([PHONE, *row] for row in rows)])

    says = [row if isinstance(row, str) else row.get("is_opted_out") for row in read.rows]
    assert says[:4] == [False, True, True, True]
    assert "not understood" in says[4]
    assert says[5] is None


def test_many_different_opt_outs_are_not_all_remembered(monkeypatch):
    monkeypatch.setattr("heymarket_async.bulk.contact_files.fields._MOST_CACHED", 2)
    rows = [[PHONE, f"2024-05-{day:02}"] for day in range(1, 20)]

    assert {row["is_opted_out"] for row in read_table([["phone", "Opt Out"], *rows]).rows} == {True}


def test_a_field_that_is_refused_rejects_its_row():
    def phone(text: str) -> str:
        return text

    plan = plan_of(["phone"], [], [])
    (row,) = ContactReader(plan, phone=phone, notes=Notes()).of_table(table([["phone"], ["x"]]))

    assert "phone must be" in row.item.reason


@pytest.mark.parametrize("heading", ["SMS", "Text", "Texting", "Text Messages"])
def test_a_column_of_texts_holds_phones_or_consent_as_its_cells_show(heading):
    read = read_table([["Phone", heading], [PHONE, "yes"], [OTHER, "no"]])

    assert [row["is_opted_out"] for row in read.rows] == [False, True]
    assert [row["phone"] for row in read.rows] == [PHONE, OTHER]
    assert read.notes == []

    read = read_table([["Name", heading], ["Ana", PHONE], ["Bo", OTHER]])

    assert [row["phone"] for row in read.rows] == [PHONE, OTHER]


def test_a_column_of_texts_is_read_as_both_beyond_the_first_rows():
    blank = [[PHONE, ""]] * 120

    read = read_table([["Phone", "SMS"], *blank, [OTHER, "no"], ["", PHONE]])

    assert read.rows[-2] == {"phone": OTHER, "is_opted_out": True}
    assert read.rows[-1] == {"phone": PHONE}


def test_a_column_of_texts_with_other_words_is_not_of_phones():
    read = read_table([["Phone", "Text"], [PHONE, "Thank you!"], [OTHER, "STOP"]])

    assert read.rows == [{"phone": PHONE}, {"phone": OTHER, "is_opted_out": True}]


def test_a_column_of_consent_by_its_heading_may_hold_phones():
    read = read_table([["Name", "SMS notifications"], ["Ana", "(415) 555-0100"]])

    assert read.rows == [{"display_name": "Ana", "phone": PHONE}]


def test_a_column_of_texts_that_says_opted_out_cannot_be_ignored():
    rows = [["Phone", "SMS"], [PHONE, "STOP"], [OTHER, "4155550109"]]
    with pytest.raises(JobError, match="who opted out"):
        read_table(rows, ignored=["SMS"])
    read = read_table([rows[0], rows[2]], ignored=["SMS"])

    assert read.rows == [{"phone": OTHER}]


ODD = {"assignee_id": "bob", "email": "x@y.example"}


@pytest.mark.parametrize(
    ("said", "opted_out"), [("yes", PHONE), ("no", None), ("", None), ("hm", None)]
)
def test_the_opt_out_of_a_rejected_row_is_kept(said, opted_out):
    row = {"phone": f"+{PHONE}", "is_opted_out": said, **ODD}
    sample = {**row, "is_opted_out": "no", "assignee_id": "1"}

    of_table = read_table([list(row), list(sample.values()), list(row.values())])
    of_records = read_records(sample, row)
    without_phone = read_records(sample, {**row, "phone": "12"})

    assert of_table.opted_out_phones == of_records.opted_out_phones == [opted_out]
    assert without_phone.opted_out_phones == [None]


def test_the_opt_out_of_a_contact_that_cannot_be_made_is_kept():
    record = {"phone": PHONE, "is_opted_out": True, "first": ["a list"]}

    assert read_records(record).opted_out_phones == [PHONE]


@pytest.mark.parametrize("heading", ["Country Code", "Phone Country Code", "Dial code"])
def test_a_country_code_may_be_in_a_column_of_its_own(heading):
    rows = [
        ["44", "07400 123456"], ["+44", "7400123456"], ["0044", "447400123456"],
        ["1", "(415) 555-0100"], ["1.0", PHONE], ["44", "+" + PHONE], ["US", PHONE], ["", PHONE],
        ["44", ""], ["44", "(415) 555-0100"],
    ]  # fmt: skip
    read = read_table([[heading, "Phone"], *rows])

    british = [{"phone": "447400123456"}] * 3
    assert read.rows == [*british, *[{"phone": PHONE}] * 5, "has no phone (line 10)", read.rows[-1]]
    assert "must be a valid number" in read.rows[-1]
    assert read.left_out == []


def test_a_country_code_that_is_not_clear_is_not_used():
    read = read_table([["Country Code", "Phone"], ["US", PHONE]])

    assert read.rows == [{"phone": PHONE}]
    assert read.left_out == ["Country Code"]

    # Its first 49 may be the country code, or begin the area code of Emden.
    read = read_table([["Country Code", "Phone"], ["49", "4921123456"]])

    assert "begin with a plus and the country code" in read.rows[0]


def test_tags_and_unknown_columns_that_say_stop_opt_people_out():
    rows = [[PHONE, "VIP, Do Not Text", ""], [OTHER, "", "STOP"], ["+14155550102", "VIP", "fine"]]
    read = read_table([["Phone", "Tags", "Whatever"], *rows])
    ignored = read_table([["Phone", "Tags", "Whatever"], *rows], ignore_opt_outs=True)

    assert [row.get("is_opted_out") for row in read.rows] == [True, True, None]
    assert read.left_out == ["Whatever"]
    assert not any("is_opted_out" in row for row in ignored.rows)


def test_names_of_tags_in_json_that_say_stop_opt_people_out():
    records = [
        {"phone": PHONE, "tags": ["VIP", "opted out"]},
        {"phone": OTHER, "tags": None},
        {"phone": "14155550102", "tags": [1], "mood": "unsubscribed"},
    ]
    read = read_records(*records)

    assert [row.get("is_opted_out") for row in read.rows] == [True, None, True]
    assert "is_opted_out" not in read.rows[1]


@pytest.mark.parametrize(
    "cell", ["[{'id': 9, 'tag_id': 55}, {'id': 8, 'tag_id': 7}]", "[{tag_id=55}, {tag_id=7}]"]
)
def test_lists_of_tags_are_read_as_table_tools_write_them(cell):
    assert read_table([["phone", "tags"], [PHONE, cell]]).rows == [
        {"phone": PHONE, "tags": [55, 7]}
    ]

# ruff: noqa: E501 - one case, one line
"""From objects of JSON to contacts."""

from __future__ import annotations

import re

import pytest

from heymarket_async import ContactField
from heymarket_async.bulk.contact_files.contacts import ContactReader
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.plan import plan_of_records
from heymarket_async.bulk.errors import JobError
from tests.bulk.contact_files.reading import Object, Objects, read_records

PHONE = "14155550100"
FIELDS = [
    ContactField(id=123, title="Plan"),
    ContactField(id=3, title="note"),
    ContactField(id=7, title="Twice"),
    ContactField(id=8, title="Twice"),
]
OF_EXPORT = {"id": 7, "updated": "2026-01-01T00:00:00Z"}


ROW = {**OF_EXPORT, "rev": 1, "phone": int(PHONE), "email": None, "tags": '[{"tag_id":2}]'}


def test_a_row_of_a_table_that_was_csv_is_read_as_a_row_of_csv():
    read = read_records(
        {**ROW, "first": "'=x", "last": None, "Plan": 5.0, "assigned_user_id": 4203.0},
        {**ROW, "first": " a; b ", "Plan": None, "note": "n", "is_opted_out": "True"},
        {**ROW, "first": "nan", "Plan": "None", "assigned_user_id": "nan"},
        {**ROW, "assigned_user_id": "me"},
        fields=FIELDS,
    )

    assert read.rows == [
        {"phone": PHONE, "first": "=x", "assignee_id": 4203, "tags": [2], "custom": {"123": "5"}},
        {"phone": PHONE, "first": " a; b ", "tags": [2], "is_opted_out": True},
        {"phone": PHONE, "tags": [2]},
        "assignee_id must be an integer (line 4)",
    ]


def test_a_row_of_a_table_may_have_its_phone_in_another_column_or_none():
    other = {name: value for name, value in ROW.items() if name != "phone"} | {"tags": None}

    read = read_records({**other, "Plan": PHONE}, other, fields=FIELDS, mapped={"Plan": "phone"})

    assert read.rows == [{"phone": PHONE}, "has no phone (line 2)"]


def test_an_email_of_an_export_is_exact():
    emails = ["Zoë <z@example.com>", "none", "", None]
    records = [{**OF_EXPORT, "phone": PHONE, "custom": {}, "email": email} for email in emails]

    assert [row["email"] for row in read_records(*records).rows] == emails


def test_a_row_of_a_table_that_was_never_csv_has_no_apostrophes_of_ours():
    assert read_records({**ROW, "phone": PHONE, "first": "'=x"}).rows == [
        {"phone": PHONE, "tags": [2], "first": "'=x"}
    ]


def test_names_are_those_of_layouts_and_custom_fields_are_by_title_or_id():
    read = read_records(
        {"phone": f"+{PHONE}", "tags": [1, {"id": 9, "tag_id": 2}], "custom": {"Plan": 5}},
        {"phone": PHONE, "last": None, "custom": None, "display_name": ""},
        {"Mobile Phone": PHONE, "First Name": "Zoë", "Plan": "a", "custom": {"3": 6}},
        {"phone": PHONE, "custom": {}, "Birthday": "2000-01-01"},
        fields=FIELDS,
    )

    assert read.rows == [
        {"phone": PHONE, "tags": [1, 2], "custom": {"123": 5}},
        {"phone": PHONE, "last": None, "custom": None, "display_name": ""},
        {"phone": PHONE, "first": "Zoë", "custom": {"123": "a", "3": 6}},
        {"phone": PHONE},
    ]
    assert read.left_out == ["Birthday"]


def test_numbers_of_a_table_tool_are_whole():
    read = read_records(
        {"phone": float(PHONE), "tags": [55.0], "is_opted_out": 1.0, "assignee_id": 4203.0},
        {"phone": int(PHONE), "tags": "55.0", "is_opted_out": 0, "assignee_id": "4203.0"},
        {"phone": PHONE, "first": 5, "last": 5.0, "email_suppressions": [1.0, 2]},
        {"phone": PHONE, "tags": ["VIP", None], "is_opted_out": "true", "assignee_id": 5},
    )

    assert read.rows == [
        {"phone": PHONE, "tags": [55], "is_opted_out": True, "assignee_id": 4203},
        {"phone": PHONE, "tags": [55], "is_opted_out": False, "assignee_id": 4203},
        {"phone": PHONE, "first": "5", "last": "5", "email_suppressions": [1, 2]},
        {"phone": PHONE, "tags": [1], "is_opted_out": True, "assignee_id": 5},
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"phone": 4155}, "phone must be a valid number"),
        ({"phone": True}, "phone must not have letters"),
        ({"phone": [PHONE]}, "phone must be"),
        ({"first": "Zoë"}, "has no phone"),
        ({"phone": None, "Mobile": ""}, "has no phone"),
        ({"phone": PHONE, "frist": 5}, "Unknown columns: frist (did you mean first?) (line 2)"),
        ({"phone": PHONE, "custom": [1]}, "custom must be an object or null"),
        ({"phone": PHONE, "custom": {"Plann": 1}}, "custom:Plann (did you mean Plan?) (line 2)"),
        ({"phone": PHONE, "custom": {"Twice": 1}}, "2 custom fields have the title"),
        ({"phone": PHONE, "custom": {"Plan": 1, "123": 2}}, "custom:Plan and custom:123 mean the same"),
        ({"phone": PHONE, "custom": {"Plan": 1}, "custom:Plan": 2}, "mean the same field"),
        ({"phone": PHONE, "tags": [True]}, "tags must be ids"),
        ({"phone": PHONE, "tags": {"a": 1}}, "tags must be a list"),
        ({"phone": PHONE, "assignee_id": "Jo"}, "assignee_id must be an integer"),
        ({"phone": PHONE, "is_opted_out": [1]}, "the opt-out column has a value that is not"),
        ({"phone": PHONE, "Opt Out": "maybe"}, "the opt-out column has a value that is not"),
        ({"phone": PHONE, "first": ["a"]}, "first must be"),
    ],
)  # fmt: skip
def test_an_object_that_cannot_be_read_is_rejected(row, reason):
    plan = plan_of_records([{"phone": PHONE}], FIELDS)
    reader = ContactReader(plan, phone=_phone, notes=Notes())

    good, bad = reader.of_records(Objects([Object(1, {"phone": PHONE}), Object(2, row, line="{}")]))

    assert good.item.phone == PHONE
    assert reason in bad.item.reason
    assert bad.item.reason.endswith(" (line 2)")
    assert PHONE not in bad.item.reason
    assert bad.source == "{}"


def _phone(text: str) -> str:
    if not text.isdigit():
        raise ValueError("phone must not have letters")
    if len(text) < 11:
        raise ValueError("phone must be a valid number")
    return text


def test_an_object_that_the_file_has_broken_is_rejected_with_its_problem():
    plan = plan_of_records([{"phone": PHONE}], [])
    reader = ContactReader(plan, phone=str, notes=Notes())

    (row,) = reader.of_records(Objects([Object(4, {}, "is not JSON", '{"phone"')]))

    assert (row.item.reason, row.source) == ("is not JSON (line 4)", '{"phone"')


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"phone": PHONE, "emial": 1}], "Unknown columns: emial (did you mean email?)."),
        ([{"phone": PHONE, "custom": {"Twice": 1}}], "2 custom fields have the title"),
        ([{"first": "a"}, {"last": "b"}], "No column has the phones."),
        ([{"phone": PHONE, "Opt Out": "qq"}], "but its values are not understood."),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_before_the_first_row(rows, message):
    with pytest.raises(JobError, match=re.escape(message)):
        plan_of_records(rows, FIELDS)


def test_tags_that_are_none_or_unknown_are_left_out_and_null_is_sent():
    read = read_records(
        *({"phone": PHONE, "tags": tags} for tags in ["", "Nope", ["Nope"], None, []])
    )

    assert [row.get("tags", "left out") for row in read.rows] == [*["left out"] * 3, None, []]


def test_opt_outs_can_be_skipped():
    read = read_records({"phone": PHONE, "Opt Out": "qq"}, ignore_opt_outs=True)

    assert read.rows == [{"phone": PHONE}]


def test_unknown_names_of_later_objects_are_left_out():
    plan = plan_of_records([{"phone": PHONE}], [], mapped={"Tel": "phone", "x": "last"})
    reader = ContactReader(plan, phone=str, notes=Notes())

    list(reader.of_records(Objects([Object(1, {"Tel": PHONE, "nick": 1})])))

    assert reader.left_out == ["nick"]
    assert plan.planner.unseen(["Tel", "nick"]) == ["x"]


def test_without_the_right_to_read_custom_fields_unknown_names_are_refused():
    with pytest.raises(JobError, match="They may be custom fields, which cannot be read"):
        plan_of_records([{"phone": PHONE, "custom": {"9": 1}}], None)


def test_an_object_of_an_export_is_read_by_exact_names():
    read = read_records(
        {"phone": PHONE, "note": [], "assigned_user_id": None, "custom": {"7": "a"}, **OF_EXPORT},
        {"phone": PHONE, "assigned_user_id": 5, "Mobile": "12", "is_opted_out": None, **OF_EXPORT},
        {"phone": PHONE, "assignee_id": None, "custom": {"note": "a"}},
        {"phone": PHONE, "note": "VIP"},
        fields=FIELDS,
    )

    assert read.rows == [
        {"phone": PHONE, "custom": {"7": "a"}},
        {"phone": PHONE, "assignee_id": 5, "is_opted_out": None},
        {"phone": PHONE, "assignee_id": None, "custom": {"3": "a"}},
        {"phone": PHONE, "custom": {"3": "VIP"}},
    ]


def test_names_under_custom_can_be_mapped_and_ignored():
    read = read_records(
        {"phone": PHONE, "custom": {"Old": "a", "Name": "Zoë", "x": 1}},
        fields=FIELDS,
        mapped={"custom:Old": "custom:note", "custom:Name": "first"},
        ignored=["custom:x"],
    )

    assert read.rows == [{"phone": PHONE, "first": "Zoë", "custom": {"3": "a"}}]
    assert read.left_out == []


def test_the_first_valid_phone_and_the_first_filled_field_count():
    read = read_records(
        {"Mobile": "12", "phone": PHONE, "Email": "", "E-mail": "a@example.com; b@example.com"},
        {"phone": PHONE, "Email": "nope"},
        {"phone": PHONE, "SMS Consent": None, "Opt Out": ""},
        {"phone": PHONE, "SMS Consent": "no", "Opt Out": False},
        {"phone": PHONE, "Opt Out": None, "is_opted_out": False},
    )

    assert read.rows == [
        {"phone": PHONE, "email": "a@example.com"},
        {"phone": PHONE},
        {"phone": PHONE},
        {"phone": PHONE, "is_opted_out": True},
        {"phone": PHONE, "is_opted_out": False},
    ]


def test_of_names_that_change_in_each_object_not_all_are_remembered(monkeypatch):
    monkeypatch.setattr("heymarket_async.bulk.contact_files.record_fields._MOST_CACHED", 3)

    read = read_records(*({"phone": PHONE, f"favourite {n}": 1} for n in range(9)))

    assert len(read.left_out) == 9
    assert read.rows == [{"phone": PHONE}] * 9

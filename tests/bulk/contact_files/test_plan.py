# ruff: noqa: E501 - one case, one line
"""The plan for a file: order of meanings, options, errors, and exports of ours."""

from __future__ import annotations

import re

import pytest

from heymarket_async import ContactField
from heymarket_async.bulk.contact_files import meanings
from heymarket_async.bulk.contact_files.meanings import FIELDS, READ_ONLY, Target
from heymarket_async.bulk.contact_files.plan import plan_of
from heymarket_async.bulk.errors import JobError
from heymarket_async.bulk.kind import COLUMNS
from heymarket_async.bulk.sinks.tables import Table as ExportTable
from tests.bulk.contact_files.reading import read_table, table

PHONE = "14155550100"
FIELDS_OF_ACCOUNT = [
    ContactField(id=123, title="Plan"),
    ContactField(id=456, title="Renewal Date"),
    ContactField(id=7, title="Twice"),
    ContactField(id=8, title="Twice"),
]
HARD = [
    ContactField(id=1, title="Email"),
    ContactField(id=2, title="Tags"),
    ContactField(id=3, title="note"),
    ContactField(id=4, title="Twice"),
    ContactField(id=5, title="Twice"),
    ContactField(id=6, title="twice"),
    ContactField(id=7, title=" Padded\n title "),
    ContactField(id=8, title="custom:x"),
    ContactField(id=9, title=""),
]


def plan(headings, *rows, fields=(), **options):
    read = table([headings, *rows])
    return plan_of(read.headings, read.head(100), fields, **options)


def why(headings, *rows, **options):
    return [column.why for column in plan(headings, *rows, **options).columns]


def test_the_order_of_meanings_is_mapped_ignored_field_custom_field_layout():
    headings = ["Cell", "phone", "Notes", "Plan", "Email", "Birthday", "Favourite", "id", ""]

    read = plan(
        headings, fields=[*FIELDS_OF_ACCOUNT, ContactField(id=9, title="birthday")],
        mapped={"Favourite": "last"}, ignored=["Email"],
    )  # fmt: skip

    assert [column.why for column in read.columns] == [
        "layout", "field", "no place", "custom field", "ignored", "custom field", "mapped",
        "read only", "empty",
    ]  # fmt: skip
    assert read.sources == {
        Target("phone"): [0, 1],
        Target("custom", "123"): [3],
        Target("custom", "9"): [5],
        Target("last"): [6],
    }
    assert read.left_out == ["Notes", "id"]


def test_unknown_columns_are_left_out_and_misspelt_ones_are_an_error():
    assert plan(["phone", "Favourite color", "#"]).left_out == ["Favourite color", "#"]
    assert plan(["phone", "Emial"], ignore_others=True).left_out == ["Emial"]
    assert plan(["phone", "Emial"], ignored=["emial"]).left_out == []
    assert why(["phone", "Emial"], mapped={"Emial": "email"}) == ["field", "mapped"]


def test_of_many_misspelt_columns_the_first_are_named():
    with pytest.raises(JobError) as raised:
        plan(["phone", *["Emial"] * 2000])

    assert "Emial (did you mean email?) and 1,980 more. Map one" in str(raised.value)
    assert str(raised.value).count("Emial") == 21


@pytest.mark.parametrize(
    ("headings", "options", "reason", "message"),
    [
        (["phone", "Frist"], {}, "unknown_columns", "columns: Frist (did you mean first?). Map one"),
        (["phone", "Frist"], {}, "unknown_columns", 'mapped={"Frist": "first"}, skip some with'),
        (["phone", "Plann"], {}, "unknown_columns", "(did you mean Plan?)"),
        (["phone", "Unsubcribed"], {}, "unknown_columns", "(did you mean is_opted_out?)"),
        (["phone", "SMS Consnet"], {}, "unknown_columns", "(did you mean may_text?)"),
        (["phone", "Frist Name"], {}, "unknown_columns", "(did you mean first?)"),
        (["phone", "a"], {"mapped": {"a": "nope"}}, "unknown_columns", 'columns: "a=nope". Map one'),
        (["phone", "a"], {"mapped": {"a": "nope"}}, "unknown_columns", '{"a": "FIELD"}, skip'),
        (["a"], {"mapped": {"a": "nope"}}, "unknown_columns", '{"a": "phone"}, skip'),
        (["phone", "a"], {"mapped": {"a": "lats"}}, "unknown_columns", "(did you mean last?)"),
        (["phone", "a"], {"mapped": {"a": "plam"}, "ignore_others": True}, "unknown_columns", "plam"),
        (["phone", "a"], {"mapped": {"a": "id"}}, "unknown_columns", 'columns: "a=id"'),
        (["phone", "a"], {"mapped": {"a": "custom:x"}}, "unknown_columns", '"a=custom:x"'),
        (["phone", "Twice"], {}, "same_title", "2 custom fields have the title Twice: 7 and 8."),
        (["phone", "Twice"], {}, "same_title", 'by the id: mapped={"COLUMN": "custom:7"}.'),
        (["phone"], {"ignored": ["phnoe"]}, "missing_column", "phnoe to map or ignore (did you mean p"),
        (["phone"], {"mapped": {"x": "last"}}, "missing_column", "no column x to map or ignore."),
        (["phone"], {"mapped": {"phone,x": "phone"}}, "missing_column", "no column x to map"),
        (["first"], {}, "no_phone_column", 'the phones. Map one with mapped={"COLUMN": "phone"}.'),
        ([], {}, "no_phone_column", "No column has the phones."),
        (["Zoe", PHONE], {}, "no_header", "The first row must name the columns, and not be a contact."),
        (["Zoe", "zoe@example.com"], {}, "no_header", "A phone or an e-mail is among the names"),
        (["phone", "Plan", "Plan"], {}, "same_field", "Columns Plan and Plan mean the same field."),
        (["phone", "Plan", "custom:123"], {}, "same_field", "Plan and custom:123 mean the same"),
        (["phone", "Opt Out"], {"ignored": ["Opt Out"]}, "ignored_opt_outs", "cannot be ignored"),
        (["phone", "nope"], {"fields": None}, "unread_custom_fields", "which cannot be read. Map one"),
        (["phone", "nope"], {"fields": None, "ignore_others": True}, "unread_custom_fields", "nope"),
    ],
)  # fmt: skip
def test_columns_that_cannot_be_used_are_refused_at_once(headings, options, reason, message):
    with pytest.raises(JobError, match=re.escape(message)) as raised:
        plan(headings, **{"fields": FIELDS_OF_ACCOUNT, **options})

    assert raised.value.reason == reason
    assert PHONE not in str(raised.value)
    assert "zoe@" not in str(raised.value)


def test_a_column_of_phones_under_an_unknown_heading_is_suggested():
    with pytest.raises(JobError, match=r"No column has the phones \(did you mean Reach\?\)\."):
        plan(["Count", "Reach"], ["3", "(415) 555-0100"], ["", ""], ["4", "415 555 0101"])


def test_mapped_columns_of_a_field_replace_its_others_and_keep_their_order():
    headings = ["Mobile", "Home Phone", "Business Phone", "Last, First"]
    mapped = {"business phone,Home Phone": "phone", "Last, First": "display_name"}

    read = plan(headings, mapped=mapped)

    assert read.sources[Target("phone")] == [2, 1]
    assert [column.why for column in read.columns] == ["replaced", "mapped", "mapped", "mapped"]
    assert read.left_out == ["Mobile"]


def test_columns_of_one_field_come_in_the_order_of_their_ranks_then_of_the_file():
    read = plan(["Work Phone", "Phone", "Phone", "Mobile", "Fax"])

    assert read.sources[Target("phone")] == [3, 1, 2, 0]


def test_a_custom_field_gives_its_column_back_if_there_is_no_other_phone():
    fields = [ContactField(id=1, title="Mobile")]

    assert plan(["Mobile"], fields=fields).sources == {Target("phone"): [0]}
    assert plan(["Mobile", "Phone"], fields=fields).sources == {
        Target("custom", "1"): [0],
        Target("phone"): [1],
    }


@pytest.mark.parametrize(
    ("heading", "custom_id"),
    [
        ("custom:Email", "1"),
        ("custom:1", "1"),
        ("Email (1)", "1"),
        ("custom:Tags", "2"),
        ("note", "3"),
        ("custom:4", "4"),
        ("Twice (5)", "5"),
        ("twice", "6"),
        ("Padded title", "7"),
        ("padded-title", "7"),
        (" Padded\n title ", "7"),
        ("custom:custom:x", "8"),
        ("custom:9", "9"),
        ("(9)", "9"),
    ],
)
def test_each_custom_field_can_be_named(heading, custom_id):
    named = plan(["phone", heading], fields=HARD)
    mapped = plan(["phone", "a"], fields=HARD, mapped={"a": heading})

    assert named.columns[1].target == mapped.columns[1].target == Target("custom", custom_id)


def test_a_title_comes_before_an_id():
    fields = [ContactField(id=1, title="a"), ContactField(id=2, title="1")]
    assert plan(["phone", "custom:1"], fields=fields).columns[1].target == Target("custom", "2")

    fields = [ContactField(id=1, title="a"), ContactField(id=2, title="a (1)")]
    for heading in ("custom:a (1)", "a (1)"):
        assert plan(["phone", heading], fields=fields).columns[1].target == Target("custom", "2")


def test_an_export_is_read_by_its_exact_headings():
    headings = list(ExportTable(HARD).columns)

    read = plan(headings, fields=HARD)

    custom = {key.custom_id for key in read.sources if key.custom_id}
    assert read.is_export
    assert custom == {str(field.id) for field in HARD}
    assert {column.heading for column in read.columns if column.why == "read only"} == READ_ONLY
    assert {key.field for key in read.sources if not key.custom_id} == (
        set(FIELDS) - {"email_suppressions"}
    )


def test_in_an_export_nothing_is_read_loosely():
    headings = ["id", "rev", "updated", "phone", "E mail", "Mobile", "Plann", "'=x", "custom:1"]
    fields = [
        ContactField(id=5, title="Mobile"),
        ContactField(id=2, title="=x"),
        ContactField(id=3, title="1"),
        ContactField(id=4, title="Plan"),
        ContactField(id=1, title="other title"),
    ]

    read = plan(headings, fields=fields)

    assert [column.target and column.target.custom_id for column in read.columns[4:]] == [
        None, "5", None, "2", "1",
    ]  # fmt: skip
    assert read.left_out == ["id", "rev", "updated", "E mail", "Plann"]


def test_fields_that_are_written_and_only_read_make_up_an_export():
    assert {*COLUMNS, "other"} == READ_ONLY | {"assigned_user_id"} | (
        set(FIELDS) - {"assignee_id", "email_suppressions"}
    )


@pytest.mark.parametrize("heading", ["Opt Out", "SMS Consent", "is_opted_out", "Text me no: stop"])
def test_opt_outs_that_are_not_understood_are_an_error_before_anything_is_sent(heading):
    mapped = {} if heading != "Text me no: stop" else {heading: "is_opted_out"}
    rows = [["1", "qq"], ["2", ""], ["3", "zz"]]

    with pytest.raises(JobError, match="says who opted out of texts, but its values are not"):
        plan(["phone", heading], *rows, mapped=mapped)
    ignored = plan(["phone", heading], *rows, mapped=mapped, ignore_opt_outs=True)
    assert (ignored.sources, ignored.left_out) == ({Target("phone"): [0]}, [])
    assert plan(["phone", heading], *rows, ["4", "yes"], mapped=mapped).sources.keys() == {
        Target("phone"), Target("is_opted_out"),
    }  # fmt: skip


def test_an_opt_out_counts_also_in_a_column_that_means_a_custom_field():
    fields = [ContactField(id=1, title="Opt Out"), ContactField(id=2, title="Status")]
    headings = ["phone", "Opt Out", "Status", "Consent to SMS"]

    read = plan(headings, fields=fields, mapped={"Consent to SMS": "custom:2"}, ignored=["Status"])

    assert read.sources[Target("is_opted_out")] == [1, 3]
    with pytest.raises(JobError, match="Column Status says who opted out"):
        plan(headings, ["1", "no", "Unsubscribed", "no"], fields=fields, ignored=["Status"])
    nothing = plan(headings, fields=fields, ignored=["Opt Out"], ignore_opt_outs=True)
    assert Target("is_opted_out") not in nothing.sources


def test_a_status_is_shown_as_imported_only_if_somebody_opted_out():
    active = plan(["phone", "Status"], [PHONE, "Active"])
    stopped = plan(["phone", "Status"], [PHONE, "Active"], [PHONE, "Unsubscribed"])

    assert [active.columns[1].why, stopped.columns[1].why] == ["no place", "layout"]
    assert active.sources[Target("is_opted_out")] == stopped.sources[Target("is_opted_out")] == [1]


def test_a_mapped_opt_out_replaces_no_other():
    read = plan(["phone", "Opt Out", "x"], mapped={"x": "is_opted_out"})

    assert [column.why for column in read.columns] == ["field", "layout", "mapped"]
    assert read.sources[Target("is_opted_out")] == [1, 2]


def test_a_field_with_a_column_of_its_id_is_not_named_by_its_title_alone():
    columns = plan(["phone", "Twice", "Twice (8)"], fields=FIELDS_OF_ACCOUNT).columns

    assert [column.target for column in columns[1:]] == [
        Target("custom", "7"), Target("custom", "8"),
    ]  # fmt: skip


def test_consent_can_be_mapped():
    read = read_table(
        [["phone", "Einwilligung"], [PHONE, "nein"]], mapped={"Einwilligung": "may_text"}
    )

    assert read.rows == [{"phone": PHONE, "is_opted_out": True}]


def test_headings_are_shown_without_personal_data():
    read = plan(["phone", "a@example.com", "Favourite color"])

    assert [column.shown for column in read.columns] == ["phone", "***", '"Favourite color"']


def test_a_column_costs_the_same_in_a_wide_table(monkeypatch):
    calls, collapsed = [], meanings.collapsed
    for module in ("meanings", "plan"):
        monkeypatch.setattr(
            f"heymarket_async.bulk.contact_files.{module}.collapsed",
            lambda text: calls.append(text) or collapsed(text),
        )

    plan(["phone", *("id" for _ in range(200))], fields=FIELDS_OF_ACCOUNT)

    assert len(calls) < 1000

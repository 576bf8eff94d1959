"""What a column means: fields, custom fields that are hard to name, and what exports have."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from heymarket_async import ContactField, NewContact
from heymarket_async.bulk import Csv, JsonLines, export_contacts
from heymarket_async.bulk.contact_files.columns import FIELDS, READ_ONLY, Columns, Target
from heymarket_async.bulk.contact_files.phones import phone_reader
from heymarket_async.bulk.contact_files.rows import csv_rows, json_rows
from heymarket_async.bulk.sinks.tables import COLUMNS, Table
from tests.bulk.importing.imports import account, counts, new

PHONE = "14155550100"
HARD = [
    ContactField(id=1, title="Email"),
    ContactField(id=2, title="Tags"),
    ContactField(id=3, title="note"),
    ContactField(id=4, title="Twice"),
    ContactField(id=5, title="Twice"),
    ContactField(id=6, title="twice"),
    ContactField(id=7, title=" Padded "),
    ContactField(id=8, title="custom:x"),
]

OF_EXPORT = {"id": 7, "updated": "2026-01-01T00:00:00Z"}


def read_csv(text: str, columns: Columns) -> list[Any]:
    return list(csv_rows(io.BytesIO(text.encode()), columns, phone_reader()))


def read_json(columns: Columns, *rows: object) -> list[Any]:
    lines = b"\n".join(msgspec.json.encode(row) for row in rows)
    return list(json_rows(io.BytesIO(lines), columns, phone_reader()))


@pytest.mark.parametrize(
    ("meant", "custom_id"),
    [
        ("custom:Email", "1"),
        ("custom:1", "1"),
        ("Email (1)", "1"),
        ("custom:Tags", "2"),
        ("custom:note", "3"),
        ("note", "3"),
        ("custom:4", "4"),
        ("Twice (5)", "5"),
        ("twice", "6"),
        ("Padded", "7"),
        ("custom:custom:x", "8"),
    ],
)
def test_each_custom_field_can_be_named(meant, custom_id):
    mapped = read_csv(f"phone,x\n{PHONE},a\n", Columns(HARD, {"x": meant}))
    named = read_csv(f"phone,{meant}\n{PHONE},a\n", Columns(HARD))

    assert mapped == named == [NewContact(phone=PHONE, custom={custom_id: "a"})]


def test_the_headings_of_an_export_mean_what_they_did_there():
    columns = Columns(HARD)
    headings = list(Table(HARD).columns)

    targets = columns.of_header(headings)

    custom = {each.custom_id: name for each, name in zip(targets, headings, strict=True) if each}
    assert {key: custom[key].strip() for key in "12345678"} == {
        "1": "Email (1)", "2": "Tags (2)", "3": "note (3)", "4": "Twice", "5": "Twice (5)",
        "6": "twice (6)", "7": "Padded", "8": "custom:x",
    }  # fmt: skip
    assert set(columns.left_out) == READ_ONLY


def test_what_is_written_and_what_is_only_read_make_up_an_export():
    assert {*COLUMNS, "other"} == READ_ONLY | {"assigned_user_id"} | (
        set(FIELDS) - {"assignee_id", "email_suppressions"}
    )


def test_all_columns_that_mean_nothing_are_told_at_once_or_ignored_at_once():
    columns = Columns([], {"Tel": "phone"}, ["Notes"], ignore_others=True)
    text = f"Tel,Notes,a,b,,\n{PHONE},1,2,3,4,5\n"

    assert read_csv(text, columns) == [NewContact(phone=PHONE)]
    assert list(columns.left_out) == ["a", "b", ""]
    with pytest.raises(
        ValueError, match=r"Unknown columns: a, b, \"\" \(column 5\), \"\" \(column 6\)\."
    ):
        read_csv(text, Columns([], {"Tel": "phone"}, ["Notes"]))
    with pytest.raises(ValueError, match=r"Unknown columns: \"a=nope\"\."):
        read_csv(text, Columns([], {"Tel": "phone", "a": "nope"}, ignore_others=True))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"phone": PHONE, "nick": 1, "sir": 2}, "^Unknown columns: nick, sir"),
        ({"phone": PHONE, "custom": {"9": 1}}, "^Unknown columns: custom:9"),
        (
            {"phone": PHONE, "nick": 1, "custom": {"9": 1, "8": 2, "y": 3}},
            "^Unknown columns: nick, custom:9, custom:y",
        ),
        ({"phone": PHONE, "custom": {"1234567": 1}}, r"^Unknown columns: custom:\*\*\*"),
        ({"phone": PHONE, "custom": {"Twice": 1}}, "2 custom fields have the title"),
    ],
)
def test_names_of_the_first_row_that_mean_nothing_are_refused(row, message):
    with pytest.raises(ValueError, match=message):
        read_json(Columns(HARD), row)

    later = read_json(Columns(HARD), {"phone": PHONE}, row, {"phone": PHONE})
    assert re.search(message, later[1].reason)
    assert later[2] == NewContact(phone=PHONE)


def test_a_first_row_that_is_broken_is_none():
    lines = io.BytesIO(b'{"phone"\n{"phone":"14155550100","nick":1}')
    rows = json_rows(lines, Columns([]), phone_reader())

    assert "truncated" in next(rows).reason
    with pytest.raises(ValueError, match=r"Unknown columns: nick\."):
        next(rows)


def test_other_names_in_json_can_be_ignored_all():
    columns = Columns(HARD, ignore_others=True)
    row = {"phone": PHONE, "nick": 1, "custom": {"9": 1, "3": 2}}

    assert read_json(columns, row, row) == [NewContact(phone=PHONE, custom={"3": 2})] * 2
    assert list(columns.left_out) == ["nick", "custom:9"]


def test_what_exports_have_is_left_out_of_json_whatever_custom_fields_there_are():
    columns = Columns(HARD)

    rows = read_json(
        columns,
        {"phone": PHONE, "note": [], "assigned_user_id": None, **OF_EXPORT},
        {"phone": PHONE, "assigned_user_id": 5},
        {"phone": PHONE, "assignee_id": None, "custom": {"note": "a"}},
    )

    assert rows == [
        NewContact(phone=PHONE),
        NewContact(phone=PHONE, assignee_id=5),
        NewContact(phone=PHONE, assignee_id=None, custom={"3": "a"}),
    ]
    assert list(columns.left_out) == ["note", "id", "updated"]


@pytest.mark.parametrize("left_out", [{}, {"id": 7}, {"updated": "2026-01-01T00:00:00Z"}])
def test_a_custom_field_that_is_titled_as_what_exports_have_is_no_less_one_in_json(left_out):
    columns = Columns([ContactField(id=3, title="note"), ContactField(id=9, title="type")])

    rows = read_json(columns, {"phone": PHONE, "note": "VIP", "type": "a", **left_out})

    assert rows == [NewContact(phone=PHONE, custom={"3": "VIP", "9": "a"})]
    assert list(columns.left_out) == list(left_out)


def test_what_is_mapped_is_a_custom_field_in_an_export_too():
    columns = Columns(HARD, {"note": "custom:note"})

    rows = read_json(columns, {"phone": PHONE, "note": "VIP", **OF_EXPORT})

    assert rows == [NewContact(phone=PHONE, custom={"3": "VIP"})]


def test_a_custom_field_without_a_title_is_named_by_its_id_alone():
    columns = Columns([ContactField(id=9, title="")])

    assert columns.of_names(("custom:9", "(9)")) == [Target("custom", "9")] * 2
    with pytest.raises(ValueError, match=r"\"\" \(column 2\)"):
        columns.of_names(("phone", ""))


def test_a_title_comes_before_an_id():
    columns = Columns([ContactField(id=1, title="a"), ContactField(id=2, title="1")])

    assert columns.of_names(("custom:1",)) == [Target("custom", "2")]
    twins = Columns([ContactField(id=1, title="a"), ContactField(id=2, title="a (1)")])
    assert twins.of_names(("custom:a (1)", "a (1)")) == [Target("custom", "2")] * 2


def test_what_is_under_custom_can_be_mapped_and_ignored():
    columns = Columns(HARD, {"custom:Old": "custom:note", "custom:Name": "first"}, ["custom:x"])
    row = {"phone": PHONE, "custom": {"Old": "a", "Name": "Zoë", "x": 1}}

    assert read_json(columns, row) == [NewContact(phone=PHONE, first="Zoë", custom={"3": "a"})]
    assert (columns.unseen, list(columns.left_out)) == ([], [])


def test_what_was_to_be_mapped_or_ignored_and_was_in_no_row_is_known():
    columns = Columns(HARD, {"Tel": "phone", "Vip": "Twice"}, ["a", "b"])

    read_json(columns, {"Tel": PHONE, "a": 1}, {"Tel": PHONE})

    assert columns.unseen == ["Vip", "b"]


def test_of_names_that_change_in_each_row_not_all_are_kept():
    columns = Columns([], ignore_others=True)

    read_json(columns, *({"phone": PHONE, f"n{n}": 1} for n in range(1100)))

    assert len(columns._cache) == 1000
    assert len(columns.left_out) == 1100


@pytest.mark.parametrize("cell", ['[{"id":9,"tag_id":2},3]', "[2,3]", "[]"])
def test_tags_are_read_as_exports_write_them(cell):
    quoted = cell.replace('"', '""')
    (row,) = read_csv(f'phone,tags\n{PHONE},"{quoted}"\n', Columns([]))

    assert [tag.tag_id for tag in row.tags] == ([] if cell == "[]" else [2, 3])


def test_tags_that_are_no_list_are_one_bad_row():
    broken, named = read_csv(f'phone,tags\n{PHONE},[1\n{PHONE},"[""VIP""]"\n', Columns([]))

    assert broken.reason == "tags must be ids, or a list in JSON as exports have it (line 2)"
    assert "each of tags must be of type" in named.reason


@pytest.mark.parametrize("kind", [Csv, JsonLines])
async def test_what_is_exported_can_be_imported(kind, tmp_path: Path):
    path = tmp_path / "contacts"
    async with account() as it:
        await it.has(
            new(1, last="=Li", tags=[1, 2], custom={"123": "a, b", "456": "-1 x"}, assignee_id=5),
            new(2, first="Zoë\nTwo", is_opted_out=True, email="zoe@example.com"),
        )
        await export_contacts(it.client, kind(path))
        fields = await it.client.contact_fields.all()

    async with account() as other:
        read = csv_rows if kind is Csv else json_rows
        with path.open("rb") as file:
            columns = Columns(fields)
            report = await other.imports(read(file, columns, phone_reader()))

        assert counts(report) == {"created": 2}
        for name in ("first", "last", "custom", "assigned_user_id", "email", "is_opted_out"):
            for n in (1, 2):
                assert other.stored(n).get(name) == it.stored(n).get(name)
        assert [each["tag_id"] for each in other.stored(1)["tags"]] == [1, 2]
        with path.open("rb") as file:
            rows = read(file, Columns(fields), phone_reader())
            again = await other.imports(rows, overwrite=True)
    assert counts(again) == {"unchanged": 2}
    assert {"id", "rev", "updated", "created"} <= set(columns.left_out) <= READ_ONLY

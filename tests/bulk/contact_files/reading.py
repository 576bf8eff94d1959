"""Reads small files of contacts in tests, by a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from heymarket_async import ContactField, NewContact, TagRef
from heymarket_async.bulk.contact_files.contacts import ContactReader
from heymarket_async.bulk.contact_files.formats import open_contacts
from heymarket_async.bulk.contact_files.layouts import meaning_of
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.phones import phone_reader
from heymarket_async.bulk.contact_files.plan import Plan, plan_of, plan_of_records
from heymarket_async.bulk.contact_files.table import Row, Table
from heymarket_async.bulk.importing.source import RejectedRow, SourceRow

TAGS = {"vip": 1, "lead": 2, "2024": 3}


class Read:
    """What was read: contacts as their fields, rows that were rejected as their reasons."""

    def __init__(self, plan: Plan, rows: Iterator[SourceRow], notes: Notes) -> None:
        self.plan = plan
        items = [row.item for row in rows]
        self.rows = [_shown(item) for item in items]
        rejected = [item for item in items if isinstance(item, RejectedRow)]
        self.opted_out_phones = [item.opted_out_phone for item in rejected]
        self.left_out = plan.left_out
        self.notes = notes.lines()


def _shown(item: object) -> Any:
    if isinstance(item, RejectedRow):
        return item.reason
    assert isinstance(item, NewContact)
    fields = {name: getattr(item, name) for name in item.__struct_fields__}
    given = {name: value for name, value in fields.items() if value is not msgspec.UNSET}
    if given.get("tags"):
        given["tags"] = [tag.tag_id if isinstance(tag, TagRef) else tag for tag in given["tags"]]
    return given


def tag_id(name: str) -> int | None:
    return TAGS.get(name.casefold())


def table(rows: Sequence[Sequence[str]], *, has_apostrophes: bool = True) -> Table:
    numbered = (Row(number, cells) for number, cells in enumerate(rows[1:], 2))
    return Table(rows[0], numbered, has_apostrophes=has_apostrophes)


def read_table(
    rows: Sequence[Sequence[str]],
    fields: Sequence[ContactField] | None = (),
    *,
    has_apostrophes: bool = True,
    **options: Any,
) -> Read:
    return _read(table(rows, has_apostrophes=has_apostrophes), Notes(), fields, **options)


def read_file(path: Path, fields: Sequence[ContactField] | None = ()) -> Read:
    def is_phone_heading(cell: str) -> bool:
        known = meaning_of(cell)
        return known is not None and known.field == "phone"

    notes = Notes()
    with path.open("rb") as file:
        content = open_contacts(file, path.name, is_phone_heading=is_phone_heading, notes=notes)
        assert isinstance(content, Table)
        return _read(content, notes, fields)


def _read(
    content: Table,
    notes: Notes,
    fields: Sequence[ContactField] | None,
    *,
    region: str | None = "US",
    tag_id: Callable[[str], int | None] | None = tag_id,
    **options: Any,
) -> Read:
    plan = plan_of(content.headings, content.head(100), fields, **options)
    reader = ContactReader(
        plan, phone=phone_reader(region, takes_possible=plan.is_export, notes=notes),
        tag_id=tag_id, find_tag=tag_id, notes=notes,
    )  # fmt: skip
    return Read(plan, reader.of_table(content), notes)


class Object(msgspec.Struct):
    number: int
    fields: dict[str, object]
    problem: str = ""
    line: str = "{}"


class Objects(list[Object]):
    unit = "line"


def read_records(
    *records: Mapping[str, object], fields: Sequence[ContactField] | None = (), **options: Any
) -> Read:
    notes = Notes()
    plan = plan_of_records(records, fields, **options)
    reader = ContactReader(plan, phone=phone_reader("US"), tag_id=tag_id, notes=notes)
    objects = Objects(Object(number, dict(each)) for number, each in enumerate(records, 1))
    return Read(plan, reader.of_records(objects), notes)

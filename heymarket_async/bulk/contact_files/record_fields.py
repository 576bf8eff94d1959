"""Reads the fields of a contact from an object of JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import cast

from msgspec import UNSET
from msgspec.structs import replace

from heymarket_async.bulk.contact_files.cells import cell_text, emails_of, is_email, whole
from heymarket_async.bulk.contact_files.export_marks import (
    is_table_row,
    was_csv,
    words_of_record,
)
from heymarket_async.bulk.contact_files.fields import FieldReader
from heymarket_async.bulk.contact_files.meanings import OPT_OUTS, READ_NAMES, Target
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.opt_outs import opted_out
from heymarket_async.bulk.contact_files.plan import PHONE, Plan, Planner, flattened
from heymarket_async.bulk.contact_files.plan_checks import kind_of
from heymarket_async.bulk.contact_files.tag_cells import TagReader
from heymarket_async.bulk.contact_files.values import text_of
from heymarket_async.bulk.errors import JobError
from heymarket_async.bulk.importing.source import RejectedRow, contact_of
from heymarket_async.models.new_contact import NewContact

_MOST_CACHED = 1000
_TEXTS = frozenset({"first", "last", "display_name", "avatar"})
_LEFT_OUT = object()


class RecordFieldReader:
    """Reads the fields of objects, whose names may change from one to the next.

    Args:
        planner: Makes the plans for their names.
        phone: Makes E.164 digits of a phone; see `phone_reader`.
        tags: Reads tags.
        notes: For remarks on the file.

    Attributes:
        left_out: The names that are not imported, without those to ignore.
        names: All names so far, as `flattened` gives them.
    """

    def __init__(
        self, planner: Planner, phone: Callable[[str], str], tags: TagReader, notes: Notes
    ) -> None:
        self.left_out: dict[str, None] = {}
        self.names: dict[str, None] = {}
        self._planner = planner
        self._phone = phone
        self._tags = tags
        self._notes = notes
        self._plans: dict[tuple[str, ...], Plan] = {}

    def contact(self, record: Mapping[str, object]) -> NewContact | RejectedRow:
        """Return the contact of an object, or why it does not make one."""
        try:
            names, values = flattened(record)
            plan = self._plan(names)
        except JobError as error:
            return RejectedRow(error.problem.removesuffix("."))
        except ValueError as error:
            return RejectedRow(str(error))
        try:
            if PHONE in plan.sources and is_table_row(record):
                fields = self._fields_of_row(plan, record)
            else:
                fields = self._fields(plan, names, values)
        except JobError:  # about the account, such as a right that is missing
            raise
        except ValueError as error:
            return RejectedRow(str(error), self._opted_out_phone(plan, values))
        if record.get("custom", {}) is None:
            fields["custom"] = None
        made = contact_of(fields)
        if isinstance(made, RejectedRow):
            return RejectedRow(made.reason, self._opted_out_phone(plan, values))
        return made

    def _opted_out_phone(self, plan: Plan, values: Sequence[object]) -> str | None:
        """Return the phone of an object that is rejected, if it says opted out."""
        with suppress(ValueError):
            at = plan.sources.get(Target(OPT_OUTS))
            if at and _read_opt_outs(plan, at, values) is True:
                phone = self._read_phone([values[at] for at in plan.sources.get(PHONE, ())])
                return phone if isinstance(phone, str) else None
        return None

    def _fields_of_row(self, plan: Plan, record: Mapping[str, object]) -> dict[str, object]:
        """Return the fields of a row of a table that a program has made JSON Lines.

        Raises:
            ValueError: A field cannot be read.
        """
        phone, row_id = record.get("phone"), record["id"]
        reader = FieldReader(
            replace(plan, empty_words=words_of_record(record)),
            self._phone,
            self._tags,
            self._notes,
            has_apostrophes=was_csv(
                has_text_ids=isinstance(row_id, str),
                has_numeric_phones=isinstance(phone, int | float),
            ),
        )
        problems: dict[int, str] = {}
        columns = reader.of_columns([[text_of(value)] for value in record.values()], problems)
        if problems:
            raise ValueError(problems[0])
        return {name: value for name, (value,) in columns.items() if value is not UNSET}

    def _plan(self, names: tuple[str, ...]) -> Plan:
        plan = self._plans.get(names)
        if plan is None:
            self.names |= dict.fromkeys(names)
            plan = self._planner.of_names(names)
            self.left_out |= dict.fromkeys(plan.left_out)
            if len(self._plans) < _MOST_CACHED:
                self._plans[names] = plan
        return plan

    def _fields(
        self, plan: Plan, names: Sequence[str], values: Sequence[object]
    ) -> dict[str, object]:
        fields: dict[str, object] = {}
        custom: dict[str, object] = {}
        for target, at in plan.sources.items():
            # In answers null means that nobody is assigned; to write that, it must be -1.
            given = [i for i in at if names[i] not in READ_NAMES or values[i] is not None]
            if target == PHONE:
                fields["phone"] = self._read_phone([values[i] for i in at])
            elif target == Target(OPT_OUTS):
                fields[OPT_OUTS] = _read_opt_outs(plan, at, values)
            elif target.custom_id and given:
                custom[target.custom_id] = _first_filled([values[i] for i in given])
            elif given:
                value = _first_filled([values[i] for i in given])
                is_exact = target.field == "email" and plan.is_export
                fields[target.field] = value if is_exact else self._read(target.field, value)
        if custom:
            fields["custom"] = custom
        return {name: value for name, value in fields.items() if value is not _LEFT_OUT}

    def _read_phone(self, values: Sequence[object]) -> object:
        failure: ValueError | None = None
        for value in values:
            if value is None or value == "":
                continue
            if not isinstance(value, str | int | float):
                return value  # the check of the contact says so
            try:
                return self._phone(_text_of(value))
            except ValueError as error:
                failure = failure or error
        if failure:
            raise failure
        return _LEFT_OUT

    def _read(self, field: str, value: object) -> object:
        if field == "tags":
            tags = self._tags.of_value(value)
            return _LEFT_OUT if tags is None and value is not None else tags
        if field in _TEXTS and isinstance(value, int | float) and not isinstance(value, bool):
            return _text_of(value)
        if field == "email" and isinstance(value, str) and value:
            return value if is_email(value) else next(iter(emails_of(value)), _LEFT_OUT)
        if field == "assignee_id" and isinstance(value, str | float):
            return _checked(whole, str(value), "assignee_id must be an integer")
        if field == "email_suppressions" and isinstance(value, list):
            return list(map(_without_decimals, cast(list[object], value)))
        return value


def _read_opt_outs(plan: Plan, at: Sequence[int], values: Sequence[object]) -> object:
    says = {_opted_out(plan, index, values[index]) for index in at}
    if len(says) > 1:
        says.discard(None)
        says.discard(_LEFT_OUT)
    return True if True in says else says.pop()


def _opted_out(plan: Plan, index: int, value: object) -> object:
    column = plan.columns[index]
    kind = kind_of(column)
    if value is None:
        return None if column.why == "field" and kind != "words" else _LEFT_OUT
    if kind == "words" and isinstance(value, list):
        value = ",".join(map(str, cast("list[object]", value)))
    text = cell_text(str(value)) if isinstance(value, str | int | float) else "not understood"
    found = opted_out(text, kind) if text else None
    return _LEFT_OUT if found is None else found


def _first_filled(values: Sequence[object]) -> object:
    return next((value for value in values if value is not None and value != ""), values[0])


def _text_of(value: object) -> str:
    # A program may hold a phone as a number, and a table even as a float.
    return str(_without_decimals(value))


def _without_decimals(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _checked(read: Callable[[str], object], text: str, rule: str) -> object:
    try:
        return read(text)
    except ValueError:
        raise ValueError(rule) from None

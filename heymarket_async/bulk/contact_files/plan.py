"""The plan for a file of contacts: what its columns mean, and which of them come first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import cast

import msgspec
from msgspec.structs import replace

from heymarket_async.bulk.contact_files.cells import NOT_GIVEN, collapsed
from heymarket_async.bulk.contact_files.export_marks import OF_EXPORT, empty_words
from heymarket_async.bulk.contact_files.layouts import PHONE_LABEL, loose
from heymarket_async.bulk.contact_files.meanings import (
    FIELDS,
    OPT_OUTS,
    Column,
    Meanings,
    Target,
    did_you_mean,
    first_of,
    masked,
    places,
    shown,
)
from heymarket_async.bulk.contact_files.plan_checks import (
    as_cells_show,
    check_opt_outs,
    has_opt_outs,
    is_country_code,
    no_phone_column,
    says_opt_out,
)
from heymarket_async.bulk.contact_files.table import Row
from heymarket_async.bulk.contact_files.typos import misspelt
from heymarket_async.bulk.errors import JobError
from heymarket_async.bulk.headings import CUSTOM
from heymarket_async.models.contact import ContactField
from heymarket_async.transport.masking import MASK

PHONE = Target("phone")

_MOST_NAMED = 20
"""The most columns that an error names."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The meanings of the columns of a file.

    Attributes:
        columns: All columns, in the order of the file.
        sources: The indexes of the columns of each field. The first column that is filled counts,
            but the tags of all columns count, and so does an opt-out in any column.
        labels: The index of the column with the label of a phone, such as Mobile or Fax, by the
            index of the column of that phone.
        code: The index of the column with the country codes of the phones, or None.
        is_export: The file is an export of ours, with exact headings and cells.
        empty_words: The texts that stand for an empty cell of a table.
        planner: Makes the plans of other names, as later rows of JSON Lines may have them.
    """

    columns: list[Column]
    sources: dict[Target, list[int]]
    labels: dict[int, int]
    code: int | None = None
    is_export: bool
    planner: Planner
    empty_words: frozenset[str] = NOT_GIVEN

    @property
    def left_out(self) -> list[str]:
        """The headings that are not imported, without those to ignore; for a report."""
        kept = {index for indexes in self.sources.values() for index in indexes}
        kept |= set(self.labels.values()) | ({self.code} if self.code is not None else set())
        return list(
            dict.fromkeys(
                column.heading
                for index, column in enumerate(self.columns)
                if (index not in kept or column.is_unknown)
                and column.why not in {"ignored", "empty"}
            )
        )


def plan_of(
    headings: Sequence[str],
    sample: Sequence[Row],
    fields: Sequence[ContactField] | None,
    *,
    mapped: Mapping[str, str] | None = None,
    ignored: Collection[str] = (),
    ignore_others: bool = False,
    ignore_opt_outs: bool = False,
) -> Plan:
    """Return the plan for a table.

    Args:
        headings: As the file has them.
        sample: Its first rows.
        fields: The custom fields of the account, or None if they cannot be read.
        mapped: The field by heading, or by several headings with commas between: the first column
            of them that is filled counts. `{"Mobile,Business Phone": "phone"}`
        ignored: Headings of columns to skip.
        ignore_others: Skip unknown columns, even if they look like misspelt fields.
        ignore_opt_outs: Skip the columns that say who may not be texted.

    Raises:
        JobError: Columns are misspelt, or two mean the same custom field; one that is mapped or
            ignored does not exist; none has the phones; or the opt-outs are not understood.
    """
    planner = Planner(fields, mapped or {}, ignored, ignore_others, ignore_opt_outs)
    return planner.of_table(headings, [row.cells for row in sample if not row.problem])


def plan_of_records(
    sample: Sequence[Mapping[str, object]],
    fields: Sequence[ContactField] | None,
    *,
    mapped: Mapping[str, str] | None = None,
    ignored: Collection[str] = (),
    ignore_others: bool = False,
    ignore_opt_outs: bool = False,
) -> Plan:
    """Return the plan for objects of JSON, by the names of the first ones.

    The columns of the plan are all names that occur in the sample, with "custom:" before those
    under `custom`. Later objects may have other names.

    Args:
        sample: The first objects.
        fields: See `plan_of`, also for the other arguments.
        mapped: As above.
        ignored: As above.
        ignore_others: As above.
        ignore_opt_outs: As above.

    Raises:
        JobError: The first object has names that are misspelt; none has a phone; or the opt-outs
            are not understood.
    """
    planner = Planner(fields, mapped or {}, ignored, ignore_others, ignore_opt_outs)
    return planner.of_records(sample)


class Planner:
    """Makes plans by the options of an import; see `plan_of`."""

    def __init__(
        self,
        fields: Sequence[ContactField] | None,
        mapped: Mapping[str, str],
        ignored: Collection[str],
        ignore_others: bool,
        ignore_opt_outs: bool,
    ) -> None:
        self._meanings = Meanings(fields)
        self._mapped = mapped
        self._ignored = tuple(ignored)
        self._ignore_others = ignore_others and fields is not None
        self._ignore_opt_outs = ignore_opt_outs

    def of_table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Plan:
        """Return the plan for a table with these first rows.

        Raises:
            JobError: See `plan_of`.
        """
        is_export = set(headings) >= OF_EXPORT
        columns = self._columns(headings, is_export=is_export, is_table=True)
        samples = [[cells[index] for cells in rows] for index in range(len(headings))]
        columns = [_looked_at(*pair) for pair in zip(columns, samples, strict=True)]
        is_contact = any(MASK in masked(column.heading) for column in columns if column.is_unknown)
        if is_contact and all(column.target != PHONE for column in columns):
            raise JobError(
                "no_header",
                "A phone or an e-mail is among the names of the columns.",
                "The first row must name the columns, and not be a contact.",
            )
        self._check_unknown(columns)
        columns = _with_phone(columns)
        sources = self._sources(columns, is_export=is_export)
        if PHONE not in sources:
            raise no_phone_column(columns, samples)
        if not self._ignore_opt_outs:
            check_opt_outs(columns, samples)
        plan = _plan(columns, sources, is_export=is_export, planner=self)
        if plan.code is not None and not any(map(str.isdecimal, "".join(samples[plan.code]))):
            plan = replace(plan, code=None)  # such as GB, of an address
        return replace(plan, empty_words=empty_words(headings, rows)) if is_export else plan

    def of_names(self, names: tuple[str, ...]) -> Plan:
        """Return the plan for the names in a row of JSON.

        Args:
            names: Those under `custom` with "custom:" before them.

        Raises:
            JobError: Names are misspelt, or may be custom fields that cannot be read.
        """
        is_export = {"id", "updated"} <= set(names)
        columns = self._columns(names, is_export=is_export, is_table=False)
        self._check_unknown(columns)
        sources = self._sources(columns, is_export=is_export)
        return _plan(columns, sources, is_export=is_export, planner=self)

    def of_records(self, sample: Sequence[Mapping[str, object]]) -> Plan:
        """Return the plan for objects of JSON; see `plan_of_records`."""
        values: dict[str, list[str]] = {}
        for number, record in enumerate(sample):
            names, found = flattened(record)
            if not number:
                self.of_names(names)  # later rows with such names are rejected one by one
            for name, value in zip(names, found, strict=True):
                values.setdefault(name, []).append("" if value is None else str(value))
        is_export = {"id", "updated"} <= values.keys()
        columns = self._columns(list(values), is_export=is_export, is_table=False)
        if sample and all(column.target != PHONE for column in columns):
            raise no_phone_column(columns, list(values.values()))
        if not self._ignore_opt_outs:
            check_opt_outs(columns, list(values.values()))
        # Rows may name a field in several ways, but each of them in one way.
        sources = self._sources(columns, is_export=is_export, may_repeat=True)
        return _plan(columns, sources, is_export=is_export, planner=self)

    def unseen(self, names: Collection[str]) -> list[str]:
        """Return the names to map or ignore that are not among the names of any row."""
        wanted = [part for key in self._mapped for part in _parts(key, list(names))]
        return [each for each in (*wanted, *self._ignored) if not places(each, list(names))]

    def _columns(self, headings: Sequence[str], *, is_export: bool, is_table: bool) -> list[Column]:
        given: dict[int, tuple[str, int]] = {}
        for key, meant in self._mapped.items():
            for part in _parts(key, headings):
                for index in _found(part, headings, is_table=is_table):
                    given.setdefault(index, (meant, len(given)))
        ignored = {
            index
            for heading in self._ignored
            for index in _found(heading, headings, is_table=is_table)
        }
        columns: list[Column] = []
        all_headings = frozenset(map(collapsed, headings))
        for index, heading in enumerate(headings):
            if index in given:
                column = self._meanings.mapped(index + 1, heading, *given[index])
            elif is_export:
                column = self._meanings.of_export(index + 1, heading)
            else:
                column = self._meanings.of(index + 1, heading, all_headings)
            columns.append(self._kept(column, is_ignored=index in ignored and index not in given))
        return _replaced(columns)

    def _kept(self, column: Column, *, is_ignored: bool) -> Column:
        if is_ignored or (self._ignore_opt_outs and column.target == Target(OPT_OUTS)):
            return replace(column, target=None, why="ignored")
        return column

    def _sources(
        self, columns: Sequence[Column], *, is_export: bool, may_repeat: bool = False
    ) -> dict[Target, list[int]]:
        sources: dict[Target, list[int]] = {}
        for index, column in sorted(enumerate(columns), key=lambda pair: pair[1].rank):
            if (target := column.target) is None:
                continue
            others = sources.setdefault(target, [])
            if target.custom_id and others and not (may_repeat or column.why == "mapped"):
                other = columns[others[0]]
                raise JobError(
                    "same_field",
                    f"Columns {other.shown} and {column.shown} mean the same field.",
                    "Skip one with ignored, or rename one if both have the same name.",
                    skipped=column.shown,
                )
            others.append(index)
        if not self._ignore_opt_outs:
            says = [says_opt_out(each, may_be_words=not is_export) for each in columns]
            if any(says):
                sources[Target(OPT_OUTS)] = [at for at, each in enumerate(says) if each]
        return sources

    def _check_unknown(self, columns: Sequence[Column]) -> None:
        wrong = [column for column in columns if column.why == "mapped" and column.target is None]
        if not self._ignore_others:
            # Without the right to read them, any unknown column may be a custom field.
            wrong += [
                column
                for column in columns
                if column.is_unknown
                and column.heading.strip()
                and (column.guess or not self._meanings.has_fields)
            ]
        if wrong:
            has_phone = any(column.target == PHONE for column in columns)
            raise _unknown_columns(wrong, has_phone=has_phone, has_fields=self._meanings.has_fields)


def flattened(record: Mapping[str, object]) -> tuple[tuple[str, ...], list[object]]:
    """Return the names and values of an object; names under `custom` begin with "custom:".

    Raises:
        ValueError: `custom` is not an object.
    """
    custom = record.get("custom", {})
    if not isinstance(custom, dict | None):
        raise ValueError("custom must be an object or null")
    values = {name: value for name, value in record.items() if name != "custom"}
    inner = cast("dict[str, object]", custom or {})
    nested = {f"{CUSTOM}{key}": value for key, value in inner.items()}
    # Not one mapping: a title may be written with "custom:" and also be nested.
    return (*values, *nested), [*values.values(), *nested.values()]


def _plan(
    columns: list[Column], sources: dict[Target, list[int]], *, is_export: bool, planner: Planner
) -> Plan:
    labels: dict[int, int] = {}
    codes = [n for n, each in enumerate(columns) if not is_export and is_country_code(each)]
    named = {loose(column.heading): index for index, column in enumerate(columns)}
    for index in sources.get(PHONE, ()):
        phone = loose(columns[index].heading).removesuffix("value")
        for suffix in ("label", "type"):
            label = named.get(phone + suffix)
            if label is not None and columns[label].says == PHONE_LABEL:
                labels[index] = label
    return Plan(
        columns=columns, sources=sources, labels=labels, is_export=is_export, planner=planner,
        code=codes[0] if len(codes) == 1 else None,
    )  # fmt: skip


def _parts(key: str, headings: Sequence[str]) -> list[str]:
    """Return the headings in a key of `mapped`; a heading may itself have a comma in it."""
    if "," not in key or places(key, headings):
        return [key]
    return [part.strip() for part in key.split(",") if part.strip()]


def _found(heading: str, headings: Sequence[str], *, is_table: bool) -> list[int]:
    found = places(heading, headings)
    if is_table and not found:
        # Rows of JSON may have any of the names, so there only the report can say it.
        names = {loose(each): each for each in headings}
        hint = did_you_mean(names.get(misspelt(loose(heading), names), ""))
        problem = f"The file has no column {shown(heading)} to map or ignore{hint}."
        raise JobError("missing_column", problem)
    return found


def _looked_at(column: Column, sample: Sequence[str]) -> Column:
    """Return a column as its first cells show it."""
    if column.is_unknown and not column.heading.strip() and not any(map(str.strip, sample)):
        return replace(column, why="empty")
    if column.why == "layout" and column.is_status and not has_opt_outs(column, sample):
        return replace(column, target=None, why="no place")  # it is still read, for later rows
    return as_cells_show(column, sample)


def _replaced(columns: Sequence[Column]) -> list[Column]:
    """Return columns without those of a field that has columns by `mapped`."""
    mapped = {column.target for column in columns if column.why == "mapped"}
    mapped -= {None, Target(OPT_OUTS)}
    return [
        replace(column, target=None, why="replaced")
        if column.target in mapped and column.why != "mapped"
        else column
        for column in columns
    ]


def _with_phone(columns: Sequence[Column]) -> list[Column]:
    """Return columns with a phone, though a custom field may have the title of its column."""
    if any(column.target == PHONE for column in columns):
        return list(columns)
    return [
        replace(column, target=PHONE, why="layout")
        if column.why == "custom field" and column.says == "phone"
        else column
        for column in columns
    ]


def _unknown_columns(wrong: Sequence[Column], *, has_phone: bool, has_fields: bool) -> JobError:
    example = next((column for column in wrong if column.guess), wrong[0])
    about = {
        "column": masked(example.heading),
        "field": example.guess or ("FIELD" if has_phone else "phone"),
        "skipped": wrong[-1].shown,
        "fields": ", ".join(FIELDS),
    }
    problem = f"Unknown columns: {first_of(wrong, _MOST_NAMED, Column.with_guess)}."
    remedy = f'Map one with mapped={{"{about["column"]}": "{about["field"]}"}}, skip some with'
    fields = f"The fields are {about['fields']}."
    if has_fields:
        remedy += f" ignored, or skip all unknown ones with ignore_others=True. {fields}"
        return JobError("unknown_columns", problem, remedy, **about)
    problem += " They may be custom fields, which cannot be read."
    remedy += f" ignored, or get the right to read custom fields. {fields}"
    return JobError("unread_custom_fields", problem, remedy, **about)

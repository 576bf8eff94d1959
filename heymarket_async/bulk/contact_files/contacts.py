"""The contacts that the rows of a file mean, by a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from heymarket_async.bulk.contact_files.fields import FieldReader
from heymarket_async.bulk.contact_files.json_lines import Records
from heymarket_async.bulk.contact_files.meanings import OPT_OUTS
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.plan import Plan
from heymarket_async.bulk.contact_files.record_fields import RecordFieldReader
from heymarket_async.bulk.contact_files.table import Table
from heymarket_async.bulk.contact_files.tag_cells import TagReader
from heymarket_async.bulk.importing.source import RejectedRow, SourceRow, in_batches
from heymarket_async.models.new_contact import NewContact


class ContactReader:
    """Makes contacts of rows.

    Args:
        plan: The meanings of the columns.
        phone: Makes E.164 digits of a phone; see `phone_reader`.
        tag_id: Gives the id of a tag by its name, and may create the tag; None if the account has
            none of this name. If it is None, tags are read by id only.
        find_tag: The same, but it never creates or counts anything: a cell may be one name.
        at_once: Rows to read together. With more than an import asks for at once, it would wait for
            more of a pipe than it needs.
        notes: For remarks on the file.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        phone: Callable[[str], str],
        tag_id: Callable[[str], int | None] | None = None,
        find_tag: Callable[[str], int | None] | None = None,
        at_once: int = 100,
        notes: Notes,
    ) -> None:
        tags = TagReader(tag_id, find_tag, notes)
        self._at_once = at_once
        self._planner = plan.planner
        self._records = RecordFieldReader(plan.planner, phone, tags, notes)
        self._fields = partial(FieldReader, plan, phone, tags, notes)

    def of_table(self, table: Table) -> Iterator[SourceRow]:
        """Make contacts of the rows of a table.

        Raises:
            JobError: Tags that are missing cannot be created.
            ValueError: The rest of the file cannot be read; after the rows before it.
        """
        fields = self._fields(has_apostrophes=table.has_apostrophes)
        for rows in in_batches(table, self._at_once):
            good = [row.cells for row in rows if not row.problem]
            made = iter(_contacts(fields, good) if good else ())
            for number, cells, problem in rows:
                item = RejectedRow(problem) if problem else next(made)
                yield SourceRow(_placed(item, table.unit, number), cells)

    @property
    def left_out(self) -> list[str]:
        """The names in JSON that were not imported so far, without those to ignore."""
        return list(self._records.left_out)

    @property
    def unseen(self) -> list[str]:
        """The names to map or ignore that no object of JSON had so far."""
        return self._planner.unseen(self._records.names)

    def of_records(self, records: Records) -> Iterator[SourceRow]:
        """Make contacts of objects of JSON.

        Raises:
            JobError: Tags that are missing cannot be created.
            ValueError: The rest of the file cannot be read; after the objects before it.
        """
        for record in records:
            item = (
                RejectedRow(record.problem)
                if record.problem
                else self._records.contact(record.fields)
            )
            yield SourceRow(_placed(item, records.unit, record.number), record.line)


def _contacts(reader: FieldReader, rows: Sequence[Sequence[str]]) -> list[NewContact | RejectedRow]:
    """Return the contacts of rows, or why a row does not make one."""
    problems: dict[int, str] = {}
    make: Callable[..., NewContact] = NewContact  # which checks the types itself
    fields = reader.of_columns(list(zip(*rows, strict=True)), problems)
    contacts: list[NewContact | RejectedRow] = []
    for index, values in enumerate(zip(*fields.values(), strict=True)):
        given = dict(zip(fields, values, strict=True))
        problem = problems.get(index)
        if problem is None:
            try:
                contacts.append(make(**given))
                continue
            except ValueError as error:
                problem = str(error)
        phone = given["phone"] if given.get(OPT_OUTS) is True else None
        contacts.append(RejectedRow(problem, str(phone) if phone else None))
    return contacts


def _placed(item: NewContact | RejectedRow, unit: str, number: int) -> NewContact | RejectedRow:
    """Return a row, with its place in the reason if it is rejected."""
    if isinstance(item, NewContact):
        return item
    return RejectedRow(f"{item.reason} ({unit} {number})", item.opted_out_phone)

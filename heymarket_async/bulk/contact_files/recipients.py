"""The people to text that the rows of a file mean, with all their columns for the text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias, cast

from msgspec import UNSET
from msgspec.structs import replace

from heymarket_async.bulk.contact_files.cells import clean, heading_text
from heymarket_async.bulk.contact_files.contacts import ContactReader
from heymarket_async.bulk.contact_files.json_lines import Record, Records
from heymarket_async.bulk.contact_files.meanings import OPT_OUTS
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.plan import Plan, flattened
from heymarket_async.bulk.contact_files.table import Table
from heymarket_async.bulk.importing.source import RejectedRow
from heymarket_async.models.new_contact import NewContact

_NAMES = ("first", "last", "display_name")

Fields: TypeAlias = Mapping[str, object]


class RecipientReader:
    """Makes the fields of texts of rows: the phone, the names, the opt-out, and every column.

    Columns have the names of their headings. A field of a contact has its name too, so `{first}` is
    the column "First Name".

    Args:
        plan: The meanings of the columns. Only phones, names and opt-outs of it count.
        phone: Makes E.164 digits of a phone; see `phone_reader`.
        at_once: Rows to read together.
        notes: For remarks on the file.
    """

    def __init__(
        self, plan: Plan, *, phone: Callable[[str], str], at_once: int = 100, notes: Notes
    ) -> None:
        kept = {"phone", OPT_OUTS, *_NAMES}
        sources = {each: at for each, at in plan.sources.items() if each.field in kept}
        self._plan = replace(plan, sources=sources)
        self._named = [name for name in _NAMES if any(each.field == name for each in sources)]
        self._contacts = ContactReader(self._plan, phone=phone, at_once=at_once, notes=notes)

    def of_table(self, table: Table) -> Iterator[Fields | RejectedRow]:
        """Make fields of the rows of a table.

        Raises:
            ValueError: The rest of the file cannot be read; after the rows before it.
        """
        headings = [heading_text(each) for each in table.headings]
        for row in self._contacts.of_table(table):
            if isinstance(row.item, RejectedRow):
                yield row.item
                continue
            texts = clean(
                cast(Sequence[str], row.source),
                is_exact=self._plan.is_export,
                has_apostrophes=table.has_apostrophes,
                empty_words=self._plan.empty_words,
            )
            yield self._fields(row.item, dict(zip(headings, texts, strict=True)))

    def of_records(self, records: Records) -> Iterator[Fields | RejectedRow]:
        """Make fields of objects of JSON.

        Raises:
            ValueError: The rest of the file cannot be read; after the objects before it.
        """
        read: list[Record] = []

        def noted() -> Iterator[Record]:
            for record in records:
                read[:] = [record]
                yield record

        for row in self._contacts.of_records(Records(noted(), unit=records.unit)):
            if isinstance(row.item, RejectedRow):
                yield row.item
            else:
                names, values = flattened(read[0].fields)
                yield self._fields(row.item, dict(zip(names, values, strict=True)))

    def _fields(self, contact: NewContact, columns: dict[str, object]) -> Fields:
        given = {name: getattr(contact, name) for name in _NAMES}
        names = {
            name: "" if value is UNSET else value
            for name, value in given.items()
            if value is not UNSET or name in self._named
        }
        opt_out = {} if contact.is_opted_out is UNSET else {OPT_OUTS: contact.is_opted_out}
        return columns | names | {"phone": contact.phone} | opt_out

"""Marks by which a file shows that it is an export of ours, and how it was kept since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heymarket_async.bulk.contact_files.cells import NOT_GIVEN
from heymarket_async.bulk.kind import COLUMNS

OF_EXPORT = frozenset({"id", "rev", "updated"})
"""The columns that make a table an export of ours."""

_NO_TEXT = frozenset(name for name, kind in COLUMNS.items() if kind is not str)
"""The columns of ids and of booleans: in an export they have no words."""

_OF_PANDAS = frozenset({"nan", "NaN", "<NA>", "NaT", "None"})


def empty_words(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> frozenset[str]:
    """Return the words that stand for an empty cell in a table that is an export of ours.

    An export has none: a person may be called "None". Programs write them for empty cells, and
    then also in the columns of ids and booleans.

    Args:
        headings: Of all columns.
        rows: The first rows.
    """
    places = [place for place, heading in enumerate(headings) if heading in _NO_TEXT]
    found = NOT_GIVEN.intersection(row[place] for row in rows for place in places) - {""}
    return found | _OF_PANDAS if found & _OF_PANDAS else found


def is_table_row(record: Mapping[str, object]) -> bool:
    """Whether an object of JSON is a row of an export that is a table, by a table tool."""
    return "custom" not in record and record.keys() >= OF_EXPORT


def words_of_record(record: Mapping[str, object]) -> frozenset[str]:
    """Return the words that stand for an empty value in a row of an export; see `empty_words`."""
    texts = [value if isinstance(value, str) else "" for value in record.values()]
    return empty_words(list(record), [texts])


def was_csv(*, has_text_ids: bool, has_numeric_phones: bool) -> bool:
    """Whether an export with types was CSV or a spreadsheet before, which have none.

    Such a file has the apostrophes of CSV. We write ids as numbers, and phones as text. A table
    tool that reads CSV leaves both as text, or takes both for numbers.
    """
    return has_text_ids or has_numeric_phones

"""The headings of custom fields in exports, and the fields that these headings mean in imports."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from heymarket_async.models.contact import Contact, ContactField
from heymarket_async.models.new_contact import NewContact

OTHER = "other"
"""The column for values that have no column of their own, as JSON."""

CUSTOM = "custom:"
"""The prefix of the title or the id of a custom field, where it could be another name."""

_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_BY_ID = re.compile(rf"{CUSTOM}\d+")
_NO_WORD = re.compile(r"[\W_]+")
_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_WHOLE = re.compile(r"[1-9]\d{0,14}", re.ASCII)
_VALUE = re.compile(
    rf"(?=.*\d)[\W\d_]*+((?:{_MONTH})[a-z]*|[ap]\.?m\.?|e)?[\W\d_]*|true|false", re.IGNORECASE
)
"""Headings that spreadsheets may read as a number, a date, a time or a boolean, and so change."""


def headings_of(fields: Sequence[ContactField]) -> dict[str, str]:
    """Return the headings of custom fields by their ids, in the order of the ids.

    A heading is the title, on one line and without surplus white space. It is "TITLE (ID)" if
    people or programs could mistake the title: for another title, for a field of a contact
    ("E mail"), or for a number or a date. The heading of a field without a title is "custom:ID".

    The oldest field keeps its title, so no heading changes when another field is made.
    """
    taken: set[str] = set()
    headings: dict[str, str] = {}
    for field in sorted(fields, key=lambda field: field.id):
        title = _squeezed(field.title)
        heading = _with_id(title, field.id) if _is_mistakable(title) else title
        while compared(heading) in taken:
            heading = _with_id(heading, field.id)
        taken.add(compared(heading))
        headings[str(field.id)] = heading
    return headings


def ids_by_heading(fields: Sequence[ContactField]) -> dict[str, str]:
    """Return the ids of custom fields by the headings of an export, as `compared` gives them."""
    return {compared(heading): field_id for field_id, heading in headings_of(fields).items()}


def compared(heading: str) -> str:
    """Return a heading as it is compared with others.

    Case, surplus white space, invisible characters and apostrophes do not count: programs change
    or ignore them, and in CSV an apostrophe is put before formulas.
    """
    folded = unicodedata.normalize("NFKC", heading).casefold()
    return _squeezed("".join(each for each in folded if _counts(each)))


def _counts(character: str) -> bool:
    return character != "'" and unicodedata.category(character) != "Cf"


def _squeezed(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()


def _with_id(heading: str, field_id: int) -> str:
    return f"{heading} ({field_id})" if compared(heading) else f"{CUSTOM}{field_id}"


def _is_mistakable(title: str) -> bool:
    key = compared(title)
    return (
        not key
        or _BY_ID.fullmatch(key) is not None
        or _NO_WORD.sub("", key) in _OWN
        or (_VALUE.fullmatch(title) is not None and _WHOLE.fullmatch(title) is None)
    )


_OWN = frozenset(
    name.replace("_", "")
    # Files of rejected rows have the column `import_error`.
    for name in (*Contact.__struct_fields__, *NewContact.__struct_fields__, OTHER, "import_error")
)

"""The meaning of each heading of a file: a field, a custom field, or nothing that can be kept."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Sequence
from typing import Literal, TypeAlias, TypeVar, cast

import msgspec

from heymarket_async.bulk.contact_files.cells import collapsed, heading_text
from heymarket_async.bulk.contact_files.layouts import (
    MAY_TEXT,
    PHONE_LABEL,
    STATUS,
    headings,
    loose,
    may_say_consent,
    meaning_of,
)
from heymarket_async.bulk.contact_files.typos import misspelt
from heymarket_async.bulk.errors import JobError
from heymarket_async.bulk.headings import CUSTOM, OTHER, compared, ids_by_heading
from heymarket_async.models.contact import Contact, ContactField
from heymarket_async.models.new_contact import NewContact
from heymarket_async.transport import wire

T = TypeVar("T")

FIELDS = (
    "phone",
    *(name for name in NewContact.__struct_fields__ if name not in {"phone", "custom"}),
)
"""The fields that a column can mean."""

READ_NAMES = {"assigned_user_id": "assignee_id"}
"""Fields that have another name in answers, and so in exports."""

READ_ONLY = frozenset({*Contact.__struct_fields__, OTHER}) - {*FIELDS, *READ_NAMES, "custom"}
"""Columns of exports that cannot be written."""

OPT_OUTS = "is_opted_out"

Why: TypeAlias = Literal[
    "mapped", "field", "custom field", "layout", "ignored", "replaced", "no place", "unknown",
    "empty", "read only",
]  # fmt: skip
"""Why a column has its meaning, or none; "replaced": its field has mapped columns instead."""

_BY_LOOSE_NAME = {loose(name): name for name in FIELDS} | {
    loose(name): field for name, field in READ_NAMES.items()
}
_GUESSED = frozenset({*FIELDS, MAY_TEXT, STATUS})
_PLAIN = re.compile(r"[\w:.*-]+")


class Target(msgspec.Struct, frozen=True):
    """The field that a column means.

    Attributes:
        field: A field of `NewContact`.
        custom_id: The id of the custom field, if `field` is "custom".
    """

    field: str
    custom_id: str = ""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a file, and its meaning.

    Attributes:
        number: From 1.
        heading: As the file has it.
        target: The field that it means, or None if it is not imported.
        why: The reason for that.
        rank: Among columns of one field, the column with the lowest rank comes first.
        says: The field that its heading has in the layouts, whatever it means here; or "".
        guess: The name that an unknown heading is probably meant to be, or "".
        meant: The field that was given for it, if that is unknown; or "".
        is_inverse: It says who may be texted, and so the opposite of `is_opted_out`.
        is_status: It says that people opted out by clear words only; other words say nothing.
        is_either: Its cells are phones, or say who may be texted.
    """

    number: int
    heading: str
    target: Target | None
    why: Why
    rank: int = 0
    says: str = ""
    guess: str = ""
    meant: str = ""
    is_inverse: bool = False
    is_status: bool = False
    is_either: bool = False

    @property
    def is_unknown(self) -> bool:
        """Whether nothing explains its heading."""
        return self.why == "unknown"

    @property
    def shown(self) -> str:
        """The heading for a message: masked, and in quotes unless it is a plain word."""
        return shown(self.heading)

    def with_guess(self) -> str:
        """Return the heading for a message, with the field that was given for it and the guess."""
        name = f"{self.heading}={self.meant}" if self.meant else self.heading
        return shown(name) + did_you_mean(self.guess)


class Meanings:
    """Finds the meanings of headings.

    Args:
        fields: The custom fields of the account, or None if they cannot be read.
    """

    def __init__(self, fields: Sequence[ContactField] | None) -> None:
        self.has_fields = fields is not None
        fields = fields or ()
        self._ids = {str(field.id) for field in fields}
        self._with_id = {_with_id(field): field for field in fields}
        self._titled: dict[str, list[ContactField]] = {}
        self._loosely: dict[str, list[ContactField]] = {}
        for field in fields:
            if title := collapsed(field.title):  # else an empty heading would mean the field
                self._titled.setdefault(title, []).append(field)
                self._loosely.setdefault(loose(title), []).append(field)
        self._names = {loose(field): field for field in FIELDS}
        self._names |= {key: fields[0].title for key, fields in self._loosely.items()}
        self._exported = ids_by_heading(fields)

    def mapped(self, number: int, heading: str, meant: str, rank: int) -> Column:
        """Return a column with the meaning that was given for it; without target if unknown."""
        target = Target(OPT_OUTS) if meant == MAY_TEXT else self._target(meant, frozenset())
        says = _says(heading)
        says_it = says if target != Target(OPT_OUTS) else meant
        return Column(
            number=number, heading=heading, target=target, why="mapped", rank=rank, says=says,
            meant="" if target else meant, guess="" if target else self.guess(meant),
            is_inverse=says_it == MAY_TEXT, is_status=says_it == STATUS,
        )  # fmt: skip

    def of_export(self, number: int, heading: str) -> Column:
        """Return a column of an export of ours, whose headings are exact."""
        for name in dict.fromkeys((heading, heading_text(heading))):
            if name in READ_ONLY:
                return Column(number=number, heading=heading, target=None, why="read only")
            if name in FIELDS or name in READ_NAMES:
                target = Target(READ_NAMES.get(name, name))
                return Column(number=number, heading=heading, target=target, why="field")
            key = self._exported.get(compared(name))
            if key or (name.startswith(CUSTOM) and (key := self._custom_id(name, by_id=True))):
                target = Target("custom", key)
                return Column(number=number, heading=heading, target=target, why="custom field")
        return Column(number=number, heading=heading, target=None, why="unknown")

    def of(self, number: int, heading: str, all_headings: Collection[str]) -> Column:
        """Return a column of another file, of whose headings all are given as `collapsed`."""
        name = heading_text(heading)
        known = None if name.startswith(CUSTOM) else meaning_of(name)
        says, rank = known or ("", 0)
        target, why, guess = self._target(name, all_headings), "unknown", ""
        if target is not None:
            why = "custom field" if target.custom_id else "field"
        elif name in READ_ONLY:
            why = "read only"
        elif not loose(name) and name:  # such as "#", over the numbers of rows
            why = "no place"
        elif known is None:
            guess = self.guess(name)
        elif says in {"", PHONE_LABEL}:
            why = "no place"
        else:
            is_opt_out = says in {MAY_TEXT, STATUS}
            target, why = Target(OPT_OUTS if is_opt_out else says), "layout"
        return Column(
            number=number, heading=heading, target=target, why=cast(Why, why), rank=rank, says=says,
            guess=guess, is_inverse=says == MAY_TEXT, is_status=says == STATUS,
            is_either=why == "layout" and says == "phone" and may_say_consent(name),
        )  # fmt: skip

    def guess(self, name: str) -> str:
        """Return the name that a misspelt name is probably meant to be, or ""."""
        found = misspelt(loose(name.removeprefix(CUSTOM)), self._names)
        if found:
            return self._names[found]
        layouts = _guessed_headings()
        found = misspelt(loose(name), layouts)
        # The field is a name that can be mapped to.
        field = layouts[found] if found else ""
        return OPT_OUTS if field == STATUS else field

    def _target(self, meant: str, all_headings: Collection[str]) -> Target | None:
        if meant.startswith(CUSTOM) and (key := self._custom_id(meant)):
            return Target("custom", key)
        if field := _BY_LOOSE_NAME.get(loose(meant)):
            return Target(field)
        found = self._by_title(meant, all_headings)
        return Target("custom", found) if found else None

    def _custom_id(self, name: str, *, by_id: bool = False) -> str:
        """Return the id of the custom field that has a name such as "custom:Plan", or ""."""
        title = name.removeprefix(CUSTOM)
        if by_id and title in self._ids:
            return title
        return self._by_title(title, frozenset()) or (title if title in self._ids else "")

    def _by_title(self, name: str, all_headings: Collection[str]) -> str:
        """Return the id of the custom field with a title, or with a title and its id, or ""."""
        name = collapsed(name)
        titled = [
            field
            for field in self._titled.get(name, ())
            # A field that has a column with its id is not the one that is named by title alone.
            if _with_id(field) == name or _with_id(field) not in all_headings
        ]
        if len(titled) > 1:
            ids = [str(field.id) for field in titled]
            raise JobError(
                "same_title",
                f"{len(ids)} custom fields have the title {shown(name)}: {' and '.join(ids)}.",
                f'Map the column by the id: mapped={{"COLUMN": "custom:{ids[0]}"}}.',
                custom_id=ids[0],
            )
        if titled:
            return str(titled[0].id)
        if name in self._with_id:
            return str(self._with_id[name].id)
        alike = self._loosely.get(loose(name), []) if loose(name) else []
        return str(alike[0].id) if len(alike) == 1 else ""


@functools.cache
def _guessed_headings() -> dict[str, str]:
    return {key: known.field for key, known in headings().items() if known.field in _GUESSED}


def _says(heading: str) -> str:
    known = meaning_of(heading_text(heading))
    return known.field if known else ""


def _with_id(field: ContactField) -> str:
    return collapsed(f"{field.title} ({field.id})")


def shown(name: str) -> str:
    """Return a name for a message: masked, and in quotes unless it is a plain word."""
    text = masked(name)
    return text if _PLAIN.fullmatch(text) else f'"{text}"'


def masked(name: str) -> str:
    """Return a name without personal data: a file without headings has contacts there."""
    return wire.masked(name, None).strip('"')


def first_of(items: Sequence[T], most: int, show: Callable[[T], str] = str) -> str:
    """Return the first items of a list for a message, and how many more there are."""
    more = f" and {len(items) - most:,} more" if len(items) > most else ""
    return ", ".join(map(show, items[:most])) + more


def did_you_mean(guess: str) -> str:
    """Return a hint at a name for a message, or an empty text."""
    return f" (did you mean {shown(guess)}?)" if guess else ""


def places(name: str, all_headings: Sequence[str]) -> list[int]:
    """Return the indexes of the columns with a heading: exactly, or else loosely if only one."""
    found = [i for i, each in enumerate(all_headings) if name in {each, heading_text(each)}]
    if found or not (wanted := loose(name)):
        return found
    alike = [i for i, each in enumerate(all_headings) if loose(each) == wanted]
    return alike if len(alike) == 1 else []

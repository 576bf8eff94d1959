"""Which field of a contact a column of a file, or a name in JSON Lines, means."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches

import msgspec

from heymarket_async.models import Contact, ContactField, NewContact
from heymarket_async.transport import wire


def told(column: str, place: int, meant: str, known: Collection[str]) -> str:
    """Return how a column that means nothing is called.

    Args:
        column: Its name.
        place: From 1.
        meant: What it was to mean.
        known: What it could have been.
    """
    if not column:
        return f'column {place}, which has no name (--ignore "" leaves it out),'
    called = f"column {_shown(column)}"
    called = called if meant == column else f"{_shown(meant)}, for {called},"
    return f"{called}{_did_you_mean(meant.removeprefix('custom:'), known)}"


def meaning_nothing(called: Sequence[str], fields: Sequence[str]) -> ValueError:
    """Return the error for columns that mean nothing, as `told` calls them."""
    is_or_are = "is" if len(called) == 1 else "are"
    return ValueError(
        f"{' and '.join(called)} {is_or_are} neither a field of a contact nor the title of a custom"
        ' field; say what a column means with --map "COLUMN=FIELD", leave one out with --ignore'
        " COLUMN, or leave out all that mean nothing with --ignore-others; the fields are"
        f" {', '.join(fields)}"
    )


def not_to_read(called: Sequence[str], fields: Sequence[str]) -> ValueError:
    """Return the error for columns that may be custom fields, where those cannot be read."""
    kind = "a custom field" if len(called) == 1 else "custom fields"
    return ValueError(
        f"{' and '.join(called)} may be {kind}, and those of the account cannot be read: get the"
        " right to read them, leave a column out with --ignore COLUMN, or say which other field it"
        f' is with --map "COLUMN=FIELD"; the fields are {", ".join(fields)}'
    )


def no_header(called: Sequence[str]) -> ValueError | None:
    """Return the error for a first row that is a contact, if it looks so."""
    if not any("***" in each for each in called):
        return None
    return ValueError(
        "what looks like a phone or an e-mail is among the names of the columns: the first row must"
        " name the columns, and not be a contact"
    )


def not_there(column: str, header: Sequence[str]) -> ValueError:
    """Return the error for a column that was to be mapped or ignored."""
    return ValueError(
        f"there is no column {_shown(column)} to map or to ignore{_did_you_mean(column, header)}"
    )


def same_field(first: str, second: str) -> ValueError:
    """Return the error for two columns that mean the same."""
    return ValueError(
        f"columns {_shown(first)} and {_shown(second)} mean the same field; leave one out with"
        f" --ignore {_shown(second)}, or give it another name if both have the same"
    )


def same_title(titled: Sequence[ContactField]) -> ValueError:
    """Return the error for a title that several custom fields have."""
    return ValueError(
        f"{len(titled)} custom fields have the title {_shown(titled[0].title.strip())}; say which"
        f' one is meant by its id, as in --map "COLUMN=custom:{titled[0].id}": they are'
        f" {' and '.join(str(field.id) for field in titled)}"
    )


def _did_you_mean(name: str, names: Collection[str]) -> str:
    known = {each.casefold(): each for each in names}
    close = get_close_matches(name.casefold(), known, n=1)
    return f" (did you mean {_shown(known[close[0]])}?)" if close else ""


def _shown(name: str) -> str:
    # In a file without a first row that names the columns, they are personal data.
    return wire.masked(name, None)


FIELDS = (
    "phone",
    *(name for name in NewContact.__struct_fields__ if name not in {"phone", "custom"}),
)
"""The fields that a column can mean."""

READ_NAMES = {"assigned_user_id": "assignee_id"}
"""What reads, and so exports, call a field in another way than writes."""

READ_ONLY = frozenset({*Contact.__struct_fields__, "other"}) - {*FIELDS, *READ_NAMES, "custom"}
"""What exports have, and no write takes."""

_BY_LOOSE_NAME = {name.replace("_", ""): name for name in FIELDS} | {
    name.replace("_", ""): field for name, field in READ_NAMES.items()
}
_MOST_KNOWN = 1000

CUSTOM = "custom:"
"""What stands before the title or the id of a custom field, where it could be another name."""


class Target(msgspec.Struct, frozen=True):
    """What a column means.

    Attributes:
        field: A field of `NewContact`.
        custom_id: The id of the custom field, if `field` is "custom".
    """

    field: str
    custom_id: str = ""


class Columns:
    """Tells what columns mean: a field of `NewContact`, or a custom field.

    A custom field is named by its title, by "TITLE (ID)" as exports write it where a title is
    taken, or by "custom:" and its title or its id.

    Args:
        fields: The custom fields of the account, or None if they cannot be read. Then what may be
            one is refused, also where others are ignored.
        mapped: What a column means, where its name does not say so: {"Cell phone": "phone"}.
        ignored: Columns that mean nothing here.
        ignore_others: Leave out what means nothing, instead of refusing it.

    Attributes:
        left_out: The columns that were left out so far though nobody named them.
    """

    def __init__(
        self,
        fields: Sequence[ContactField] | None,
        mapped: Mapping[str, str] | None = None,
        ignored: Collection[str] = (),
        *,
        ignore_others: bool = False,
    ) -> None:
        self.left_out: dict[str, None] = {}
        self._mapped = mapped or {}
        self._ignored = frozenset(ignored)
        self._error = not_to_read if fields is None else meaning_nothing
        self._ignore_others = ignore_others and fields is not None
        fields = fields or ()
        self._known: dict[tuple[str, ...], list[Target | None]] = {}
        self._by_id = {str(field.id): field for field in fields}
        self._with_id = {_with_id(field): field for field in fields}
        self._titled: dict[str, list[ContactField]] = {}
        for field in fields:
            if title := field.title.strip():  # else a column without a name would mean the field
                self._titled.setdefault(title, []).append(field)
        self._unseen = dict.fromkeys((*self._mapped, *ignored))

    @property
    def unseen(self) -> list[str]:
        """What was to be mapped or ignored, and was in no row so far."""
        return list(self._unseen)

    def of_header(self, header: Sequence[str]) -> list[Target | None]:
        """Return what the columns of a table mean, and None for those to leave out.

        Raises:
            ValueError: Some mean nothing, or two the same; one that is mapped or ignored is not
                there; or none is the phone.
        """
        for column in (*self._mapped, *self._ignored):
            if column not in header:
                raise not_there(column, header)
        targets, unknown = self._targets(header)
        if unknown:
            raise no_header(unknown) or self._error(unknown, FIELDS)
        found: dict[Target, str] = {}
        for column, target in zip(header, targets, strict=True):
            if target is not None and target in found:
                raise same_field(found[target], column)
            if target is not None:
                found[target] = column
        if Target("phone") not in found:
            raise ValueError('no column is the phone; name it with --map "COLUMN=phone"')
        return targets

    def of_names(self, names: tuple[str, ...]) -> list[Target | None]:
        """Return what the names in a row of JSON mean, and None for those to leave out.

        Args:
            names: Those under `custom` with "custom:" before them.

        Raises:
            ValueError: Some mean nothing.
        """
        if (targets := self._known.get(names)) is None:
            # In exports as JSON Lines, custom fields are all under `custom`.
            no_custom = READ_ONLY if is_of_export(names) else ()
            targets, unknown = self._targets(names, no_custom)
            if unknown:
                raise self._error(unknown, FIELDS)
            if len(self._known) < _MOST_KNOWN:
                self._known[names] = targets
        return targets

    def _targets(
        self, columns: Sequence[str], no_custom: Collection[str] = ()
    ) -> tuple[list[Target | None], list[str]]:
        """Return what columns mean, and what those that mean nothing are called.

        Args:
            columns: Their names.
            no_custom: Those that are no custom field, whatever title one has.
        """
        targets: list[Target | None] = []
        unknown: list[str] = []
        for place, column in enumerate(columns, 1):
            self._unseen.pop(column, None)
            meant = self._mapped.get(column, column)
            is_left_out = column in self._ignored or (meant == column and column in no_custom)
            target = None if is_left_out else self._target(meant, columns)
            targets.append(target)
            if target is not None or column in self._ignored:
                continue
            if self._may_leave_out(column):
                self.left_out[column] = None
            else:
                unknown.append(told(column, place, meant, (*FIELDS, *self._titled)))
        return targets, unknown

    def _may_leave_out(self, column: str) -> bool:
        return column not in self._mapped and (self._ignore_others or column in READ_ONLY)

    def _target(self, meant: str, columns: Collection[str]) -> Target | None:
        if meant.startswith(CUSTOM) and (target := self._by_any(meant.removeprefix(CUSTOM))):
            return target
        if field := _BY_LOOSE_NAME.get(re.sub(r"[ _]", "", meant).casefold()):
            return Target(field)
        return self._by_title(meant, columns)

    def _by_any(self, name: str) -> Target | None:
        return self._by_title(name) or (Target("custom", name) if name in self._by_id else None)

    def _by_title(self, name: str, columns: Collection[str] = ()) -> Target | None:
        """Find a custom field by its title or by "TITLE (ID)"."""
        titled = [
            field
            for field in self._titled.get(name.strip(), ())
            # What is named by its id too is not the one that is named by its title alone.
            if _with_id(field) not in columns
        ]
        if len(titled) > 1:
            raise same_title(titled)
        found = titled[0] if titled else self._with_id.get(name)
        return Target("custom", str(found.id)) if found else None


def is_of_export(names: Collection[str]) -> bool:
    """Whether an export wrote a row with these names: each contact in one has both."""
    return "id" in names and "updated" in names


def _with_id(field: ContactField) -> str:
    return f"{field.title} ({field.id})".strip()

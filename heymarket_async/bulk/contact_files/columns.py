"""Which field of a contact a column of a file, or a name in JSON Lines, means."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches

import msgspec

from heymarket_async.bulk.errors import JobError
from heymarket_async.models import Contact, ContactField, NewContact
from heymarket_async.transport import wire
from heymarket_async.transport.masking import MASK

FIELDS = (
    "phone",
    *(name for name in NewContact.__struct_fields__ if name not in {"phone", "custom"}),
)
"""The fields that a column can mean."""

READ_NAMES = {"assigned_user_id": "assignee_id"}
"""Fields that have another name in answers, and so in exports."""

READ_ONLY = frozenset({*Contact.__struct_fields__, "other"}) - {*FIELDS, *READ_NAMES, "custom"}
"""Columns of exports that cannot be written."""

CUSTOM = "custom:"
"""The prefix of the title or the id of a custom field, where it could be another name."""

_BY_LOOSE_NAME = {name.replace("_", ""): name for name in FIELDS} | {
    name.replace("_", ""): field for name, field in READ_NAMES.items()
}
_MOST_CACHED = 1000
_PLAIN = re.compile(r"[\w:.*-]+")


class Target(msgspec.Struct, frozen=True):
    """The field that a column means.

    Attributes:
        field: A field of `NewContact`.
        custom_id: The id of the custom field, if `field` is "custom".
    """

    field: str
    custom_id: str = ""


class Columns:
    """Finds the field that a column means: a field of `NewContact`, or a custom field.

    A custom field is named by its title, by "TITLE (ID)" as exports write it if a title is taken,
    or by "custom:" and its title or its id.

    Args:
        fields: The custom fields of the account, or None if they cannot be read. Then a column that
            may be a custom field is refused, even with `ignore_others`.
        mapped: The meaning of columns whose names do not say it: {"Cell phone": "phone"}.
        ignored: Columns to skip.
        ignore_others: Skip all unknown columns, instead of refusing them.

    Attributes:
        left_out: The columns that were skipped so far without being named.
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
        self._has_fields = fields is not None
        self._ignore_others = ignore_others and self._has_fields
        self._unseen = dict.fromkeys((*self._mapped, *ignored))
        self._cache: dict[tuple[str, ...], list[Target | None]] = {}
        self._ids = {str(field.id) for field in fields or ()}
        self._with_id = {_with_id(field): field for field in fields or ()}
        self._titled: dict[str, list[ContactField]] = {}
        for field in fields or ():
            if title := field.title.strip():  # else a column without a name would mean the field
                self._titled.setdefault(title, []).append(field)

    @property
    def unseen(self) -> list[str]:
        """The columns to map or ignore that were in no row so far."""
        return list(self._unseen)

    def of_header(self, header: Sequence[str]) -> list[Target | None]:
        """Return the fields that the columns of a table mean, and None for those to skip.

        Raises:
            JobError: Columns are unknown, or two mean the same field; one that is mapped or ignored
                does not exist; or none has the phones.
        """
        for column in (*self._mapped, *self._ignored):
            if column not in header:
                hint = _did_you_mean(_guess(column, header))
                problem = f"The file has no column {_shown(column)} to map or ignore{hint}."
                raise JobError("missing_column", problem)
        targets, unknown = self._targets(header)
        if any(MASK in _shown(column) for _, column in unknown):
            raise JobError(
                "no_header",
                "A phone or an e-mail is among the names of the columns.",
                "The first row must name the columns, and not be a contact.",
            )
        if unknown:
            raise self._unknown_columns(unknown, targets)
        found: dict[Target, str] = {}
        for column, target in zip(header, targets, strict=True):
            if target is not None and target in found:
                raise JobError(
                    "same_field",
                    f"Columns {_shown(found[target])} and {_shown(column)} mean the same field.",
                    "Skip one with ignored, or rename one if both have the same name.",
                    skipped=_shown(column),
                )
            if target is not None:
                found[target] = column
        if Target("phone") not in found:
            raise JobError(
                "no_phone_column",
                "No column has the phones.",
                'Map one with mapped={"COLUMN": "phone"}.',
            )
        return targets

    def of_names(self, names: tuple[str, ...]) -> list[Target | None]:
        """Return the fields that the names in a row of JSON mean, and None for those to skip.

        Args:
            names: Those under `custom` with "custom:" before them.

        Raises:
            JobError: Names are unknown.
        """
        if (targets := self._cache.get(names)) is None:
            # An export has both of these names in each row, and all custom fields under `custom`.
            is_exported = "id" in names and "updated" in names
            targets, unknown = self._targets(names, READ_ONLY if is_exported else ())
            if unknown:
                raise self._unknown_columns(unknown, targets)
            if len(self._cache) < _MOST_CACHED:
                self._cache[names] = targets
        return targets

    def _targets(
        self, columns: Sequence[str], not_custom: Collection[str] = ()
    ) -> tuple[list[Target | None], list[tuple[int, str]]]:
        """Return the meanings of columns, and the unknown columns with their numbers.

        Args:
            columns: Their names.
            not_custom: Names that are not custom fields, even if one has that title.
        """
        targets: list[Target | None] = []
        unknown: list[tuple[int, str]] = []
        for number, column in enumerate(columns, 1):
            self._unseen.pop(column, None)
            meant, is_ignored = self._meant(column), column in self._ignored
            is_skipped = is_ignored or (meant == column and column in not_custom)
            target = None if is_skipped else self._target(meant, columns)
            targets.append(target)
            if target is not None or is_ignored:
                continue
            if column not in self._mapped and (self._ignore_others or column in READ_ONLY):
                self.left_out[column] = None
            else:
                unknown.append((number, column))
        return targets, unknown

    def _meant(self, column: str) -> str:
        return self._mapped.get(column, column)

    def _target(self, meant: str, columns: Collection[str]) -> Target | None:
        if meant.startswith(CUSTOM):
            name = meant.removeprefix(CUSTOM)
            if target := self._by_title(name):
                return target
            if name in self._ids:
                return Target("custom", name)
        if field := _BY_LOOSE_NAME.get(re.sub(r"[ _]", "", meant).casefold()):
            return Target(field)
        return self._by_title(meant, columns)

    def _by_title(self, name: str, columns: Collection[str] = ()) -> Target | None:
        """Find a custom field by its title or by "TITLE (ID)"."""
        titled = [
            field
            for field in self._titled.get(name.strip(), ())
            # A field that has a column with its id is not the one that is named by title alone.
            if _with_id(field) not in columns
        ]
        if len(titled) > 1:
            ids = [str(field.id) for field in titled]
            raise JobError(
                "same_title",
                f"{len(ids)} custom fields have the title {_shown(name)}: {' and '.join(ids)}.",
                f'Map the column by the id: mapped={{"COLUMN": "custom:{ids[0]}"}}.',
                custom_id=ids[0],
            )
        found = titled[0] if titled else self._with_id.get(name)
        return Target("custom", str(found.id)) if found else None

    def _unknown_columns(
        self, unknown: Sequence[tuple[int, str]], targets: Sequence[Target | None]
    ) -> JobError:
        listed: list[str] = []
        guesses: dict[str, str] = {}
        for number, column in unknown:
            meant = self._meant(column)
            guess = _guess(meant.removeprefix(CUSTOM), (*FIELDS, *self._titled))
            shown = _shown(column if meant == column else f"{column}={meant}")
            listed.append(shown + (_did_you_mean(guess) if column else f" (column {number})"))
            if guess:
                guesses[column] = guess
        columns = [column for _, column in unknown]
        example = next(filter(None, (*guesses, *columns)), "COLUMN")
        default = "FIELD" if Target("phone") in targets else "phone"
        about = {
            "column": _masked(example),
            "field": guesses.get(example, default),
            "skipped": _shown(columns[-1]),
            "fields": ", ".join(FIELDS),
        }
        problem = f"Unknown columns: {', '.join(listed)}."
        remedy = f'Map one with mapped={{"{about["column"]}": "{about["field"]}"}}, skip some with'
        fields = f"The fields are {about['fields']}."
        if self._has_fields:
            remedy += f" ignored, or skip all unknown ones with ignore_others=True. {fields}"
            return JobError("unknown_columns", problem, remedy, **about)
        problem += " They may be custom fields, which cannot be read."
        remedy += f" ignored, or get the right to read custom fields. {fields}"
        return JobError("unread_custom_fields", problem, remedy, **about)


def _with_id(field: ContactField) -> str:
    return f"{field.title} ({field.id})".strip()


def _guess(name: str, names: Collection[str]) -> str:
    """Return the name that may be meant, or an empty text."""
    known = {each.casefold(): each for each in names}
    close = get_close_matches(name.casefold(), known, n=1)
    return known[close[0]] if close else ""


def _did_you_mean(guess: str) -> str:
    return f" (did you mean {_shown(guess)}?)" if guess else ""


def _shown(name: str) -> str:
    """Return a name for a message: masked, and in quotes unless it is a plain word."""
    masked = _masked(name)
    return masked if _PLAIN.fullmatch(masked) else f'"{masked}"'


def _masked(name: str) -> str:
    # In a file without a first row that names the columns, the names are personal data.
    return wire.masked(name, None).strip('"')

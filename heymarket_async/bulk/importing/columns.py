"""Which field of a contact a column of a file means."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches

import msgspec

from heymarket_async.models import ContactField, NewContact
from heymarket_async.transport import wire

FIELDS = tuple(name for name in NewContact.__struct_fields__ if name != "custom")
"""The fields that a column can mean."""

_BY_LOOSE_NAME = {name.replace("_", ""): name for name in FIELDS}


class Target(msgspec.Struct, frozen=True):
    """What a column means.

    Attributes:
        field: A field of `NewContact`.
        custom_id: The id of the custom field, if `field` is "custom".
    """

    field: str
    custom_id: str = ""


class Columns:
    """Tells what columns mean: a field of `NewContact`, or a custom field by its title.

    Args:
        fields: The custom fields of the account.
        mapped: What a column means, where its name does not say so: {"Cell phone": "phone"}.
        ignored: Columns that mean nothing here.
    """

    def __init__(
        self,
        fields: Sequence[ContactField],
        mapped: Mapping[str, str] | None = None,
        ignored: Collection[str] = (),
    ) -> None:
        self._fields = fields
        self._mapped = mapped or {}
        self._ignored = frozenset(ignored)

    def target(self, column: str) -> Target | None:
        """Return what a column means, or None if it is to be ignored.

        Raises:
            ValueError: It means nothing, or two custom fields have its title.
        """
        if column in self._ignored:
            return None
        meant = self._mapped.get(column, column)
        if field := _BY_LOOSE_NAME.get(re.sub(r"[ _]", "", meant).casefold()):
            return Target(field)
        if custom_id := self._by_title(meant):
            return Target("custom", custom_id)
        shown = _shown(column)
        what = f"column {shown}" if column == meant else f"{_shown(meant)}, for column {shown},"
        raise ValueError(
            f"{what} is neither a field of a contact nor the title of a custom field"
            f'{self._hint(meant)}; say what it means with --map {shown[:-1]}=FIELD",'
            f" or leave it out with --ignore {shown}"
        )

    def targets(self, columns: Sequence[str]) -> list[Target | None]:
        """Return what all columns of a file mean.

        Raises:
            ValueError: One means nothing, two mean the same, one that is mapped or ignored is not
                there, or none is the phone.
        """
        for column in (*self._mapped, *self._ignored):
            if column not in columns:
                raise ValueError(f"there is no column {_shown(column)} to map or to ignore")
        found: dict[Target, str] = {}
        targets = [self.target(column) for column in columns]
        for column, target in zip(columns, targets, strict=True):
            if target is not None and target in found:
                raise ValueError(
                    f"columns {_shown(found[target])} and {_shown(column)} mean the same field;"
                    f" leave one out with --ignore {_shown(column)}"
                )
            if target is not None:
                found[target] = column
        if Target("phone") not in found:
            raise ValueError('no column is the phone; name it with --map "COLUMN=phone"')
        return targets

    def custom(self, name: str) -> Target:
        """Return the custom field that is named by its title, or by its id.

        Raises:
            ValueError: The account has no such field, or two with this title.
        """
        if custom_id := self._by_title(name):
            return Target("custom", custom_id)
        if any(str(field.id) == name for field in self._fields):
            return Target("custom", name)
        raise ValueError(f"the account has no custom field {_shown(name)}{self._hint(name)}")

    def _by_title(self, title: str) -> str:
        ids = [str(field.id) for field in self._fields if field.title == title]
        if len(ids) > 1:
            raise ValueError(f"{len(ids)} custom fields have the title {_shown(title)}")
        return ids[0] if ids else ""

    def _hint(self, name: str) -> str:
        titles = {field.title.casefold(): field.title for field in self._fields}
        known = {**titles, **{field: field for field in FIELDS}}
        close = get_close_matches(name.casefold(), known, n=1)
        return f" (did you mean {_shown(known[close[0]])}?)" if close else ""


def _shown(name: str) -> str:
    # In a file without a first row that names the columns, they are personal data.
    return wire.masked(name, None)

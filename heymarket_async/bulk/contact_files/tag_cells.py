"""Reads the tags of a contact, which are names or ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import cast

import msgspec

from heymarket_async.bulk.contact_files.cells import collapsed, whole_numbers
from heymarket_async.bulk.contact_files.notes import Notes

MOST = 5
"""The most tags that a contact can have."""

_TOO_MANY = (
    "Rows with more than five tags: {count}. A contact has five at most: the first five are taken."
)
_NAMES = "Names of tags that were left out, as no tags can be read: {count}."
_SEPARATOR = re.compile(r":::|[,;|\r\n]")
_TAG_ID = re.compile(r"\btag_id['\"]?\s*[:=]\s*(\d{1,18})\b")
_decode = msgspec.json.Decoder(list[object]).decode


class TagReader:
    """Reads tags.

    Args:
        tag_id: Gives the id of a tag by its name, and may create the tag; None if the account has
            none of this name. If it is None, tags are read by id only.
        find_tag: The same, but it never creates or counts anything.
        notes: For the tags that are left out.
    """

    def __init__(
        self,
        tag_id: Callable[[str], int | None] | None,
        find_tag: Callable[[str], int | None] | None,
        notes: Notes,
    ) -> None:
        self._tag_id = tag_id
        self._find = find_tag
        self._notes = notes

    def of_cells(self, cells: Iterable[str], *, has_ids: bool) -> list[int] | None:
        """Return the ids of the tags in the cells of one row; None if there are none.

        Args:
            cells: Ids or names, with commas, semicolons, "|", ":::" or line breaks between.
            has_ids: Numbers are ids. Else a number is a name, such as "2024", if names can be read.
        """
        filled = [cell for cell in cells if cell]
        ids: list[int] = []
        for cell in filled:
            ids += self._of_cell(cell, has_ids=has_ids or self._tag_id is None)
        if not ids and "[]" not in filled:
            return None  # an empty list could take the tags of a contact away
        return self._first(ids)

    def of_value(self, value: object) -> object:
        """Return the ids of the tags in a value of JSON; None if none of them has an id.

        A tag may be its name, its id, or an object with `tag_id` as in exports. A value that is
        something else is returned as it is.
        """
        if isinstance(value, str):
            return self.of_cells([value.strip()], has_ids=True)
        if not isinstance(value, list):
            return value
        ids = self._of_list(cast(list[object], value))
        return None if value and not ids else self._first(ids)

    def _first(self, ids: list[int]) -> list[int]:
        unique = list(dict.fromkeys(ids))
        if len(unique) > MOST:
            self._notes.add(_TOO_MANY)
        return unique[:MOST]

    def _of_cell(self, cell: str, *, has_ids: bool) -> list[int]:
        if cell.startswith("["):
            try:
                return self._of_list(_decode(cell))
            except (msgspec.MsgspecError, RecursionError):
                # Table tools write the lists of exports in ways of their own; else it is a name.
                if of_tool := list(map(int, _TAG_ID.findall(cell))):
                    return of_tool
        if self._find and self._find(name := collapsed(cell)) is not None:
            found = self._of_name(name)  # which also counts the row, where the tag is a new one
            return [] if found is None else [found]
        parts = [part for each in _SEPARATOR.split(cell) if (part := _name(each))]
        if has_ids and (ids := _numbers(cell)) is not None:
            return ids
        # Google marks the groups that it made itself with an asterisk.
        found_ids = (self._of_name(part) for part in parts if not part.startswith("* "))
        return [each for each in found_ids if each is not None]

    def _of_list(self, tags: list[object]) -> list[int]:
        ids: list[int] = []
        for tag in tags:
            if isinstance(tag, dict):
                fields = cast("dict[str, object]", tag)
                tag = fields.get("tag_id", fields.get("id"))  # noqa: PLW2901 - the same tag
            if isinstance(tag, float) and tag.is_integer():
                tag = int(tag)  # noqa: PLW2901 - a table tool made it a decimal
            if isinstance(tag, int) and not isinstance(tag, bool):
                ids.append(tag)
            elif isinstance(tag, str):
                numbers: Sequence[int | None] | None = _numbers(tag)
                found = numbers or [self._of_name(name) if (name := collapsed(tag)) else None]
                ids += [each for each in found if each is not None]
            elif tag is not None:
                raise ValueError("tags must be ids, or names, or a list in JSON as exports have it")
        return ids

    def _of_name(self, name: str) -> int | None:
        if self._tag_id is None:
            self._notes.add(_NAMES)
            return None
        return self._tag_id(name)


def _name(text: str) -> str:
    # Mailchimp puts quotes around the names.
    return collapsed(text.strip("\"' \t"))


def _numbers(cell: str) -> list[int] | None:
    try:
        return whole_numbers(cell)
    except ValueError:
        return None

"""A text with fields, such as "Hi {first}", and filling it in for a row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from msgspec import UNSET

from heymarket_async.bulk.contact_files.layouts import loose
from heymarket_async.texting import tokens

_FIELD = re.compile(r"\{([^{}\n]+)\}")


class Filled(NamedTuple):
    """The text for a row, the names of its fields that are empty, and the values of all."""

    text: str
    empty: list[str]
    values: list[str]


class TextWithFields:
    """A text with fields in braces.

    A field is found in a row by its exact name, or else by its letters and digits: `{first name}`
    is the column "First Name". White space within a value becomes one space.

    Args:
        text: The text.
        defaults: The values for fields that are empty, by the name of the field.

    Attributes:
        fields: The names of its fields, each once, in the order of the text.

    Raises:
        ValueError: A brace has no partner, a merge token of a template is in the text, or a default
            belongs to no field.
    """

    def __init__(self, text: str, defaults: Mapping[str, str]) -> None:
        if found := tokens(text):
            raise ValueError(
                f"text must not hold {{{{{found[0]}}}}}, which Heymarket fills in for templates"
                f" only: write {{{found[0]}}} for a field of the row"
            )
        pieces = _FIELD.split(text)
        self._literals = pieces[::2]
        self._names = [name.strip() for name in pieces[1::2]]
        if any("{" in each or "}" in each for each in self._literals) or not all(self._names):
            raise ValueError("text must have each field within braces, such as {first}")
        self.fields = list(dict.fromkeys(self._names))
        if strange := sorted(set(defaults) - set(self.fields)):
            raise ValueError(f"defaults must be of fields in the text, and {strange[0]!r} is none")
        self._defaults = defaults
        self._resolved = lru_cache(maxsize=16)(self._resolve)

    def fill(self, row: Mapping[str, object]) -> Filled:
        """Return the text for a row."""
        keys, empty = self._resolved(tuple(row)), list[str]()
        values: dict[str, str] = {}
        for name in self.fields:
            key = keys[name]
            value = "" if key is None else _shown(row[key])
            if not value:
                value = self._defaults.get(name, "")
                if name not in self._defaults:
                    empty.append(name)
            values[name] = value
        parts = [self._literals[0]]
        for name, literal in zip(self._names, self._literals[1:], strict=True):
            parts += (values[name], literal)
        return Filled("".join(parts), empty, list(values.values()))

    def found_in(self, row: Mapping[str, object]) -> set[str]:
        """Return the fields for which a row has a place, be it empty or not."""
        return {field for field, key in self._resolved(tuple(row)).items() if key is not None}

    def _resolve(self, names: tuple[str, ...]) -> dict[str, str | None]:
        """Return the key of a row for each field, by the names in the row."""
        by_loose = {loose(name): name for name in reversed(names)}
        return {
            field: field if field in names else by_loose.get(loose(field)) for field in self.fields
        }


def _shown(value: object) -> str:
    return "" if value is None or value is UNSET else " ".join(str(value).split())

"""The base of all structs that are read from answers."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

from heymarket_async import timestamps


class Answered(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of all structs that are read from answers.

    Attributes:
        listed_in: The key under which an answer may have a list of them, or "".
    """

    listed_in: ClassVar[str] = ""

    @property
    def odd(self) -> dict[str, object]:
        """The fields that came with a value of another type than documented, as they were sent.

        The attribute is then None, or holds the part that could be read: the digits of a phone that
        came as a number, the right elements of a list. Usually this is empty. If it is not, it
        counts when two structs are compared, and is written when one is encoded.
        """
        return {}


class Stamped(Answered, frozen=True, kw_only=True, gc=False):
    """Base of structs that show when they were written.

    Attributes:
        created: When it was created, as the server wrote it; `created_at` is the datetime.
        updated: When it was last written, as the server wrote it; `updated_at` is the datetime.
    """

    created: str | None = None
    updated: str | None = None

    @property
    def created_at(self) -> datetime | None:
        """`created` as an aware datetime in UTC; None if it is not a time, or in year 1."""
        return moment(self.created)

    @property
    def updated_at(self) -> datetime | None:
        """`updated` as an aware datetime in UTC; None if it is not a time, or in year 1."""
        return moment(self.updated)


class Ref(Answered, frozen=True, kw_only=True, gc=False):
    """The answer to a write of a template, a tag, a list or a schedule.

    Attributes:
        id: Integer id.
        rev: The revision that the write made.
        uuid: The `local_id` that was sent, or another text: it need not be a UUID.
    """

    id: int
    rev: int | None = None
    uuid: str | None = None


def moment(text: str | None) -> datetime | None:
    """Return a time of an answer as an aware datetime in UTC, cut to microseconds.

    It is None if the text is not a time, or in year 1, which means "never".
    """
    try:
        found = timestamps.parse(text) if text else None
    except ValueError:
        return None
    return found if found is not None and found.year > 1 else None

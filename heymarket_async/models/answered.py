"""The base of all structs that are read from answers."""

from __future__ import annotations

from datetime import datetime

import msgspec

from heymarket_async import timestamps


class Answered(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of all structs that are read from answers."""

    @property
    def odd(self) -> dict[str, object]:
        """The fields that came with a value of another type than documented, as they were sent.

        The attribute is then None, or holds the part that could be read: the digits of a phone that
        came as a number, the right elements of a list. Usually this is empty. If it is not, it
        counts when two structs are compared, and is written when one is encoded.
        """
        return {}


def moment(text: str | None) -> datetime | None:
    """Return a time of an answer as an aware datetime in UTC; None if it is not a time."""
    try:
        return timestamps.parse(text) if text else None
    except ValueError:
        return None

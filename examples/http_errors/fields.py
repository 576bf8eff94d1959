"""The rules for the fields that both web services take."""

from __future__ import annotations

import os
import re

from heymarket_async.phones import parse_phone

MAX_BYTES = 16_384
"""The longest body of a request to the services."""

REGION = os.environ.get("REGION")
"""The country of phones without a country code, such as "US"."""


def phone_of(text: str) -> str:
    """Return a phone as Heymarket writes it.

    Raises:
        ValueError: It is not one valid phone. The text goes behind the name of the field.
    """
    try:
        return parse_phone(text, region=REGION)
    except ValueError as error:
        raise ValueError(str(error).removeprefix("phone ")) from None


def name_of(text: str) -> str:
    """Return a name.

    Raises:
        ValueError: It is too long, or has a character that nobody can have in a name. The text
            goes behind the name of the field.
    """
    if len(text) > 100 or _UNREADABLE.search(text):
        raise ValueError(
            "must have at most 100 characters, and no control character or half of a"
            " character (a lone surrogate)"
        )
    return text


_UNREADABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

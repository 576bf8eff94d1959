"""The facts, in the order in which they are shown, with what is documented and what is assumed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast


class Fact(NamedTuple):
    """A fact; for the fields see `Finding`."""

    name: str
    about: str
    question: str
    documented: str
    assumed: str


_V1, _V2, _COUNT = "POST /v1/contacts", "POST /v2/contacts/list", "POST /v1/contacts/count"
_TIMES, _UNKNOWN, _ALL = "Timestamps", "Unknown contacts", "All answers"

FACTS = (
    Fact("v1.order", _V1, "order", "", "either"),
    Fact("v1.ascending", _V1, "`ascending` changes it", "", "not used"),
    Fact("v1.date", _V1, "contacts from `date`", "the next page", "the next page"),
    Fact("v1.includes_date", _V1, "includes `date`", "", "either"),
    Fact("v1.default_limit", _V1, "page without `limit`", "30", "30"),
    Fact("v1.largest_limit", _V1, "largest `limit`", "", "up to 1,000"),
    Fact("v1.over_limit", _V1, "larger `limit`", "", "any answer"),
    Fact("v1.first_page", _V1, "first `page`", "", "0, 1 or ignored"),
    Fact("v1.end", _V1, "end of the list", "", "nothing new"),
    Fact("v2.order", _V2, "order with `ascending`", "oldest first", "oldest first"),
    Fact("v2.ascending", _V2, "`ascending` changes it", "yes", "yes"),
    Fact("v2.date", _V2, "contacts from `date`", "after", "after"),
    Fact("v2.includes_date", _V2, "includes `date`", "", "either"),
    Fact("v2.default_limit", _V2, "page without `limit`", "30", "not used"),
    Fact("v2.largest_limit", _V2, "largest `limit`", "100", "100"),
    Fact("v2.over_limit", _V2, "larger `limit`", "", "not used"),
    Fact("v2.first_page", _V2, "first `page`", "0", "0, 1 or ignored"),
    Fact("v2.end", _V2, "end of the list", "", "nothing new"),
    Fact("stamp_digits", _TIMES, "digits of the fraction", "", "any"),
    Fact("stamp_zeros_cut", _TIMES, "without trailing zeros", "", "either"),
    Fact("stamp_zone", _TIMES, "zone", "Z and +00:00", "any"),
    Fact("stored_finer", _TIMES, "stored finer than shown", "", "either"),
    Fact("count_date", _COUNT, "contacts from `date`", "after", "after"),
    Fact("count_includes_date", _COUNT, "includes `date`", "", "either"),
    Fact("count_is_whole", _COUNT, "as many as are listed", "yes", "checked"),
    Fact("count_as_text", _COUNT, "answers with text", "", "either"),
    Fact("unknown_id", _UNKNOWN, "GET /v1/contact/{id}", "", "404 or nothing"),
    Fact("unknown_find", _UNKNOWN, "POST /v1/contact/get", "", "404 or nothing"),
    Fact("unknown_uuid", _UNKNOWN, "GET /v2/contact/{contactID}", "", "404 or nothing"),
    Fact("rate_headers", _ALL, "headers of the rate limit", "", "not used"),
    Fact("retry_after", _ALL, "`Retry-After` on a 429", "", "either"),
    Fact("gzip", _ALL, "compressed with gzip", "", "either"),
)


def seen(value: object) -> str:
    """Return a value of a fact for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, str):
        return value
    return ", ".join(cast(Sequence[str], value)) or "none"

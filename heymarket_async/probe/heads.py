"""The facts in the heads of all answers: rate limit, `Retry-After`, compression. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.utils import parsedate_to_datetime

from heymarket_async.probe.asker import CouldNotTellError, Head
from heymarket_async.probe.found import Found

_WORTH_COMPRESSING = 4096
_RATE_HEADER = re.compile(r"rate-?limit")
_WORDS = re.compile(
    r"((x|api|app|amzn?|rate|limits?|ratelimits?|remaining|reset|policy|used|resource|requests|tokens"
    r"|window|second|minute|hour|day|month|after|burst|capacity|count|cost|scope|type|global|retry"
    r"|bucket|replenish)(-|$))+"
)
"""Words of usual names. Others may name the account, so they are not published."""


def find(heads: Sequence[Head], found: Found) -> None:
    """Find the facts that are in the heads of all answers."""
    with found.telling("rate_headers"):
        found.values["rate_headers"] = _rate_headers(heads)
    with found.telling("gzip"):
        found.values["gzip"] = _is_gzip(heads)
    with found.telling("retry_after"):
        found.values["retry_after"] = _form_of_waits(heads)


def _rate_headers(heads: Sequence[Head]) -> list[str]:
    if not heads:
        raise CouldNotTellError("no answer came")
    names = {name.lower() for head in heads for name in head.headers}
    names = set(filter(_RATE_HEADER.search, names))
    public = sorted(name for name in names if _WORDS.fullmatch(name))
    if names and not public:
        raise CouldNotTellError("their names have unusual words, which may be of the account")
    return public


def _is_gzip(heads: Sequence[Head]) -> bool:
    encodings = {head.headers.get("Content-Encoding", "").strip().lower() for head in heads}
    if encodings & {"gzip", "x-gzip"}:
        return True
    if encodings - {"", "identity"}:
        raise CouldNotTellError("answers are compressed in another way")
    if not any(head.size >= _WORTH_COMPRESSING for head in heads):
        raise CouldNotTellError("no answer was large enough to be compressed")
    return False


def _form_of_waits(heads: Sequence[Head]) -> str:
    waits = [head.headers.get("Retry-After") for head in heads if head.status == 429]
    if not waits:
        raise CouldNotTellError("no 429 came, and the probe does not provoke one")
    if (wait := waits[-1]) is None:
        return "none"
    if wait.strip().isdecimal():
        return "seconds"
    try:
        parsedate_to_datetime(wait)
    except ValueError:
        raise CouldNotTellError("it is neither a number of seconds nor a date") from None
    return "date"

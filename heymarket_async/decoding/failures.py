"""An answer of status 2xx to a write that says it failed. No I/O.

The API documents a text ("ok", "success") for most of these writes, and no answer at all for some.
How a failure would look in a 2xx is not documented. So anything is taken for a success but what
clearly says the opposite in one of the ways that are common elsewhere.
"""

from __future__ import annotations

import re
from typing import cast

# If there is anything
_ERRORS = ("error", "errors", "error_code", "error_message", "failed", "failed_contacts")
_FLAGS = ("success", "ok")  # if false, in any way
_TEXTS = ("message", "msg", "detail", "reason", "title")  # if it begins like an error
_STATUSES = ("status", "code", "status_code")  # if false, an error, or 400 and more
_AROUND = ("data", "result", "response")  # read as if it were the answer
# A contact or a channel may have a status of its own, and not to be deleted is none of its faults.
_RECORD = frozenset({"phone", "channel_type"})

_FAILURE = re.compile(
    r"\W*(?:error|fail|false|unauthori|unable|forbidden|denied|invalid|bad\b|can'?t\b|cannot|could"
    r"|exception|internal|no such|(?:no|0)\W*$)"
    r"|.*\bnot (?:found|allowed|permitted|authori)",
    re.IGNORECASE | re.DOTALL,
)


def says_failed(said: object) -> bool:
    """Whether an answer says that the call failed.

    Args:
        said: The body, decoded. null, nothing in it, a text, a number above 0, true, and any object
            or list are a success. A text that begins like an error, false and 0 are not, nor is an
            object with an error in it, or a list with one of these in it.
    """
    if isinstance(said, list):
        return any(map(says_failed, cast("list[object]", said)))
    if not isinstance(said, dict):
        return _is_no(said)
    fields = cast("dict[str, object]", said)
    if any(fields.get(name) for name in _ERRORS):
        return True
    if any(_is_no(fields.get(name)) for name in _FLAGS):
        return True
    if any(_is_text_of_failure(fields.get(name)) for name in _TEXTS):
        return True
    if any(says_failed(fields.get(name)) for name in _AROUND):
        return True
    if _RECORD & fields.keys():
        return False
    return _is_no(fields.get("deleted")) or any(_is_bad(fields.get(name)) for name in _STATUSES)


def _is_no(said: object) -> bool:
    return (isinstance(said, bool | int | float) and not said) or _is_text_of_failure(said)


def _is_bad(status: object) -> bool:
    is_bad_number = isinstance(status, int) and 400 <= status <= 599
    return status is False or is_bad_number or _is_text_of_failure(status)


def _is_text_of_failure(said: object) -> bool:
    return isinstance(said, str) and bool(_FAILURE.match(said))

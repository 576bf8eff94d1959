"""Finds answers of status 2xx to a write that say it failed. No I/O.

The API documents a text ("ok", "success") for most of these writes, and no answer at all for some.
It does not document a failure with a 2xx. So an answer counts as a success unless it clearly says
the opposite, in one of the ways that are common elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

_FAILURE = re.compile(
    r"\W*(?:error|fail|false|unauthori|unable|forbidden|denied|invalid|bad\b|can'?t\b|cannot|could"
    r"|exception|internal|no such|(?:no|0)\W*$)"
    r"|.*\bnot (?:found|allowed|permitted|authori)",
    re.IGNORECASE | re.DOTALL,
)


def says_failed(answer: object) -> bool:
    """Return True if an answer says that the call failed.

    Args:
        answer: The body, decoded. null, nothing in it, a text, a number above 0, true, and any
            object or list are a success. A text that begins like an error, false and 0 are not, nor
            is an object with an error in it, or a list with one of these in it.
    """
    if isinstance(answer, list):
        return any(map(says_failed, cast("list[object]", answer)))
    if not isinstance(answer, dict):
        return _is_no(answer)
    fields = cast("dict[str, object]", answer)
    is_record = bool(_RECORD & fields.keys())
    signs = _SIGNS if is_record else {**_SIGNS, **_SIGNS_IN_NO_RECORD}
    return any(fails(fields.get(name)) for names, fails in signs.items() for name in names)


def _is_no(value: object) -> bool:
    return (isinstance(value, bool | int | float) and not value) or _is_text_of_failure(value)


def _is_bad(status: object) -> bool:
    is_bad_number = isinstance(status, int) and 400 <= status <= 599
    return status is False or is_bad_number or _is_text_of_failure(status)


def _is_text_of_failure(value: object) -> bool:
    return isinstance(value, str) and bool(_FAILURE.match(value))


# Names of fields, and which of their values say that the call failed.
_SIGNS: dict[tuple[str, ...], Callable[[object], bool]] = {
    ("error", "errors", "error_code", "error_message", "failed", "failed_contacts"): bool,
    ("success", "ok"): _is_no,
    ("message", "msg", "detail", "reason", "title"): _is_text_of_failure,
    ("data", "result", "response"): says_failed,
}
# A contact or a channel may have a status of its own, and need not be deleted.
_RECORD = frozenset({"phone", "channel_type"})
_SIGNS_IN_NO_RECORD: dict[tuple[str, ...], Callable[[object], bool]] = {
    ("deleted",): _is_no,
    ("status", "code", "status_code"): _is_bad,
}

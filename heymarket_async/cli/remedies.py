"""The remedies for a job's error, in the words of the command: one line for each reason."""

from __future__ import annotations

from heymarket_async.bulk.errors import JobError

_REMEDIES: dict[str, str] = {}
"""By `JobError.reason`; `{names}` in braces are filled in from `JobError.about`."""


def message_of(error: JobError) -> str:
    """Return the problem, and the remedy in the words of the command, or else of the library."""
    remedy = _REMEDIES.get(error.reason)
    # The library's remedy is no template: it may hold braces, as of a column's name.
    remedy = error.remedy if remedy is None else remedy.format_map(error.about)
    return f"{error.problem} {remedy}".rstrip()

"""The remedies for a job's error, in the words of the command: one line for each reason."""

from __future__ import annotations

from heymarket_async.bulk.errors import JobError

_REMEDIES: dict[str, str] = {
    "damaged_export": "Start anew with --restart.",
    "moved_account": "Name another file, or use --rebind if the account has moved.",
    "other_checkpoint": "Start anew with --restart, or name another file.",
}
"""By `JobError.reason`; `{names}` in braces are filled in from `JobError.about`."""


def told(error: JobError) -> str:
    """Return the problem, and what to do about it."""
    remedy = _REMEDIES.get(error.reason, error.remedy)
    return f"{error.problem} {remedy.format_map(error.about)}".rstrip()

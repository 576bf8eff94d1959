"""The remedy for each doubt in the report of an export or sync, in the words of the command."""

from __future__ import annotations

from collections.abc import Iterable

AGAIN = "Run the same command again."

_REMEDIES = (
    ("more than were read", "{anew}"),
    ("more than the file has", "{anew}"),
    ("fewer than were read", "{gone}"),
    ("fewer than the file has", "{gone}"),
    ("changes faster than it can be read", "Run the same command when less is written to it."),
    ("does not say how many", AGAIN),
    ("so they are not marked", "Look again later with --full."),
    ("more than the account counts", "Look again later with --full."),
    ("so an edit may be missed", "{anew}"),
    ("custom fields cannot be read", "Give the credentials the right to read custom fields."),
)
"""A part of each doubt that something can be done about, and what."""


def with_remedies(doubts: Iterable[str], *, anew: str, gone: str) -> list[str]:
    """Return doubts with their remedies.

    Args:
        doubts: From a report.
        anew: How to read all records again.
        gone: The remedy for records that may have been deleted.
    """
    return [_with_remedy(doubt, anew, gone) for doubt in doubts]


def _with_remedy(doubt: str, anew: str, gone: str) -> str:
    remedy = next((remedy for part, remedy in _REMEDIES if part in doubt), "")
    return f"{doubt}. {remedy.format(anew=anew, gone=gone)}" if remedy else doubt

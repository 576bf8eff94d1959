"""Counts rows by the reason why they were left out, however many reasons there are."""

from __future__ import annotations

import re
from collections import Counter

OTHERS = "(other reasons)"
"""The reason under which rows are counted if there are very many reasons."""

_MOST = 1000
_PLACE = re.compile(r" \([a-z]+ \d+\)$")
_ROW = re.compile(r"\brow \d+\b")


class Reasons:
    """How many rows have a reason.

    The place of a row in its file is left out, and so is the number of another row: the reason is
    the same then.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, reason: str) -> None:
        """Count a row."""
        reason = _ROW.sub("another row", _PLACE.sub("", reason))
        is_known = reason in self._counts or len(self._counts) < _MOST
        self._counts[reason if is_known else OTHERS] += 1

    @property
    def counts(self) -> dict[str, int]:
        """The numbers by reason, the largest first."""
        return dict(self._counts.most_common())

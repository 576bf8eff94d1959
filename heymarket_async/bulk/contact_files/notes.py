"""Remarks on a file, each given once with the number of its rows."""

from __future__ import annotations

from collections import Counter


class Notes:
    """Counts remarks, so that a thing that was done to a thousand cells is said once.

    A remark is a sentence with `{count}` in it, and has no phone, e-mail or name:
    "Extensions of phones that were left off: {count}."
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, remark: str, count: int = 1) -> None:
        """Count a remark."""
        self._counts[remark] += count

    def lines(self) -> list[str]:
        """Return the remarks as sentences, in the order in which they first came up."""
        return [remark.replace("{count}", f"{count:,}") for remark, count in self._counts.items()]

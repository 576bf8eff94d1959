"""What a server may count that nobody can see into."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


def most_in_a_window(spans: Sequence[Sequence[float]], window_s: float) -> int:
    """Count the most requests that one window can hold.

    Each may be counted at any time from its sending to its answer.

    Args:
        spans: From when to when each was under way.
        window_s: Length of the window, whose end is no part of it.
    """
    begins = sorted(began for began, _ in spans)
    ends = sorted(end for _, end in spans)
    return max(bisect_left(begins, start + window_s) - bisect_left(ends, start) for start in ends)

"""The turns that a client has taken, and the changes that it has yet to report to the store."""

from __future__ import annotations

import secrets
from collections import deque
from math import inf


class Ledger:
    """The turns that one client has taken within the last window. No I/O, no clock.

    A turn weighs while its request counts towards the limit: until a window after its answer. An
    answer ends the oldest turn. It may belong to another turn, but that does not matter: the same
    number of turns weighs until the same times.

    Args:
        window_s: How long a request weighs after its answer.
        grace_s: How late an answer may come without a report to the store.
    """

    def __init__(self, window_s: float, grace_s: float) -> None:
        self._window_s = window_s
        self._grace_s = grace_s
        self.name = secrets.token_hex(6)
        self.taken = 0
        # With the time at which the store last heard that it is under way.
        self._under_way: deque[tuple[str, float]] = deque()
        self._answered: deque[tuple[str, float]] = deque()
        self._changes: dict[str, float] = {}

    def take(self, now: float, *, is_known: bool) -> None:
        """Note a turn that is used now; `is_known` if the store gave it."""
        name = f"{self.name}:{self.taken}"
        self.taken += 1
        self._under_way.append((name, now if is_known else -inf))

    def skip(self, turns: int) -> None:
        """Note turns that the store gave, and that no call waits for any more."""
        for number in range(self.taken, self.taken + turns):
            self._changes[f"{self.name}:{number}"] = -inf
        self.taken += turns

    def give_back(self) -> None:
        """Note that the last turn was not used after all."""
        name, _ = self._under_way.pop()
        self._changes[name] = -inf

    def answer(self, now: float) -> bool:
        """Note that a request was answered or failed. Return True if that must be reported soon."""
        name, reported_at = self._under_way.popleft()
        self._answered.append((name, now))
        self._changes[name] = now  # it weighs less long than the store assumes, or longer
        return now - reported_at > self._grace_s

    def report_at(self) -> float:
        """Return when the turns under way must be reported again; inf if there are none."""
        return self._under_way[0][1] + self._window_s / 2 if self._under_way else inf

    def weighing(self, now: float) -> int:
        """Count the turns that weigh."""
        # Added up as in `lighter_in_s`, so that both round in the same way.
        while self._answered and self._answered[0][1] + self._window_s <= now:
            self._changes.pop(self._answered.popleft()[0], None)
        return len(self._under_way) + len(self._answered)

    def lighter_in_s(self, now: float) -> float:
        """Return after how many seconds fewer turns may weigh."""
        if not self._answered:
            return self._grace_s
        return max(0.0, self._answered[0][1] + self._window_s - now)

    def changes(self, now: float) -> list[str | float]:
        """Return the changes as the store takes them: turn, ms since its answer, turn, ms, ...

        They count as reported. A turn that is under way for long is reported again, as taken just
        now, before the store forgets it. An unused turn is reported as answered so long ago that it
        weighs no more.
        """
        for place, (name, reported_at) in enumerate(self._under_way):
            if reported_at < now - self._window_s / 4:
                self._under_way[place] = (name, now)
                self._changes[name] = now + self._grace_s
        changes: list[str | float] = []
        for name, answered_at in self._changes.items():
            changes += [name, 1000 * min(now - answered_at, 2 * self._window_s)]
        self._changes = {}
        return changes

    def report_all(self) -> None:
        """Report every turn again: the store may know none of them."""
        self._changes = dict(self._answered)
        self._under_way = deque((name, -inf) for name, _ in self._under_way)

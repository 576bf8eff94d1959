"""The turns that a client has taken, and what the store has yet to be told of them."""

from __future__ import annotations

import secrets
from collections import deque
from math import inf


class Ledger:
    """What one client has sent within the last window. No I/O, no clock.

    Which answer belongs to which turn does not matter: how many weigh until when is the same.

    Args:
        window_s: How long a request weighs after its answer.
        grace_s: How late an answer may be without the store being told of it.
    """

    def __init__(self, window_s: float, grace_s: float) -> None:
        self._window_s = window_s
        self._grace_s = grace_s
        self.name = secrets.token_hex(6)
        self.taken = 0
        # Each with the time at which the store was told that it is under way.
        self._under_way: deque[tuple[str, float]] = deque()
        self._answered: deque[tuple[str, float]] = deque()
        self._news: dict[str, float] = {}

    def take(self, now: float, *, is_known: bool) -> None:
        """Note a turn that is used now, of which the store knows already, or does not."""
        name = f"{self.name}:{self.taken}"
        self.taken += 1
        self._under_way.append((name, now if is_known else -inf))

    def skip(self, turns: int) -> None:
        """Note turns that the store gave, and nobody wants any more."""
        for number in range(self.taken, self.taken + turns):
            self._news[f"{self.name}:{number}"] = -inf
        self.taken += turns

    def give_back(self) -> None:
        """Note that a turn was not used after all."""
        name, _ = self._under_way.pop()
        self._news[name] = -inf

    def answer(self, now: float) -> bool:
        """Note that a request was answered, or failed; return whether the store must know soon."""
        name, told_at = self._under_way.popleft()
        self._answered.append((name, now))
        self._news[name] = now  # it weighs less long than the store reckons with, or longer
        return now - told_at > self._grace_s

    def overdue_in_s(self, now: float) -> float:
        """Return after how long the store must be told anew what is still under way."""
        return self._under_way[0][1] + self._window_s / 2 - now if self._under_way else inf

    def weighing(self, now: float) -> int:
        """Count the turns that weigh."""
        while self._answered and self._answered[0][1] <= now - self._window_s:
            self._news.pop(self._answered.popleft()[0], None)
        return len(self._under_way) + len(self._answered)

    def lighter_in_s(self, now: float) -> float:
        """Return after how many seconds one less may weigh."""
        if not self._answered:
            return self._grace_s
        return max(0.0, self._answered[0][1] + self._window_s - now)

    def news(self, now: float) -> list[str | float]:
        """Return what the store has to be told: turn, ms since its answer, and so on; forget it.

        What is under way for long is told anew, as taken just now, before the store forgets it;
        what was not used as answered so long ago that it weighs no more.
        """
        for place, (name, told_at) in enumerate(self._under_way):
            if told_at < now - self._window_s / 4:
                self._under_way[place] = (name, now)
                self._news[name] = now + self._grace_s
        told: list[str | float] = []
        for name, answered_at in self._news.items():
            told += [name, 1000 * min(now - answered_at, 2 * self._window_s)]
        self._news = {}
        return told

    def tell_all(self) -> None:
        """Have the store told of every turn: it may know none of them."""
        self._news = dict(self._answered)
        self._under_way = deque((name, -inf) for name, _ in self._under_way)

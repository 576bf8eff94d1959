"""The turns that a client has taken, and what the store has yet to be told of them."""

from __future__ import annotations

import secrets
from collections import deque

_UNUSED = -1.0


class OwnTurns:
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
        self._under_way: deque[tuple[str, float]] = deque()
        self._answered: deque[tuple[str, float]] = deque()
        self._news: dict[str, float | None] = {}

    def take(self, now: float, *, is_known: bool) -> None:
        """Note a turn that is used now, of which the store knows already, or does not."""
        name = f"{self.name}:{self.taken}"
        self.taken += 1
        self._under_way.append((name, now if is_known else float("-inf")))
        if not is_known:
            self._news[name] = None

    def skip(self, turns: int) -> None:
        """Note turns that the store gave, and nobody wants any more."""
        for number in range(self.taken, self.taken + turns):
            self._news[f"{self.name}:{number}"] = _UNUSED
        self.taken += turns

    def give_back(self) -> None:
        """Note that a turn was not used after all."""
        name, _ = self._under_way.pop()
        self._news[name] = _UNUSED

    def answer(self, now: float) -> bool:
        """Note that a request was answered, or failed; return whether the store must know soon."""
        name, taken_at = self._under_way.popleft()
        self._answered.append((name, now))
        self._news[name] = now  # it weighs less long than the store reckons with, or longer
        return now - taken_at > self._grace_s

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

    def news(self) -> dict[str, float | None]:
        """Return what the store has to be told, as `turn: when it was answered`, and forget it."""
        news, self._news = self._news, {}
        return news

    def tell_all(self) -> None:
        """Have the store told of every turn: it may know none of them."""
        self._news = dict(self._answered) | dict.fromkeys((name for name, _ in self._under_way))
        self._under_way = deque((name, float("-inf")) for name, _ in self._under_way)


def ages_ms(news: dict[str, float | None], now: float) -> list[str | float]:
    """Return news as the store's script takes them: turn, ms since its answer, and so on."""
    told: list[str | float] = []
    for name, answered_at in news.items():
        if answered_at == _UNUSED:
            age = _UNUSED
        else:
            age = 0.0 if answered_at is None else (now - answered_at) * 1000
        told += [name, age]
    return told

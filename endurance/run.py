"""A run: one small work, done many times from numbered seeds, and the figures that it keeps."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple, Self

import msgspec


def small() -> bool:
    """Return whether a piece is only to show that it works, as in the tests."""
    return os.environ.get("HEYMARKET_ENDURANCE_SMALL") == "1"


class Figures(msgspec.Struct, kw_only=True):
    """The figures of a run, of one seed or of many.

    Attributes:
        units: How much was done, in the unit of the run.
        total: Values that add up, such as requests.
        most: Values whose largest counts, such as peak memory.
        least: Values whose smallest counts, such as the part of a budget that was used.
        versions: Of the packages and servers that took part, by name.
    """

    units: int = 1
    total: dict[str, int] = {}
    most: dict[str, float] = {}
    least: dict[str, float] = {}
    versions: dict[str, str] = {}

    def with_those_of(self, other: Figures) -> Self:
        """Return the figures of both."""
        return type(self)(
            units=self.units + other.units,
            total={
                key: self.total.get(key, 0) + other.total.get(key, 0)
                for key in self.total | other.total
            },
            most=_joined(max, self.most, other.most),
            least=_joined(min, self.least, other.least),
            versions=self.versions | other.versions,
        )


def _joined(
    choose: Callable[[float, float], float], one: dict[str, float], other: dict[str, float]
) -> dict[str, float]:
    both = {key: choose(one[key], other[key]) for key in one.keys() & other.keys()}
    return one | other | both


class Run(NamedTuple):
    """One promise, and the work that shows it.

    Attributes:
        name: For the command line.
        title: One line for the page.
        unit: The unit that is counted, in the plural.
        goal: How many units show it.
        holds: A sentence: all that the work checks.
        work: Does one piece of work, decided by the seed alone as far as it can be. It raises if
            something does not hold.
        seeds: How many seeds one process does; one is the safest number, and the slowest.
        at_once: At most so many processes of it; 0 for as many as there are cores.
        limit_s: After so many seconds, a process hangs.
    """

    name: str
    title: str
    unit: str
    goal: int
    holds: str
    work: Callable[[int], Figures]
    seeds: int = 1
    at_once: int = 0
    limit_s: float = 600

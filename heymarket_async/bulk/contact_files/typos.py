"""Finds the name that a misspelt name is meant to be."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

_SHORT = 5
_LONG = 8


def misspelt(name: str, names: Iterable[str]) -> str:
    """Return the first of the closest names that a name with a typing error may mean, or "".

    A name has one typing error at most, or two if it has at least eight letters: a letter that is
    missing, double or in the wrong place. A wrong letter may make another word, as in "past" and
    "last", or "last date" and "last name". So there may be one in a name of five letters or more,
    and no other error with it. Numbers are never misspelt: "Line 1" is not "Line 2".
    """
    best, fewest = "", 3
    if len(name) < _SHORT - 2:
        return best
    letters, numbers = frozenset(name), _numbers(name)
    for each in names:
        most = 2 if min(len(name), len(each)) >= _LONG else 1
        # Most names have other letters. A file may have thousands of columns.
        if len(each) < _SHORT - 1 or len(letters ^ _letters(each)) > 2 * most:
            continue
        if _numbers(each) != numbers:
            continue
        errors = _errors(name, each, most)
        if errors <= most and errors < fewest:
            best, fewest = each, errors
    return best


_letters = functools.lru_cache(maxsize=2048)(frozenset[str])


def _numbers(name: str) -> list[str]:
    return re.findall(r"\d+", name)


def _errors(one: str, other: str, most: int) -> int:
    """Return how many typing errors there are between two names, or more than `most`."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    wrong = 1 if _SHORT <= min(len(one), len(other)) < _LONG else 2
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            if letter == wanted:
                row.append(before[j - 1])
                continue
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + wrong)
            if i > 1 < j and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]

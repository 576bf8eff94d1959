"""The lines of an outcome file, and the states in which earlier runs left their rows."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated, ClassVar, Generic, TypeVar

import msgspec

Outcome = TypeVar("Outcome", bound=StrEnum)
Mark = TypeVar("Mark", bound=StrEnum)

_SHELVES = 4096


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The job that a file belongs to; to resume it, all of this must be the same.

    Attributes:
        noun: The kind of job, for error messages.
        unique: The attributes that need not be the same: a resumed job takes those of the file.
        digests: How another value is named in errors, for attributes that nobody can read.
        version: Of the format.
        kind: The kind of job, such as an import or a dry run.
        account: The `name` of an `Account`.
    """

    noun: ClassVar[str] = "job"
    unique: ClassVar[frozenset[str]] = frozenset()
    digests: ClassVar[Mapping[str, str]] = {}

    version: int = 1
    kind: str
    account: str


class Line(
    msgspec.Struct, Generic[Outcome, Mark], frozen=True, kw_only=True, omit_defaults=True, gc=False
):
    """A line of a file: the outcome of a row so far.

    Attributes:
        row: The number of the row, from 1.
        digest: Identifies the row, in 16 hexadecimal digits; see `hex_of`.
        outcome: One of the outcomes of the job.
        before: A mark that was left when the row was sent; None if it never was.
        reason: Why it has this outcome; without phones, e-mails and names.
        contact_id: The integer id of the contact, for an import.
        message_id: The integer id of the message, for texts.
    """

    row: Annotated[int, msgspec.Meta(ge=1)]
    digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    outcome: Outcome
    before: Mark | None = None
    reason: str | None = None
    contact_id: int | None = None
    message_id: int | None = None


class Outcomes(msgspec.Struct, Generic[Outcome, Mark], frozen=True, kw_only=True):
    """The outcomes of a kind of job.

    Attributes:
        line: The type of a line.
        unknown: The outcome of a row that was sent without a clear answer.
        finished: The outcomes of rows that are done. A row with another outcome is tried again.
        marks: The values that `before` may have in the line of a row that was sent.
    """

    line: type[Line[Outcome, Mark]]
    unknown: Outcome
    finished: tuple[Outcome, ...]
    marks: tuple[Mark, ...]


def digest_of(content: bytes) -> int:
    """Return the digest that identifies a row."""
    return int.from_bytes(blake2b(content, digest_size=8).digest())


def hex_of(digest: int) -> str:
    """Return a digest as a line has it."""
    return f"{digest:016x}"


class EarlierRows(Generic[Outcome, Mark]):
    """The states in which earlier runs left their rows, in about nine bytes a row.

    A state is the outcome of a row that is finished, or the mark of one that was sent. A row that
    was rejected has none: it was not stored, and is tried again.

    They are sorted on shelves by digest, as the phones of `duplicates.FirstRows` are.

    Args:
        outcomes: The outcomes of the job.
    """

    def __init__(self, outcomes: Outcomes[Outcome, Mark]) -> None:
        self._unknown = outcomes.unknown
        self._finished = outcomes.finished
        self._states: tuple[Outcome | Mark | None, ...] = (
            None,
            *outcomes.finished,
            *outcomes.marks,
        )
        self._shelves: dict[int, tuple[array[int], bytearray]] = {}

    def remember(self, digest: int, outcome: Outcome, before: Mark | None) -> None:
        """Take note of the next line of the file.

        Equal rows have one digest. The second of them is rejected without being sent, and its line
        must not hide that the first was sent or stored.
        """
        state: Outcome | Mark | None = outcome if outcome in self._finished else None
        if state is None and before is None:
            return
        if outcome is self._unknown:
            state = before
        digests, states, place = self._find(digest)
        if place == len(digests) or digests[place] != digest:
            digests.insert(place, digest)
            states.insert(place, self._states.index(state))
        elif self._states[states[place]] not in self._finished:
            states[place] = self._states.index(state)

    def take(self, digest: int) -> Outcome | Mark | None:
        """Return the state of a row; for an equal row that comes later, there is none."""
        if not self._shelves:
            return None
        digests, states, place = self._find(digest)
        if place == len(digests) or digests[place] != digest:
            return None
        state, states[place] = self._states[states[place]], 0
        return state

    def _find(self, digest: int) -> tuple[array[int], bytearray, int]:
        shelf = self._shelves.get(digest % _SHELVES)
        if shelf is None:
            shelf = self._shelves[digest % _SHELVES] = array("Q"), bytearray()
        return *shelf, bisect_left(shelf[0], digest)

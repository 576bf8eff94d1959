"""Reads JSON Lines, and a JSON array, as records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import NamedTuple, Self

import msgspec

from heymarket_async.bulk.contact_files.text import Text
from heymarket_async.bulk.errors import UNREADABLE
from heymarket_async.decoding import mending

_ALL_IN_ONE = "The file is JSON, but not JSON Lines. Put one whole object in each line{}."


class Record(NamedTuple):
    """An object of a file of JSON.

    Attributes:
        number: Of its line, or its place in an array, from 1.
        fields: Its names and values, as they are; empty if there is a problem.
        problem: Why it cannot be read, without its content; empty if it can be read.
        line: It as JSON, as the file has it.
    """

    number: int
    fields: dict[str, object]
    problem: str
    line: str


class Records:
    """Objects that are read as they are asked for.

    Args:
        records: The objects.
        unit: The word for a place in the file: line or object.
        close: Closes the file.

    Attributes:
        share_read: Returns the share of the file that is read, from 0 to 1, or None if it is not
            known. It may be called from another thread.
    """

    def __init__(
        self,
        records: Iterator[Record],
        *,
        unit: str = "line",
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.unit = unit
        self.close = close
        self.share_read: Callable[[], float | None] = lambda: None
        self._records = records

    def head(self, most: int) -> list[Record]:
        """Return the first objects, which will be given again by iterating."""
        head = list(islice(self._records, most))
        self._records = chain(head, self._records)
        return head

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Record:
        return next(self._records)


def read(text: Text, *, may_be_array: bool = False) -> Records:
    """Read a file with one object in each line. Blank lines are not counted as objects.

    JSON that strict readers refuse is read as answers are: half an emoji as U+FFFD, NaN and
    Infinity as null.

    Args:
        text: The lines.
        may_be_array: The file may be an array of objects instead, and is then read whole.

    Raises:
        ValueError: The file is empty, or other JSON.
    """
    lines = iter(text)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        again = chain([line], lines)
        if may_be_array and line.lstrip().startswith("["):
            return Records(_elements("".join(again)), unit="object")
        _check_begin(line)
        return Records(_records(again, text, number))
    raise ValueError("The file is empty.")


def _elements(content: str) -> Iterator[Record]:
    try:
        elements = mending.rows(content.encode(errors="surrogateescape"))
    except UNREADABLE:
        raise ValueError(
            "The file begins as an array in JSON, but it is damaged or not whole. Export it again,"
            " or put one object in each line."
        ) from None
    lines = (bytes(each).decode(errors="surrogateescape").strip() for each in elements)
    return (_record(number, line, "") for number, line in enumerate(lines, 1))


def _check_begin(line: str) -> None:
    # Else each line of it would be a bad record.
    if line.lstrip().startswith("["):
        raise ValueError(_ALL_IN_ONE.format(", without an array around them"))
    if line.strip() == "{":
        raise ValueError(_ALL_IN_ONE.format(""))


def _records(lines: Iterator[str], text: Text, first: int) -> Iterator[Record]:
    for number, line in enumerate(lines, first):
        if line.strip():
            yield _record(number, line.rstrip("\r\n"), text.problem_of(line))


def _record(number: int, line: str, problem: str) -> Record:
    if not problem:
        try:
            return Record(number, _decoded(line), "", line)
        except ValueError as error:
            problem = str(error)
    return Record(number, {}, problem, line)


def _decoded(line: str) -> dict[str, object]:
    try:
        # An export keeps half an emoji as it was sent.
        return mending.decode(_decode, line.encode(errors="surrogateescape"))
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except msgspec.ValidationError:
        raise ValueError("is JSON, but not an object") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"is not JSON: {error}") from None


_decode = msgspec.json.Decoder(dict[str, object]).decode

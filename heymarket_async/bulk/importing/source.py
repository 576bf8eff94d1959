"""The rows that are given to an import, and reading them batch by batch."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable, Mapping
from concurrent.futures import Future
from functools import partial
from inspect import isasyncgen, isgenerator
from queue import SimpleQueue
from typing import TypeAlias, TypeVar

import msgspec

from heymarket_async.bulk.thread import begun, settle
from heymarket_async.checks import kind_of
from heymarket_async.models.answered import Answered
from heymarket_async.models.new_contact import NewContact
from heymarket_async.privacy import Masked
from heymarket_async.transport import wire
from heymarket_async.walk.walk import Walk

T = TypeVar("T")


class RejectedRow(Masked, msgspec.Struct, frozen=True):
    """A row that cannot be made a contact, as a reader gives it.

    Attributes:
        reason: Why, without phones, e-mails and names.
        opted_out_phone: The phone of the row, if it says that this person opted out. That counts
            although the row is rejected. E.164 digits.
    """

    reason: str
    opted_out_phone: str | None = None

    def __repr__(self) -> str:
        return f"RejectedRow({self.reason!r})"


class SourceRow(Masked, msgspec.Struct, frozen=True):
    """A row with the form that it had in its file, such as a list of cells or a line.

    Attributes:
        item: The contact that the row means, or why it cannot be one.
        source: The form that it had; `on_rejected` of `import_contacts` gets it back.
    """

    item: NewContact | RejectedRow
    source: object

    def __repr__(self) -> str:
        return "SourceRow(<hidden>)"


Item: TypeAlias = NewContact | RejectedRow | SourceRow | Mapping[str, object]
"""A row as it is given: a contact, its fields by name, or the reason why it cannot be one.

A `SourceRow` is one of the first two, with the form that it had in its file.
"""


def check_rows(rows: object, of: str) -> None:
    """Check that a job can read its rows, before it reads any.

    Args:
        rows: The value that was given for them.
        of: The kind of rows that the job takes, for the message.

    Raises:
        ValueError: It is a path, an open file, a table of another package, or a single row.
    """
    kind = kind_of(rows)
    if isinstance(rows, str | bytes | os.PathLike):
        raise ValueError(
            f"rows must be an iterable of {of}, not a path. The command `heymarket` reads files; in"
            f" Python, {_DICT_READER}"
        )
    if isinstance(rows, io.IOBase | type(csv.reader(()))):
        raise ValueError(f"rows must be an iterable of {of}, not {kind}; {_DICT_READER}")
    if hasattr(rows, "columns"):
        for method, call in _OF_TABLES.items():
            if hasattr(rows, method):
                raise ValueError(f"rows must be an iterable of {of}, not {kind}; pass its {call}")
    if isinstance(rows, Mapping) or not isinstance(rows, Iterable | AsyncIterable):
        raise ValueError(f"rows must be an iterable of {of}, such as a list, not {kind}")


_DICT_READER = "csv.DictReader gives the rows of a CSV file as mappings"
_OF_TABLES = {
    "to_dicts": "to_dicts()",  # polars, which has to_dict too
    "to_pylist": "to_pylist()",  # pyarrow
    "to_dict": 'to_dict("records")',  # pandas
}
"""The calls by which tables of other packages give their rows."""


def check_not_answered(rows: object) -> None:
    """Check that the rows to import are not what Heymarket sent: a walk, or a struct.

    Raises:
        ValueError: They are.
    """
    if _is_answered(rows):
        raise ValueError(f"rows must be an iterable of contacts, not {wrong_kind(rows)}")


def _is_answered(value: object) -> bool:
    return isinstance(value, Walk | Answered)


def check_first_row(row: object, kinds: tuple[type[object], ...], of: str) -> None:
    """Check the type of the first row: if it is wrong, all rows are likely wrong.

    Args:
        row: The row.
        kinds: The types that a row may have.
        of: The kind of rows that the job takes, for the message.

    Raises:
        ValueError: It is of another type. Nothing was sent.
    """
    if not isinstance(row, kinds):
        raise ValueError(f"rows must be {of}, but the first one is of type {wrong_kind(row)}")


def wrong_kind(row: object) -> str:
    """Return the type of a row that cannot be read, with the way to make it one that can."""
    if _is_answered(row):
        return (
            f"{kind_of(row)}, which has what Heymarket sent;"
            " make a NewContact(phone=..., first=...)"
            " of the fields to import"
        )
    return kind_of(row)


def contact_of(fields: Mapping[str, object]) -> NewContact | RejectedRow:
    """Return the contact with these fields, or the reason why they do not make one."""
    if "phone" not in fields:
        return RejectedRow("has no phone")
    for name in fields:
        if name not in NewContact.__struct_fields__:
            return RejectedRow(f"{wire.masked(str(name), None)} is not a field of a contact")
    try:
        return NewContact(**fields)  # type: ignore[arg-type] # it checks the types itself
    except (ValueError, TypeError) as error:
        return RejectedRow(str(error))


def batches_of(items: Iterable[T] | AsyncIterable[T], size: int) -> AsyncGenerator[list[T]]:
    """Give items in batches, read no faster than batches are asked for.

    An error of the items is raised after the batch of those before it. When this is closed, it
    closes the generator that the items come from.

    An iterable that is not async is read in a thread of its own: it may be a slow generator or a
    silent pipe. Nothing waits for that thread while it is reading.
    """
    if isinstance(items, AsyncIterable):
        return _batches_in_loop(items, size)
    return _batches_in_thread(items, size)


async def _batches_in_loop(items: AsyncIterable[T], size: int) -> AsyncGenerator[list[T]]:
    iterator = aiter(items)
    batch: list[T] = []
    try:
        async for item in iterator:
            batch.append(item)
            if len(batch) == size:
                yield batch
                batch = []
                await asyncio.sleep(0)  # an iterable that never waits would block the loop
        if batch:
            yield batch
    except Exception:
        if batch:
            yield batch
        raise
    finally:
        generator: object = iterator
        if isasyncgen(generator):
            await generator.aclose()


def in_batches(items: Iterable[T], size: int) -> Generator[list[T]]:
    """Give items in lists; an error of the iterable is raised after the items before it."""
    iterator = iter(items)
    batch: list[T] = []
    try:
        for item in iterator:
            batch.append(item)
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch
    except Exception:
        if batch:
            yield batch
        raise
    finally:
        if isgenerator(iterator):
            iterator.close()


_Work: TypeAlias = "tuple[Callable[[], list[T] | None], Future[list[T] | None]]"


async def _batches_in_thread(items: Iterable[T], size: int) -> AsyncGenerator[list[T]]:
    # Not the thread of an executor: at its end, Python would wait for one that reads a silent pipe.
    queue: SimpleQueue[_Work[T] | None] = SimpleQueue()
    thread = threading.Thread(target=_run, args=(queue,), name="heymarket-import", daemon=True)
    thread.start()
    batches = in_batches(items, size)
    reading = _put(queue, partial(next, batches, None))
    try:
        while (batch := await asyncio.wrap_future(reading)) is not None:
            yield batch
            reading = _put(queue, partial(next, batches, None))
    finally:
        is_busy = not reading.done()
        closing = _put(queue, batches.close)
        queue.put(None)
        if not is_busy:
            await asyncio.wrap_future(closing)
            thread.join()


def _put(
    queue: SimpleQueue[_Work[T] | None], work: Callable[[], list[T] | None]
) -> Future[list[T] | None]:
    done = begun(Future[list[T] | None]())
    queue.put((work, done))
    return done


def _run(queue: SimpleQueue[_Work[T] | None]) -> None:
    while (item := queue.get()) is not None:
        work, done = item
        settle(done, work)

"""Reads the rows of an import batch by batch, so that rows that do not come stop nothing else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from inspect import isasyncgen, isgenerator
from itertools import islice
from queue import SimpleQueue
from typing import Generic, Self, TypeAlias, TypeVar

import msgspec

from heymarket_async.models import NewContact
from heymarket_async.transport import wire


class RejectedRow(msgspec.Struct, frozen=True):
    """What a reader gives for a row that it cannot make a contact of.

    Attributes:
        reason: Why, without phones, e-mails and names.
    """

    reason: str


Item: TypeAlias = NewContact | RejectedRow | Mapping[str, object]
"""A row as it is given: a contact, its fields by name, or why it is none."""


def contact_of(fields: Mapping[str, object]) -> NewContact | RejectedRow:
    """Return the contact that has these fields, or why there can be none."""
    if "phone" not in fields:
        return RejectedRow("has no phone")
    for name in fields:
        if name not in NewContact.__struct_fields__:
            return RejectedRow(f"{wire.masked(str(name), None)} is no field of a contact")
    try:
        return NewContact(**fields)  # type: ignore[arg-type] # it looks at the types itself
    except (ValueError, TypeError) as error:
        return RejectedRow(str(error))


T = TypeVar("T")


class Feed(Generic[T]):
    """The rows, some at a time; a context manager that lets go of them.

    An iterable that is not async is read in a thread of its own: it may be a slow generator, or a
    pipe that is silent. Nobody waits for that thread, for it may never come back.

    Args:
        items: Read no faster than batches are asked for.
        at_once: Rows in a batch.

    Attributes:
        failure: What the input raised, which ends it, or None.
    """

    def __init__(self, items: Iterable[T] | AsyncIterable[T], at_once: int) -> None:
        self.failure: Exception | None = None
        self._at_once = at_once
        self._first: list[T] | None = None
        self._source = _InLoop(items) if isinstance(items, AsyncIterable) else _InThread(items)
        self._is_at_end = False

    async def begin(self) -> None:
        """Read the first batch, ahead of everything else.

        Raises:
            Exception: What the input raised before its first row.
        """
        self._first = await self.next()
        if self.failure is not None and not self._first:
            raise self.failure

    async def next(self) -> list[T]:
        """Return the next rows; none are left if they are fewer than were asked for."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        items: list[T] = []
        if not self._is_at_end:
            self.failure = await self._source.read_into(items, self._at_once)
            self._is_at_end = len(items) < self._at_once
        return items

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._source.close()


class _InLoop(Generic[T]):
    def __init__(self, items: AsyncIterable[T]) -> None:
        self._iterator = aiter(items)

    async def read_into(self, items: list[T], count: int) -> Exception | None:
        await asyncio.sleep(0)  # an iterable that never waits would let nobody else run
        try:
            while len(items) < count:
                items.append(await anext(self._iterator))
        except StopAsyncIteration:
            return None
        except Exception as error:  # noqa: BLE001 - it is raised when what is under way is done
            return error
        return None

    async def close(self) -> None:
        iterator: object = self._iterator
        if isasyncgen(iterator):
            await iterator.aclose()


class _InThread(Generic[T]):
    def __init__(self, items: Iterable[T]) -> None:
        self._items = items
        self._iterator: Iterator[T] | None = None
        self._thread = _DaemonThread()

    async def read_into(self, items: list[T], count: int) -> Exception | None:
        return await self._thread.run(lambda: self._read_into(items, count))

    async def close(self) -> None:
        await self._thread.end_with(self._close)

    def _read_into(self, items: list[T], count: int) -> Exception | None:
        try:
            if self._iterator is None:
                self._iterator = iter(self._items)
            items.extend(islice(self._iterator, count))
        except Exception as error:  # noqa: BLE001 - it is raised when what is under way is done
            return error
        return None

    def _close(self) -> None:
        if isgenerator(self._iterator):
            self._iterator.close()


_Work: TypeAlias = Callable[[], Exception | None]
_Done: TypeAlias = "Future[Exception | None]"


class _DaemonThread:
    """Runs one piece of work after the other, and does not keep the process from its end."""

    def __init__(self) -> None:
        self._work: SimpleQueue[tuple[_Work, _Done] | None] = SimpleQueue()
        self._last: _Done | None = None
        self._thread = threading.Thread(target=self._run, name="heymarket-import", daemon=True)

    async def run(self, work: _Work) -> Exception | None:
        """Run a piece of work; a cancellation leaves it to itself."""
        if self._last is None:
            self._thread.start()
        self._last = self._put(work)
        return await asyncio.wrap_future(self._last)

    async def end_with(self, work: _Work) -> None:
        """Run a last piece of work, and wait for it unless the thread is still busy."""
        if self._last is None:
            return
        is_idle = self._last.done()
        done = self._put(work)
        self._work.put(None)
        if is_idle:
            await asyncio.wrap_future(done)
            self._thread.join()

    def _put(self, work: _Work) -> _Done:
        done: _Done = Future()
        done.set_running_or_notify_cancel()  # from now on it cannot be cancelled
        self._work.put((work, done))
        return done

    def _run(self) -> None:
        while (some := self._work.get()) is not None:
            work, done = some
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
                done.set_exception(error)

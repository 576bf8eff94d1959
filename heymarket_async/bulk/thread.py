"""Work beside the event loop: a thread for files and databases, and tasks side by side."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from itertools import islice
from typing import ParamSpec, TypeVar

from heymarket_async.checks import is_int
from heymarket_async.transport.http import CONNECTIONS

P = ParamSpec("P")
T = TypeVar("T")


class OneThread:
    """A thread for blocking work, one piece after the other."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="heymarket-bulk")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a piece of work, and return its result.

        Work that has begun cannot be stopped, so a cancellation is raised only after the end of
        the work, however it ends.
        """
        future = asyncio.wrap_future(self._executor.submit(work, *args, **kwargs))
        future.add_done_callback(_retrieve)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            raise

    async def each(
        self, items: Iterable[T], handle: Callable[[list[T]], object], *, at_once: int = 5000
    ) -> None:
        """Read items in the thread, and call `handle` in the loop with up to `at_once` of them."""
        iterator = await self.run(iter, items)
        try:
            while some := await self.run(lambda: list(islice(iterator, at_once))):
                handle(some)
        finally:
            if isinstance(iterator, Generator):
                await self.run(iterator.close)

    def close(self) -> None:
        """Wait for the work that has begun, and end the thread."""
        self._executor.shutdown(wait=True, cancel_futures=True)


async def run_unwatched(work: Callable[[], T]) -> T:
    """Run work that may never end, such as reading a silent pipe, in a thread of its own.

    After a cancellation nothing waits for the thread, not even the end of the process.
    """
    done = begun(Future[T]())
    name = "heymarket-unwatched"
    threading.Thread(target=settle, args=(done, work), name=name, daemon=True).start()
    return await asyncio.wrap_future(done)


def begun(done: Future[T]) -> Future[T]:
    """Return the future of work for a thread, so that a cancellation leaves it alone."""
    done.set_running_or_notify_cancel()
    return done


def settle(done: Future[T], work: Callable[[], T]) -> None:
    """Run work in this thread, and give its result or its error to a future."""
    try:
        done.set_result(work())
    except BaseException as error:  # noqa: BLE001 - raised where it is awaited
        done.set_exception(error)


def _retrieve(future: asyncio.Future[T]) -> None:
    # After a cancellation, asyncio would report the error as never retrieved.
    if not future.cancelled():
        future.exception()


def concurrency_of(value: object) -> int:
    """Return how many parts of a job, or requests of it, may run side by side.

    Raises:
        ValueError: It is not an integer from 1 to the number of connections that a client has.
            More tasks would only wait for a connection, and make the job slower to end.
    """
    if not is_int(value) or not 1 <= value <= CONNECTIONS:
        raise ValueError(
            f"concurrency must be an integer from 1 to {CONNECTIONS}: a client has {CONNECTIONS}"
            " connections, so more would only wait for one"
        )
    return value


@asynccontextmanager
async def tasks_at_once() -> AsyncGenerator[asyncio.TaskGroup]:
    """Give a group for tasks that run at once; the first error ends them all, and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def side_by_side(
    work: Callable[[], Coroutine[object, object, None]], times: int, *, name: str
) -> None:
    """Run a piece of work in several tasks of one name; the first error ends them all."""
    async with tasks_at_once() as group:
        for _ in range(times):
            group.create_task(work(), name=name)

"""A thread of its own for what blocks: files and databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class OneThread:
    """Runs one piece of blocking work after the other, beside the event loop."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="heymarket-bulk")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a piece of work, and return what it returns.

        What has begun cannot be stopped, so a cancellation comes through after its end, whatever
        that is.
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
        """Take items in the thread, and hand them over in the loop, so many at a time."""
        iterator = await self.run(iter, items)
        try:
            while some := await self.run(_some, iterator, at_once):
                handle(some)
        finally:
            if isinstance(iterator, Generator):
                await self.run(iterator.close)

    def close(self) -> None:
        """Wait for the work that has begun, and end the thread."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def _retrieve(future: asyncio.Future[T]) -> None:
    # After a cancellation nobody else does, and then it is reported as never retrieved.
    if not future.cancelled():
        future.exception()


def _some(iterator: Iterator[T], at_once: int) -> list[T]:
    return list(islice(iterator, at_once))

"""The blocking client: the asyncio client, with its calls run in a loop thread and waited for."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import AsyncIterator, Callable
from types import GenericAlias, TracebackType
from typing import Any, NoReturn, Self, cast

from heymarket_async import client as asyncio_client
from heymarket_async.blocking.loop_thread import LoopThread, Work
from heymarket_async.endpoints.group import Group
from heymarket_async.misuse import one_value
from heymarket_async.privacy import hides_locals, strip_locals
from heymarket_async.walk.walk import Walk as AsyncWalk


class Blocking:
    """Shows the public names of an object of the asyncio client, and waits for its coroutines."""

    def __init__(self, loop: LoopThread, of: Any) -> None:
        self._loop, self._of = loop, of

    def __getattr__(self, name: str) -> Any:
        if name == "aclose" and hasattr(self, "close"):
            kind = type(self).__name__
            raise AttributeError(f"a blocking {kind} has no aclose(). Use `with`, or its close()")
        if name.startswith("_") or name == "aclose":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        value = getattr(self._of, name)
        if isinstance(value, Group):
            # Kept, so that a test may replace a method of it, as with `mock.patch.object`.
            return vars(self).setdefault(name, Blocking(self._loop, value))
        if inspect.ismethod(value) and value.__self__ is self._of:
            return _waiting(self._loop, value)
        return value

    def __dir__(self) -> list[str]:
        of_this = [name for name in super().__dir__() if name != "aclose"]
        return sorted({*of_this, *(name for name in dir(self._of) if name[0] != "_")} - {"aclose"})

    def __reduce__(self) -> NoReturn:
        raise TypeError("a blocking client does not pickle, nor do its parts: it has a thread")

    def __repr__(self) -> str:
        return f"<blocking {self._of!r}>"


class Items(Blocking):
    """Iterates over what an asynchronous iterator gives. Threads may share it."""

    def __init__(self, loop: LoopThread, of: Any) -> None:
        super().__init__(loop, of)
        self._lock = threading.Lock()
        self._source: Any = of if isinstance(of, AsyncWalk) else _Ahead(of)

    def __class_getitem__(cls, item: object) -> GenericAlias:  # for annotations
        return GenericAlias(cls, item)

    def __iter__(self) -> Self:
        return self

    # Not `hides_locals`, as in `_waiting`: an interrupt could come in its function, when the item
    # cannot be put back any more. CPython has no interrupts between the lock and the caller.

    def __next__(self) -> object:
        source, left, after = self._source, 0, None
        try:
            try:
                self._loop.check("call")  # before the lock, which a caller of the hook may hold
                with self._lock:
                    if not source._left:  # noqa: SLF001 - made for this
                        self._loop.run(source._look_ahead)  # noqa: SLF001 - made for this
                    if not (left := source._left):  # noqa: SLF001 - made for this
                        raise StopIteration  # noqa: TRY301 - its frame is hidden too
                    item, after = self._at_hand(left)
                    source._left = after  # noqa: SLF001 - made for this
            except BaseException:
                if source._left == after:  # noqa: SLF001 - made for this
                    source._left = left  # noqa: SLF001 - made for this
                raise
        except BaseException as error:
            try:
                strip_locals(error)
            except RecursionError:  # as in `hides_locals`
                error.__traceback__ = error.__cause__ = error.__context__ = None
            raise
        return item

    def _at_hand(self, left: int) -> Any:
        return self._source._item_at_hand(left)  # noqa: SLF001 - made for this

    @hides_locals
    def close(self) -> None:
        """End the iteration."""
        self._loop.run(self._source.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Walk(Items):
    """A walk whose items are given one by one; a page is asked for when the last one is used up."""

    def pages(self) -> Items:
        """Return an iterator over the rest of this walk, page by page."""
        return Pages(self)


class Pages(Walk):
    """The rest of a walk by page. To close it is to close the walk."""

    def __init__(self, walk: Walk) -> None:
        super().__init__(walk._loop, walk._of)  # noqa: SLF001 - the same walk
        self._lock = walk._lock  # noqa: SLF001 - the same walk

    def _at_hand(self, left: int) -> Any:
        return self._source._page_at_hand(left)  # noqa: SLF001 - made for this


class _Ahead:
    """Asks an iterator for an item, and keeps it until it is given, as a walk does."""

    def __init__(self, of: Any) -> None:
        self._of, self._left = of, 0
        self._item: object = None

    async def _look_ahead(self) -> None:
        self._item = await anext(self._of, _END)
        self._left = int(self._item is not _END)

    def _item_at_hand(self, left: int) -> tuple[object, int]:
        return self._item, left - 1

    async def aclose(self) -> None:
        await self._of.aclose()
        self._left = 0


class HeymarketClient(Blocking):
    """The client for scripts and notebooks without asyncio; see `heymarket_async.blocking`."""

    @hides_locals
    @one_value
    def __init__(self, /, credentials: Any, **options: Any) -> None:
        self._own(asyncio_client.HeymarketClient(credentials, **options))

    @classmethod
    @hides_locals
    def from_env(cls, **options: Any) -> Self:
        """Return a client with the settings of the environment. An argument wins over them."""
        made = cls.__new__(cls)
        made._own(asyncio_client.HeymarketClient.from_env(**options))  # noqa: SLF001 - the same class
        return made

    def _own(self, client: asyncio_client.HeymarketClient) -> None:
        super().__init__(LoopThread(client.aclose, f"blocking {client!r}"), client)
        self._is_derived = False

    @hides_locals
    def with_options(self, **options: Any) -> Self:
        """Return a client with other options that shares connections, token, pacing and thread."""
        derived = type(self).__new__(type(self))
        Blocking.__init__(derived, self._loop, self._of.with_options(**options))
        derived._is_derived = True  # noqa: SLF001 - the same class
        return derived

    @hides_locals
    def close(self) -> None:
        """Close the connections, and end the thread; calls of other threads end with an error.

        Closing twice is harmless. A client from `with_options` has nothing to close.
        """
        if not self._is_derived:
            self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def wait_for(self, job: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Run a job that takes an asyncio client."""
        return _waiting(self._loop, job)(self._of, *args, **options)


def waiting_job(job: Callable[..., Any]) -> Callable[..., Any]:
    """Return a job of `heymarket_async.bulk` that takes a blocking client, and is waited for."""

    @functools.wraps(job)
    def wait(client: HeymarketClient, *args: Any, **options: Any) -> Any:
        if isinstance(client, asyncio_client.HeymarketClient):
            raise ValueError(
                "client must be a HeymarketClient of heymarket_async.blocking; for this one, use"
                f" heymarket_async.bulk.{job.__name__}"
            )
        if not isinstance(client, HeymarketClient):
            raise ValueError("client must be a HeymarketClient of heymarket_async.blocking")
        return client.wait_for(job, *args, **options)

    return hides_locals(wait)


def _waiting(loop: LoopThread, method: Callable[..., Any]) -> Callable[..., Any]:
    # Not `hides_locals`: an interrupt could come in its function, after the last place that says
    # how the call ended.
    @functools.wraps(method)
    def wait(*args: Any, **options: Any) -> Any:
        work: Work[Any] | None = None
        try:
            try:
                if not inspect.iscoroutinefunction(method):
                    return _iterated(loop, method(*args, **options))
                work = Work(functools.partial(method, *args, **options))
                loop.begin(work)
                return work.result()
            except BaseException as error:
                if work is not None:
                    work.settle(error)
                raise
        except BaseException as error:
            try:
                strip_locals(error)
            except RecursionError:  # as in `hides_locals`
                error.__traceback__ = error.__cause__ = error.__context__ = None
            raise

    return wait


def _iterated(loop: LoopThread, result: object) -> object:
    if not isinstance(result, AsyncIterator):
        return result
    kind = Walk if isinstance(result, AsyncWalk) else Items
    return kind(loop, cast(Any, result))


_END = object()

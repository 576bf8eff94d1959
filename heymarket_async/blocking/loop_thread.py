"""An event loop in a thread of its own, in which other threads run coroutines and wait for them."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import warnings
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Generic, TypeVar

from heymarket_async.errors import ClientStateError
from heymarket_async.transport.call import Writes, writes_of_context

T = TypeVar("T")

Close = Callable[[], Coroutine[Any, Any, None]]
Make = Callable[[], Coroutine[Any, Any, T]]

_LONGEST_END_S = 5.0
"""Seconds that calls which were cut off may take to end, before they are cancelled."""


class LoopThread:
    """The event loop of one client. Its thread starts with the first call, and ends with `close`.

    Args:
        aclose: Closes the client, in the loop.
        name: The client's name, for the warning that it was not closed.
    """

    def __init__(self, aclose: Close, name: str) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._is_closed = False
        self._running = _Running(aclose, name)
        forgotten = weakref.finalize(self, self._running.end_unclosed)
        forgotten.atexit = False  # it is ended at exit all the same, and waited for

    def run(self, make: Make[T]) -> T:
        """Run a coroutine in the loop, and wait for it.

        If the wait is interrupted, as by Ctrl-C, the coroutine is cancelled and may clean up; see
        `Work.settle`.

        Args:
            make: Makes the coroutine. It is called in the loop.

        Raises:
            ClientStateError: The client is closed, or was closed meanwhile; the process was forked
                since it was made; or this is the loop's own thread.
        """
        work = Work(make)
        try:
            self.begin(work)
            return work.result()
        except BaseException as error:
            work.settle(error)
            raise

    def begin(self, work: Work[T]) -> None:
        """Let the loop run some work; the caller must settle it if this or the wait raises."""
        self.check("call")
        with self._lock:
            if self._is_closed:
                raise ClientStateError("the client is closed. Make a new one")
            self._running.begin(work)

    def close(self) -> None:
        """Close the client in the loop, and end the thread; closing twice is harmless.

        If it is interrupted, close again: that waits for the same end.

        Raises:
            ClientStateError: This is the loop's own thread.
        """
        if self._pid != os.getpid():
            return  # the loop is that of the parent process
        self.check("close")
        with self._lock:
            self._is_closed = True
        self._running.close()

    def check(self, act: str) -> None:
        """Check that the client can be used here.

        Raises:
            ClientStateError: The process was forked since it was made, or this is the loop's own
                thread.
        """
        if self._pid != os.getpid():
            raise ClientStateError(
                "the process was forked after the client was made. Make a client in each process"
            )
        if self._running.thread is threading.current_thread():
            raise ClientStateError(
                f"a hook must not {act} its client, which would wait for itself. Do it in another"
                " thread, or after the call"
            )


class _Running:
    """A loop that runs in its thread; it knows nothing of its owner, who may forget to end it.

    An interrupt may come at any place of `begin`, and then nobody can say whether a thread starts.
    So a thread serves only if it is the first, and `end` forbids that one starts later.
    """

    def __init__(self, aclose: Close, name: str) -> None:
        self._aclose, self._name, self._pid = aclose, name, os.getpid()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._served_by: dict[str, threading.Thread | None] = {}
        self._loop: Future[asyncio.AbstractEventLoop] = Future()
        self._end = Work(self._close)
        self._is_ended = False

    @property
    def thread(self) -> threading.Thread | None:
        """The thread that serves, if there is one."""
        return self._served_by.get("thread")

    def begin(self, work: Work[T]) -> None:
        """Let the loop run some work."""
        if not self._loop.done():
            # A daemon, so that a client that nobody closed does not keep the process from ending.
            threading.Thread(target=self._serve, name="heymarket-blocking", daemon=True).start()
        work.begin(self._loop.result(), self._tasks)

    def end(self) -> threading.Thread | None:
        """Let the loop close the client, and end when all that it runs has ended.

        Returns:
            The thread that ends, or None if there is none.
        """
        thread = self._served_by.setdefault("thread", None)
        if thread is not None:
            self._loop.add_done_callback(self._end_loop)  # it may still be starting
        self._is_ended = True
        return thread

    def close(self) -> None:
        """End the loop, and wait for its thread."""
        if (thread := self.end()) is not None:
            thread.join()
            if self._loop.exception() is None:
                self._end.result()

    def end_unclosed(self) -> None:
        """End the loop of a client that nobody closed, and warn."""
        if self._pid == os.getpid() and not self._is_ended and self.end() is not None:
            warnings.warn(f"unclosed {self._name}", ResourceWarning, stacklevel=2)

    def _end_loop(self, loop: Future[asyncio.AbstractEventLoop]) -> None:
        with suppress(RuntimeError, OSError):  # it was ended before, or could not be made
            self._end.begin(loop.result(), self._tasks)

    async def _close(self) -> None:
        try:
            await self._aclose()
            left = self._tasks - {asyncio.current_task()}
            if left:  # its calls have been cut off, and are about to raise
                await asyncio.wait(left, timeout=_LONGEST_END_S)
        finally:
            asyncio.get_running_loop().stop()

    def _serve(self) -> None:
        this = threading.current_thread()
        if self._served_by.setdefault("thread", this) is not this:
            return
        runner = asyncio.Runner()
        try:
            loop = runner.get_loop()
        except OSError as error:  # such as too many open files
            self._loop.set_exception(error)
            return
        _open[self] = this
        with runner:  # in the end it cancels all tasks, and closes the loop
            self._loop.set_result(loop)
            is_stopped = False
            while not is_stopped:
                with suppress(
                    SystemExit, KeyboardInterrupt
                ):  # raised by a call, and seen by its caller
                    loop.run_forever()
                    is_stopped = True
        del _open[self]


class Work(Generic[T]):
    """A coroutine for the loop, as the thread sees it that waits for the result.

    The loop makes the coroutine, so that none is left over when an interrupt comes before that.
    """

    def __init__(self, make: Make[T]) -> None:
        self._make = make
        self._writes = Writes()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[T] | None = None
        self._done: Future[T] = Future()

    def begin(self, loop: asyncio.AbstractEventLoop, tasks: set[asyncio.Task[Any]]) -> None:
        """Hand it to the loop; a second time changes nothing."""

        def begin() -> None:
            if self._task is not None:
                return
            writes_of_context.set(self._writes)
            self._task = task = loop.create_task(self._run())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            task.add_done_callback(self._finish)

        self._loop = loop
        loop.call_soon_threadsafe(begin)

    async def _run(self) -> T:
        return await self._make()

    def result(self) -> T:
        """Wait for the result."""
        return self._done.result()

    def settle(self, error: BaseException) -> None:
        """End the work after an error, and say in an interrupt how it ended.

        An interrupt, as by Ctrl-C, comes at any moment: before the loop has the coroutine, while it
        runs, or when the result is there. So the loop is asked to cancel it, and its end is waited
        for. A second interrupt does not wait.
        """
        try:
            ended = self._end()
        except BaseException as second:
            self._note(second, None)
            raise
        if ended is not error:
            self._note(error, ended)

    def _end(self) -> BaseException | None:
        """Cancel the coroutine unless it has ended, and return its error or None."""
        if self._loop is None:
            return None  # the loop never had it
        if not self._done.done():
            try:
                self._loop.call_soon_threadsafe(self._cancel)
            except RuntimeError:  # the loop is closed, so that nothing runs any more
                self._cancel()
        return self._done.exception()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:  # the interrupt came before the loop had it
            self._done.set_exception(asyncio.CancelledError())

    def _note(self, interrupt: BaseException, ended: BaseException | None) -> None:
        if self._writes.possible or _may_have_taken_effect(ended):
            vars(interrupt)["may_have_taken_effect"] = True
            interrupt.add_note("The call may have taken effect. Look before you repeat it.")

    def _finish(self, task: asyncio.Task[T]) -> None:
        try:
            result = task.result()
        except asyncio.CancelledError as error:
            # If nobody waits any more, this is not seen.
            cut_off = ClientStateError("the client was closed before the call had ended")
            cut_off.may_have_taken_effect = _may_have_taken_effect(error)
            self._done.set_exception(cut_off)
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is waited for
            self._done.set_exception(error)
        else:
            self._done.set_result(result)


def _may_have_taken_effect(error: BaseException | None) -> bool:
    return bool(getattr(error, "may_have_taken_effect", False))


_open: dict[_Running, threading.Thread] = {}


@atexit.register
def _end_all() -> None:
    for running, thread in list(_open.items()):
        running.end_unclosed()
        thread.join(_LONGEST_END_S)

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

_LONGEST_END_S = 5.0
"""Seconds that calls which were cut off may take to end, before they are cancelled."""


class LoopThread:
    """The event loop of one client. Its thread starts with the first call, and ends with `close`.

    Args:
        aclose: Closes the client, in the loop.
        name: The client's name, for the warning that it was not closed.
    """

    def __init__(self, aclose: Close, name: str) -> None:
        self._aclose, self._name = aclose, name
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._is_closed = False
        self._running: _Running | None = None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop, and wait for it.

        If the wait is interrupted, as by Ctrl-C, the coroutine is cancelled and may clean up; see
        `Work.settle`.

        Raises:
            ClientStateError: The client is closed, or was closed meanwhile; the process was forked
                since it was made; or this is the loop's own thread.
        """
        work = Work(coroutine)
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
            if self._running is None:
                self._running = _Running(self._aclose, self._name)
                forgotten = weakref.finalize(self, self._running.end_unclosed)
                forgotten.atexit = False  # it is ended at exit all the same, and waited for
            self._running.begin(work)

    def close(self) -> None:
        """Close the client in the loop, and end the thread; closing twice is harmless.

        Raises:
            ClientStateError: This is the loop's own thread.
        """
        if self._pid != os.getpid():
            return  # the loop is that of the parent process
        self.check("close")
        with self._lock:
            self._is_closed, running, self._running = True, self._running, None
        if running is not None:
            running.end().result()
            running.thread.join()

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
        if self._running is not None and self._running.thread is threading.current_thread():
            raise ClientStateError(
                f"a hook must not {act} its client, which would wait for itself. Do it in another"
                " thread, or after the call"
            )


class _Running:
    """A loop that runs in its thread; it knows nothing of its owner, who may forget to end it."""

    def __init__(self, aclose: Close, name: str) -> None:
        self._aclose, self._name, self._pid = aclose, name, os.getpid()
        self._tasks: set[asyncio.Task[Any]] = set()
        started: Future[asyncio.AbstractEventLoop] = Future()
        # A daemon, so that a client that nobody closed does not keep the process from ending.
        self.thread = threading.Thread(
            target=_serve, args=[started], name="heymarket-blocking", daemon=True
        )
        self.thread.start()
        self._loop = started.result()
        _open.add(self)

    def begin(self, work: Work[T]) -> None:
        """Let the loop run some work."""
        work.begin(self._loop, self._tasks)

    def end(self) -> Work[None]:
        """Let the loop close the client, and end when all that it runs has ended."""
        _open.discard(self)
        others = self._tasks

        async def end() -> None:
            try:
                await self._aclose()
                left = others - {asyncio.current_task()}
                if left:  # its calls have been cut off, and are about to raise
                    await asyncio.wait(left, timeout=_LONGEST_END_S)
            finally:
                asyncio.get_running_loop().stop()

        work = Work(end())
        self.begin(work)
        return work

    def end_unclosed(self) -> None:
        """End the loop of a client that nobody closed, and warn."""
        if self in _open and self._pid == os.getpid():
            self.end()
            warnings.warn(f"unclosed {self._name}", ResourceWarning, stacklevel=2)


class Work(Generic[T]):
    """A coroutine for the loop, as the thread sees it that waits for the result."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self._writes = Writes()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[T] | None = None
        self._done: Future[T] = Future()

    def begin(self, loop: asyncio.AbstractEventLoop, tasks: set[asyncio.Task[Any]]) -> None:
        """Hand the coroutine to the loop."""

        def begin() -> None:
            writes_of_context.set(self._writes)
            self._task = task = loop.create_task(self._coroutine)
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            task.add_done_callback(self._finish)

        self._loop = loop
        loop.call_soon_threadsafe(begin)

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
            self._coroutine.close()  # the loop never had it
            return None
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
            self._coroutine.close()
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


def _serve(started: Future[asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner() as runner:  # in the end it cancels all tasks, and closes the loop
        loop = runner.get_loop()
        started.set_result(loop)
        del started
        is_stopped = False
        while not is_stopped:
            with suppress(
                SystemExit, KeyboardInterrupt
            ):  # raised by a call, and seen by its caller
                loop.run_forever()
                is_stopped = True


def _may_have_taken_effect(error: BaseException | None) -> bool:
    return bool(getattr(error, "may_have_taken_effect", False))


_open: set[_Running] = set()


@atexit.register
def _end_all() -> None:
    for running in list(_open):
        running.end_unclosed()
        running.thread.join(_LONGEST_END_S)

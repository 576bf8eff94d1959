"""What every command shares: its client, its end, and the options that mean the same everywhere."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Annotated, Any, TypeVar, cast

import typer
import typer.core
from rich.console import Console

from heymarket_async import ApiSecret, HeymarketClient, HeymarketError
from heymarket_async.bulk import JobError
from heymarket_async.cli import remedies

T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
SandboxSize = Annotated[
    int | None,
    typer.Option(
        "--sandbox", metavar="N", min=0, help="Use an embedded sandbox that holds N contacts."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]

NOT_PROVED = 3
"""Exit code of a job that came to its end, but has to say that something may be missing."""

err = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Print a text to stderr as it is, however long its lines are."""
    err.print(text, soft_wrap=True, markup=False)


def say_error(error: Exception) -> None:
    """Print an error to stderr, in one line."""
    text = remedies.told(error) if isinstance(error, JobError) else str(error)
    err.print(f"Error: {text}", style="red", soft_wrap=True, markup=False)


class Commands(typer.core.TyperGroup):
    """A group of commands, of which each ends the process as a command should."""

    def make_context(self, *given: Any, **options: Any) -> Any:
        """Read the arguments, which prints the help if that was asked for."""
        with _ending_well():
            return super().make_context(*given, **options)

    def invoke(self, ctx: Any) -> Any:  # typer's own types for these are private
        """Run the command that was asked for."""
        with _ending_well():
            result = super().invoke(ctx)
            sys.stdout.flush()
        return result


def run(work: Callable[[HeymarketClient], Awaitable[T]], sandbox: int | None) -> T:
    """Run a command's work with a client, and return what it found."""

    async def main() -> T:
        async with _client(sandbox) as client:
            return await work(client)

    return until_terminated(main())


def until_terminated(main: Coroutine[object, None, T]) -> T:
    """Run a coroutine in a loop of its own.

    The first interrupt, request to terminate, or hang-up cancels it, and it ends in its own time.
    The second one ends the process at once, even if a thread is stuck in a file that never answers.
    """
    ending = _Ending()

    async def cancelled_by_signals() -> T:
        work = asyncio.ensure_future(main)
        ending.listen(work)
        return await work

    try:
        return asyncio.run(cancelled_by_signals())
    except asyncio.CancelledError as error:
        error.args = (ending.number,) if ending.number else error.args
        raise
    finally:
        ending.close()


class _Ending:
    """Hears signals, in the main thread; those that the process ignores stay ignored.

    Attributes:
        number: The first signal that came, or 0.
    """

    def __init__(self) -> None:
        self.number = 0
        handlers = {each: signal.getsignal(each) for each in _SIGNALS}
        ignored = {None, signal.SIG_IGN}
        self._before = {each: how for each, how in handlers.items() if how not in ignored}

    def listen(self, work: asyncio.Future[T]) -> None:
        loop = asyncio.get_running_loop()

        def hear(number: int, _: object) -> None:
            if self.number:
                _leave(number)
            else:
                self.number = number
                loop.call_soon_threadsafe(work.cancel)

        with suppress(ValueError):  # not the main thread
            for each in self._before:
                signal.signal(each, hear)

    def close(self) -> None:
        """Hear no more, unless the process is about to end: then one more signal ends it."""
        with suppress(ValueError):
            for each, before in self._before.items():
                if not self.number:
                    signal.signal(each, before)


_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]

_SHOW_CURSOR = b"\x1b[?25h\n"
"""A bar hides it."""


def _leave(number: int) -> None:
    """End the process, and wait for nothing: to flush a pipe that nobody reads takes forever."""
    if os.isatty(2):
        os.write(2, _SHOW_CURSOR)
    os._exit(128 + number)


@contextmanager
def _ending_well() -> Generator[None]:
    """Turn errors into one line on stderr and an exit code.

    1 is an error of the call or of a file, 2 wrong arguments. 129 a hang-up, 130 an interrupt, 141
    a reader that has left, and 143 a request to terminate: then all is cleaned up, silently, but
    for what was noted on how to go on.
    """
    try:
        _check_output()
        yield
    except ValueError as error:
        raise _ended(error, 2) from None
    except BrokenPipeError:
        raise typer.Exit(141) from None
    except (HeymarketError, OSError) as error:
        raise _ended(error, 1) from None
    except (KeyboardInterrupt, typer.Abort) as error:
        _say_notes(error)
        raise typer.Exit(130) from None
    except asyncio.CancelledError as error:
        _say_notes(error)
        raise typer.Exit(128 + (error.args[0] if error.args else signal.SIGTERM)) from None


def _check_output() -> None:
    _fill_standard_files()
    if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison] - so it is if closed
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - for as long as we run
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] - so it is if closed
        sys.stdout = io.StringIO()
        raise OSError(errno.EBADF, "standard output is closed")
    # Names are from all over the world, and a terminal may show less.
    cast("io.TextIOWrapper[io.BufferedWriter]", sys.stdout).reconfigure(errors="replace")


def _fill_standard_files() -> None:
    """Let no file that is opened later become standard output or error, where others write."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free


def _ended(error: Exception, code: int) -> typer.Exit:
    say_error(error)
    _say_notes(error)
    return typer.Exit(code)


def _say_notes(error: BaseException) -> None:
    for note in getattr(error, "__notes__", ()):
        say(note)


@asynccontextmanager
async def _client(sandbox: int | None) -> AsyncGenerator[HeymarketClient]:
    if sandbox is None:
        async with HeymarketClient.from_env(user_agent="heymarket-cli") as client:
            yield client
        return
    from heymarket_async.sandbox import Sandbox  # noqa: PLC0415 - a server, and seldom needed

    async with Sandbox(contacts=sandbox, seed=7) as server:
        credentials = ApiSecret(*server.credentials)
        async with HeymarketClient(credentials, base_url=server.url) as client:
            yield client

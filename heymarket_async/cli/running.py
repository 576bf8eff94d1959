"""Runs a command: with a client, until a signal ends it, and to its exit code."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import selectors
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar, cast

import typer
import typer.core

from heymarket_async.bulk.errors import JobError
from heymarket_async.cli import logs, profiles, sandbox_state, settings, show
from heymarket_async.errors import HeymarketError

if TYPE_CHECKING:
    from heymarket_async import HeymarketClient
    from heymarket_async.client import ClientOptions

T = TypeVar("T")

_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__bases__[0])
"""The base of all errors about arguments. Typer does not export it."""

VARIABLES = {
    "base_url": "HEYMARKET_BASE_URL",
    "secret_id": "HEYMARKET_SECRET_ID",
    "secret_key": "HEYMARKET_SECRET_KEY",
    "key": "HEYMARKET_API_KEY",
    "proxy": "HTTPS_PROXY",
    "rate_limit.store": "HEYMARKET_STORE",
    "rate_limit.share": "HEYMARKET_SHARE",
    "rate_limit.fallback": "HEYMARKET_FALLBACK",
}
"""The environment variable by the library's argument."""

_SYNONYMS = {
    "add": ("create",),
    "list": ("export", "search"),
    "ls": ("export", "search"),
    "new": ("create",),
    "remove": ("delete",),
    "rm": ("delete",),
    "show": ("get",),
}
"""The names of commands by those that other programs have for them."""

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]

_SHOW_CURSOR = b"\x1b[?25h\n"
"""A progress bar hides it."""


class Commands(typer.core.TyperGroup):
    """A group of commands that end with one line on stderr for an error, and an exit code.

    Exit codes: 1 for an error of a call or of a file, 2 for wrong arguments, 141 if the program
    that read the output has ended, and 128 + the number of a signal. After a signal the command
    cleans up, and prints nothing but the notes of the error, which say how to resume.
    """

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **more: Any) -> Any:
        """Read the arguments, and print the help if it was asked for."""
        if parent is None:
            settings.begin()
        with _exit_codes():
            try:
                return super().make_context(info_name, args, parent, **more)
            except _UsageError as error:
                _add_hint(error, f"{parent.command_path} {info_name}" if parent else info_name)
                raise

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, which takes the options of all commands too."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            settings.add_to(command, ctx.find_root().command, shown=ctx.resilient_parsing)
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that was named, or say where a command of this name is."""
        try:
            return super().resolve_command(ctx, args)
        except _UsageError as error:
            paths = _paths(ctx.find_root().command)
            found = [f"'{path}'" for path in paths if path.split()[-1] == args[0]]
            if not found:
                meant = _SYNONYMS.get(args[0], ())
                found = [f"'{ctx.info_name} {each}'" for each in meant if each in self.commands]
            if found:
                error.message = f"No such command '{args[0]}'. Did you mean {' or '.join(found)}?"
            raise

    def invoke(self, ctx: Any) -> Any:  # typer's own types for these are private
        """Run the command that was asked for."""
        with _exit_codes():
            try:
                result = super().invoke(ctx)
            except (ValueError, _UsageError) as error:
                command = self.commands.get(ctx.invoked_subcommand, self)
                if not isinstance(error, ValueError) or names_option(error, command.params):
                    _add_hint(error, f"{ctx.command_path} {command.name}")
                raise
            sys.stdout.flush()
        return result


def _paths(command: Any) -> list[str]:
    """Return how to type each command below this one."""
    return [
        path
        for name, below in getattr(command, "commands", {}).items()
        for path in (name, *(f"{name} {path}" for path in _paths(below)))
    ]


def run(work: Callable[[HeymarketClient], Awaitable[T]], sandbox: int | None) -> T:
    """Run the work of a command with a client, and return its result."""
    options: ClientOptions = {} if sandbox is not None else profiles.client_options()

    async def main() -> T:
        async with _client(sandbox, options) as client:
            return await work(client)

    return until_terminated(main())


def until_terminated(main: Coroutine[object, None, T]) -> T:
    """Run a coroutine in an event loop of its own.

    The first interrupt, request to terminate, or hang-up cancels it, and it may clean up.
    The second one ends the process at once, even if a thread is stuck in a file that never answers.
    Signals that the process ignores stay ignored.
    """
    received: list[int] = []
    handlers = {each: signal.getsignal(each) for each in _SIGNALS}
    handlers = {each: how for each, how in handlers.items() if how not in {None, signal.SIG_IGN}}

    async def cancelled_by_signals() -> T:
        work, loop = cast("asyncio.Task[T]", asyncio.current_task()), asyncio.get_running_loop()
        work.set_name("heymarket-command")

        def receive(number: int, _: object) -> None:
            if received:
                _exit_at_once(number)
            else:
                received.append(number)
                loop.call_soon_threadsafe(work.cancel, number)

        _handle_signals(dict.fromkeys(handlers, receive))
        return await main

    try:
        with logs.on_stderr():
            _check_loop(main)
            return asyncio.run(cancelled_by_signals())
    except asyncio.CancelledError as error:
        error.args = tuple(received) or error.args
        raise
    finally:
        if not received:  # else the process is about to end, and one more signal ends it at once
            _handle_signals(handlers)


def _check_loop(main: Coroutine[object, None, T]) -> None:
    """Open what an event loop needs: one that was half made prints a traceback at its end.

    Raises:
        OSError: There are too many open files, or there is no memory.
    """
    try:
        with selectors.DefaultSelector():
            for end in socket.socketpair():
                end.close()
    except OSError:
        main.close()
        raise


def _handle_signals(handlers: dict[Any, Any]) -> None:
    with suppress(ValueError):  # only the main thread can
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextmanager
def _ended_by_signals(note: str) -> Generator[None]:
    """Let a signal end work that takes long, and in which the event loop stands still."""

    def end(number: int, _: object) -> None:
        error = asyncio.CancelledError(number)
        error.add_note(note)
        raise error

    handlers = {each: how for each in _SIGNALS if callable(how := signal.getsignal(each))}
    _handle_signals(dict.fromkeys(handlers, end))
    try:
        yield
    finally:
        _handle_signals(handlers)


def _exit_at_once(number: int) -> None:
    """End the process, and wait for nothing: to flush a pipe that nobody reads takes forever."""
    if os.isatty(2):
        os.write(2, _SHOW_CURSOR)
    os._exit(128 + number)


@contextmanager
def _exit_codes() -> Generator[None]:
    """Print an error, and exit with its code."""
    try:
        _check_output()
        yield
    except BrokenPipeError:
        raise typer.Exit(141) from None
    except _UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # its message is the help
            sys.stdout.write(f"{error.message}\n")
            raise typer.Exit(2) from None
        if type(error) is not typer.BadParameter or error.param is not None:
            # Typer puts the name of the option into the message only when it prints it.
            error.message = error.format_message().replace("Value error, ", "")
        show.print_error(error)
        raise typer.Exit(2) from None
    except (ValueError, HeymarketError, OSError) as error:
        show.print_error(error)
        raise typer.Exit(2 if isinstance(error, ValueError) else 1) from None
    except (KeyboardInterrupt, typer.Abort) as error:
        show.print_notes(error)
        raise typer.Exit(130) from None
    except asyncio.CancelledError as error:
        with suppress(OSError):  # a terminal that was closed shows nothing any more
            show.print_notes(error)
        raise typer.Exit(128 + (error.args[0] if error.args else signal.SIGTERM)) from None


def names_option(error: ValueError, params: Any = ()) -> bool:
    """Replace the library's argument with the option or the variable that was set.

    An error about an argument begins with its name, and the parameters of a command have the same
    names.

    Args:
        error: The library's error.
        params: The parameters of the command.

    Returns:
        Whether to show how to get help: it is an option, and the error has no remedy.
    """
    typed = [each for each in params if each.opts[0][:2] == "--"]
    options = {each.opts[0][2:]: each.opts[0] for each in typed}
    options |= {each.name: each.opts[0] for each in typed}
    text = error.problem if isinstance(error, JobError) else str(error)
    name, _, rule = text.removeprefix("each of ").partition(" ")
    shown = options.get(name, VARIABLES.get(name))
    if shown is None or not rule.startswith(("must ", "needs ")):
        return False
    # A remedy in parentheses that names a function is of use in a program only.
    rule = rule.partition(" (heymarket_async.")[0].replace("must be None", "must not be given")
    text = f"{shown} {rule}"
    if isinstance(error, JobError):
        error.problem = text
        return False
    error.args = (text,)
    return name in options


def _add_hint(error: Exception, path: str) -> None:
    ctx = getattr(error, "ctx", None)
    error.add_note(f"Try '{ctx.command_path if ctx else path} --help'.")


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
    """Keep files that are opened later from becoming standard output or error."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free


@asynccontextmanager
async def _client(sandbox: int | None, options: ClientOptions) -> AsyncGenerator[HeymarketClient]:
    from heymarket_async import ApiSecret, HeymarketClient  # noqa: PLC0415 - no help needs it

    if sandbox is None:
        async with HeymarketClient.from_env(**options) as client:
            yield client
        return
    from heymarket_async.client import transport_of  # noqa: PLC0415 - as above
    from heymarket_async.sandbox import Sandbox  # noqa: PLC0415 - a server, and seldom needed

    def make(state: bytes | None) -> Sandbox:
        with _ended_by_signals("Interrupted. Run the same command again."):
            return Sandbox(contacts=sandbox, messages=sandbox, seed=7, state=state)

    path = sandbox_state.chosen.get()
    async with sandbox_state.kept(path, make) as server, server:
        credentials = ApiSecret(*server.credentials)
        async with HeymarketClient(credentials, base_url=server.url) as client:
            # Its port is another one in each run, but its account is the same.
            transport_of(client).server = (
                f"a sandbox with {sandbox:,} contacts"
                if path is None
                else f"the sandbox {client.fingerprint}"
            )
            yield client

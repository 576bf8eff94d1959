"""The file that keeps a sandbox between runs, and the option `--state` that names it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from typer import Option

from heymarket_async.bulk.store import private_files
from heymarket_async.cli import show
from heymarket_async.cli.options import check_folder
from heymarket_async.cli.places import check_places

if TYPE_CHECKING:
    from heymarket_async.sandbox import Sandbox

StateFile = Annotated[
    Path | None,
    Option("--state", metavar="FILE", help="Keep the sandbox in this file between runs."),
]

chosen: ContextVar[Path | None] = ContextVar("chosen", default=None)
"""The `--state` of the command that runs."""

_SAVE_EVERY_S = 2.0
_SHARE_OF_TIME = 20
"""A sandbox is saved in at most one part of this many of the time."""


def add_option(app: typer.Typer) -> None:
    """Give `--state` to each command that has `--sandbox`, so that none can lack it."""
    for group in app.registered_groups:
        add_option(cast("typer.Typer", group.typer_instance))
    for command in app.registered_commands:
        command.callback = _with_state(cast("Callable[..., None]", command.callback))


def _with_state(callback: Callable[..., None]) -> Callable[..., None]:
    asked = signature(callback, eval_str=True)
    if "sandbox" not in asked.parameters:
        return callback

    @wraps(callback)
    def command(*, ctx: typer.Context, state: Path | None, **arguments: object) -> None:
        if state is not None and arguments["sandbox"] is None:
            raise typer.BadParameter("--state needs --sandbox: it keeps a sandbox, not an account.")
        check_places(ctx)
        token = chosen.set(state)
        try:
            callback(**arguments)
        finally:
            chosen.reset(token)

    option = Parameter("state", Parameter.KEYWORD_ONLY, default=None, annotation=StateFile)
    context = Parameter("ctx", Parameter.KEYWORD_ONLY, annotation=typer.Context)
    parameters = [*asked.parameters.values(), option, context]
    vars(command)["__signature__"] = asked.replace(parameters=parameters)
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    return command


@asynccontextmanager
async def kept(
    path: Path | None, make: Callable[[bytes | None], Sandbox]
) -> AsyncGenerator[Sandbox]:
    """Return a sandbox with the state of the file, and keep its state there; None keeps nothing.

    It is saved every few seconds if it has changed, and at the end. A kill loses at most the
    changes since, and never the file.

    Args:
        path: The file; it need not be there yet.
        make: Makes the sandbox, with a state or anew; it is not started.

    Raises:
        ValueError: The file holds something else.
        OSError: The file cannot be read or written, or another command uses it.
    """
    if path is None:
        yield make(None)
        return
    check_folder(path)
    path = private_files.real_path(path)
    private_files.check_place(path)
    lock = _locked(path)
    try:
        state = _stored(path)
        try:
            sandbox = make(state)
        except ValueError as error:
            if state is None:
                raise
            raise ValueError(
                f"{path} cannot be used: {error}. Remove it, or name another file."
            ) from None
        file = _File(path, sandbox, state)
        saving = asyncio.create_task(file.save_often(), name="heymarket-sandbox-state")
        try:
            yield sandbox
        finally:
            saving.cancel()
            with suppress(asyncio.CancelledError):
                await saving
            file.save()
    finally:
        lock.release()


class _File:
    def __init__(self, path: Path, sandbox: Sandbox, state: bytes | None) -> None:
        self._path, self._sandbox = path, sandbox
        self._saved = b"" if state is None else hashlib.sha256(state).digest()

    def save(self) -> None:
        state = self._sandbox.state()
        digest = hashlib.sha256(state).digest()
        if digest != self._saved:
            private_files.replace_file(self._path, state)
            self._saved = digest

    async def save_often(self) -> None:
        pause_s = _SAVE_EVERY_S
        while True:
            await asyncio.sleep(pause_s)
            began_s = time.monotonic()
            try:
                self.save()
            except OSError as error:
                show.print_error(error)  # the disk may have room again before the end
            pause_s = max(_SAVE_EVERY_S, _SHARE_OF_TIME * (time.monotonic() - began_s))


def _locked(path: Path) -> private_files.Lock:
    try:
        return private_files.Lock(private_files.beside(path, ".lock"))
    except BlockingIOError:
        raise OSError(
            f"{path} is in use by another command. Wait until it ends, or name another file."
        ) from None


def _stored(path: Path) -> bytes | None:
    try:
        descriptor = private_files.open_own(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read()

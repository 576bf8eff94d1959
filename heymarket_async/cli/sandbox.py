"""The `heymarket sandbox` command: a local Heymarket for other programs."""

from __future__ import annotations

import asyncio
import errno
import math
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

import msgspec
import typer
from typer import Argument, Option

from heymarket_async.bulk.store import private_files
from heymarket_async.cli import profiles, sandbox_state, settings, show, webhooks
from heymarket_async.cli.options import Json
from heymarket_async.cli.places import check_places
from heymarket_async.cli.running import until_terminated
from heymarket_async.cli.values import MOST_IN_SANDBOX, integer

if TYPE_CHECKING:
    from heymarket_async.sandbox import Sandbox

_HEADER = b"# Written by `heymarket sandbox`, which removes this file when it ends.\n"
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127  # as shells have it
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


def sandbox_command(
    *,
    ctx: typer.Context,
    command: Annotated[
        list[str] | None,
        Argument(
            metavar="-- COMMAND",
            show_default=False,
            help="Run this command with the variables set, and end with it.",
        ),
    ] = None,
    port: Annotated[
        int, Option(metavar="PORT", parser=integer(0, 65_535), help="0 chooses a free port.")
    ] = 8080,
    contacts: Annotated[
        int, Option(metavar="N", parser=integer(0, MOST_IN_SANDBOX), help="Contacts to start with.")
    ] = 1000,
    messages: Annotated[
        int, Option(metavar="N", parser=integer(0, MOST_IN_SANDBOX), help="Messages to start with.")
    ] = 0,
    seed: Annotated[
        int, Option(metavar="N", parser=integer(), help="The same seed gives the same contacts.")
    ] = 7,
    profile: Annotated[
        Path | None,
        Option(
            "--api-profile",
            metavar="FILE",
            help="Behave as this file of `heymarket probe --save` says.",
        ),
    ] = None,
    state: Annotated[
        Path | None,
        Option(metavar="FILE", help="Keep all that it holds, and the credentials, in this file."),
    ] = None,
    delay: Annotated[
        str | None, Option(metavar="TIME", help="Wait this long before each answer: 50ms, 2s.")
    ] = None,
    fail: Annotated[
        list[str] | None,
        Option(
            metavar="KIND:SHARE",
            help="Fail this share of the requests: 503:0.1, reset:0.05; repeatable.",
        ),
    ] = None,
    clock: Annotated[
        str | None,
        Option(metavar="TIME", help="Set its clock wrong by this much: 3600, 1h, -90s."),
    ] = None,
    webhook: Annotated[
        str | None,
        Option(metavar="URL", help="Post events to this URL. Their token is printed."),
    ] = None,
    env_file: Annotated[
        Path | None,
        Option(metavar="FILE", help="Write the variables to this file while it runs."),
    ] = None,
    credentials: Annotated[
        Path | None,
        Option(metavar="FILE", help="Keep the credentials in this file, and use them again."),
    ] = None,
    json: Json = False,
) -> None:
    """Run a local Heymarket to develop and test against."""
    from heymarket_async.sandbox import Sandbox  # noqa: PLC0415 - a server, and seldom needed

    if settings.given().profile_name is not None:
        raise typer.BadParameter(
            "--profile names an account, and a sandbox has its own. To behave as a file of"
            " heymarket probe says, use --api-profile FILE."
        )
    if webhook is not None and urlsplit(webhook).scheme not in {"http", "https"}:
        raise typer.BadParameter("--webhook must be a URL such as http://127.0.0.1:8000/.")
    check_places(ctx)
    delay_s = 0.0 if delay is None else _seconds("--delay", delay, "50ms or 2s")
    clock_s = 0.0 if clock is None else _seconds("--clock", clock, "3600, 1h or -90s")
    if delay_s < 0:
        raise typer.BadParameter("--delay must not be negative.")
    shares = _shares(fail or [])
    if env_file is not None:
        _remove_old(env_file)
    secret_id, secret_key = (None, None) if credentials is None else _kept(credentials)

    def make(stored: bytes | None) -> Sandbox:
        return Sandbox.from_profile(
            {"version": 1} if profile is None else profile,
            contacts,
            messages=messages,
            seed=seed,
            port=port,
            secret_id=secret_id,
            secret_key=secret_key,
            state=stored,
        )

    async def serve() -> int:
        async with sandbox_state.kept(state, make) as server:
            server.faults.latency(delay_s)
            server.faults.clock(clock_s)
            _fail(server, shares, seed)
            async with _started(server, port):
                if credentials is not None and secret_id is None:
                    with private_files.open_new(credentials) as file:
                        file.write(msgspec.json.encode(server.credentials))
                variables = _variables(server, webhook)
                with _written(variables, env_file):
                    if command:
                        return await _run(command, variables)
                    _print(server, variables, json=json)
                    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
                    return await ended  # by a signal

    if code := until_terminated(serve()):
        raise typer.Exit(code)


def _seconds(option: str, text: str, example: str) -> float:
    match = re.fullmatch(r"(-?\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|)", text, re.ASCII)
    if match is None:
        raise typer.BadParameter(f"{option} must be a time such as {example}.")
    return float(match[1]) * _UNITS_S[match[2]]


def _shares(texts: list[str]) -> list[tuple[str, float]]:
    """Return the kinds of failures, and the share of the requests that each of them hits."""
    shares: list[tuple[str, float]] = []
    for text in texts:
        match = re.fullmatch(
            r"([3-9]\d\d|html\d{3}|cut|reset|reset_after):(\d*\.?\d+)", text, re.ASCII
        )
        if match is None:
            raise typer.BadParameter(
                "--fail must be KIND:SHARE such as 503:0.1. KIND is a status, html502, cut, reset"
                ' or reset_after; see "The sandbox" in the documentation.'
            )
        shares.append((match[1], float(match[2])))
    if not math.fsum(share for _, share in shares) <= 1:
        raise typer.BadParameter("the shares of --fail must be at most 1 together.")
    return shares


def _fail(server: Sandbox, shares: list[tuple[str, float]], seed: int) -> None:
    left = 1.0
    for number, (kind, share) in enumerate(shares):
        # Only the requests that have not failed yet come here.
        server.faults.random(min(1.0, share / left), kinds=[kind], seed=seed + number)
        left = max(left - share, 1e-9)


@asynccontextmanager
async def _started(server: Sandbox, port: int) -> AsyncGenerator[None]:
    try:
        await server.start()
    except OSError as error:
        reasons = {
            errno.EADDRINUSE: "is in use. Stop the program that uses it, or choose another port;"
            " --port 0 takes a free one.",
            errno.EACCES: "needs the rights of an administrator. Choose a port above 1023.",
        }
        reason = reasons.get(error.errno or 0, f"cannot be opened: {error.strerror}.")
        raise OSError(f"Port {port} {reason}") from None
    try:
        yield
    finally:
        await server.aclose()


def _variables(server: Sandbox, webhook: str | None) -> dict[str, str]:
    """Return the variables for clients, and subscribe the webhook."""
    variables = {
        "HEYMARKET_BASE_URL": server.url,
        "HEYMARKET_SECRET_ID": server.credentials.secret_id,
        "HEYMARKET_SECRET_KEY": server.credentials.secret_key,
    }
    if webhook is not None:
        # It stays as long as the credentials do.
        token = str(uuid5(NAMESPACE_URL, server.credentials.secret_key))
        server.webhooks.add(webhook, token)
        variables[webhooks.TOKENS] = token
    return variables


def _print(server: Sandbox, variables: dict[str, str], *, json: bool) -> None:
    if json:
        show.print_json(variables)
    else:
        for name, value in variables.items():
            typer.echo(f"export {name}={value}")
        messages = f" and {len(server.messages):,} messages" if len(server.messages) else ""
        held = f"{len(server.store):,} contacts{messages}"
        typer.echo(f"# {held}. Press Ctrl-C to stop.", err=True)
    sys.stdout.flush()


def _remove_old(path: Path) -> None:
    """Remove the file that a sandbox left which was killed, before anything waits for the new one.

    Raises:
        ValueError: The file holds something else, such as the settings of a project.
    """
    private_files.check_own(path)
    if not path.exists():
        return
    if not path.read_bytes().startswith(_HEADER):
        raise ValueError(
            f"{path} was not written by this command. Remove it, or name another file for"
            " --env-file."
        )
    private_files.remove(path)


@contextmanager
def _written(variables: dict[str, str], path: Path | None) -> Generator[None]:
    """Keep the variables in a file for as long as they are of use."""
    if path is None:
        yield
        return
    lines = [f"{name}={shlex.quote(value)}\n".encode() for name, value in variables.items()]
    private_files.replace_file(path, b"".join([_HEADER, *lines]))
    try:
        yield
    finally:
        private_files.remove(path)


async def _run(command: list[str], variables: dict[str, str]) -> int:
    """Run a command with the variables set, and return its exit code as shells give it."""
    # A profile would take the place of the sandbox's variables, and name a real account.
    inherited = {name: value for name, value in os.environ.items() if name != profiles.VARIABLE}
    try:
        # asyncio's own would kill it if a signal came while it starts.
        process = subprocess.Popen(command, env={**inherited, **variables})  # noqa: ASYNC220, S603
    except OSError as error:
        show.print_error(OSError(f"{command[0]} cannot be run: {error.strerror}."))
        return _NOT_FOUND if error.errno == errno.ENOENT else _NOT_EXECUTABLE
    ending = asyncio.ensure_future(asyncio.to_thread(process.wait))
    try:
        code = await asyncio.shield(ending)
    except asyncio.CancelledError as error:
        # A terminal sends Ctrl-C to both. All else ends only this process.
        if error.args and error.args[0] != signal.SIGINT:
            process.send_signal(error.args[0])
        await ending
        raise
    return code if code >= 0 else 128 - code


def _kept(path: Path) -> tuple[str, str] | tuple[None, None]:
    """Return the credentials that an earlier sandbox wrote to the file, if it exists.

    They never come from the environment or from arguments: those may hold a key of a real account.
    """
    private_files.check_own(path)
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[str, str])
    except FileNotFoundError:
        return None, None
    except ValueError:
        raise ValueError(
            f"{path} holds no credentials of a sandbox. Remove it, or name another file."
        ) from None

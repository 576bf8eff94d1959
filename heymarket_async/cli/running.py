"""What every command shares: its client, its end, and the options that mean the same everywhere."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from heymarket_async import ApiSecret, HeymarketClient, HeymarketError

T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
SandboxSize = Annotated[
    int | None,
    typer.Option(
        "--sandbox", metavar="N", min=0, help="Use an embedded sandbox that holds N contacts."
    ),
]

err = Console(stderr=True, highlight=False)


def run(work: Callable[[HeymarketClient], Awaitable[T]], sandbox: int | None) -> T:
    """Run a command's work with a client, and end the process as `finish` does."""

    async def main() -> T:
        async with _client(sandbox) as client:
            return await work(client)

    return finish(main())


def finish(main: Coroutine[object, None, T]) -> T:
    """Run a coroutine to its end, and end the process as a command should.

    Exit codes: 1 for an error of the call, with one line on stderr; 2 for wrong arguments; 130 and
    143 for an interrupt and a request to terminate, once everything is cleaned up.
    """

    async def until_terminated() -> T:
        work = asyncio.ensure_future(main)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
        return await work

    try:
        return asyncio.run(until_terminated())
    except ValueError as error:
        raise _ended(error, 2) from None
    except BrokenPipeError:
        # Whoever read our output has left; say nothing more, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise typer.Exit(141) from None
    except (HeymarketError, OSError) as error:
        raise _ended(error, 1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except asyncio.CancelledError:
        raise typer.Exit(143) from None


def _ended(error: Exception, code: int) -> typer.Exit:
    err.print(f"Error: {error}", style="red", soft_wrap=True, markup=False)
    return typer.Exit(code)


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

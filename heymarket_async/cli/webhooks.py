"""The command `heymarket webhooks listen`."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from typer import Option

from heymarket_async.cli import show
from heymarket_async.cli.running import Commands, until_terminated
from heymarket_async.cli.values import integer
from heymarket_async.decoding import mending

if TYPE_CHECKING:
    from heymarket_async.webhooks import Event

TOKENS = "HEYMARKET_WEBHOOK_TOKENS"

app = typer.Typer(
    cls=Commands, no_args_is_help=True, rich_markup_mode=None, help="Receive webhooks."
)


@app.callback()
def _webhooks() -> None:  # so that typer keeps `listen` as a command of its own
    """Receive webhooks."""


@app.command()
def listen(
    *,
    port: Annotated[
        int, Option(metavar="PORT", parser=integer(0, 65_535), help="0 chooses a free port.")
    ] = 8000,
    host: Annotated[
        str, Option(metavar="ADDRESS", help="0.0.0.0 to be reached from other machines.")
    ] = "127.0.0.1",
) -> None:
    """Print the events of webhooks as JSON Lines, to try them out.

    The token of the webhook is read from HEYMARKET_WEBHOOK_TOKENS; of several, put spaces in
    between. Events are posted to any path. An event that is delivered again is not printed again.
    """
    tokens = os.environ.get(TOKENS, "").split()
    if not tokens:
        raise typer.BadParameter(
            f"{TOKENS} must be the token of the webhook. Heymarket shows it in its settings, where"
            " the webhook is made."
        )
    until_terminated(_listen(tokens, host, port))


async def _listen(tokens: list[str], host: str, port: int) -> None:
    from aiohttp import web  # noqa: PLC0415 - a server, and seldom needed

    from heymarket_async.webhooks import Receiver  # noqa: PLC0415 - nor this
    from heymarket_async.webhooks.aiohttp import add_webhook  # noqa: PLC0415 - nor this

    events: asyncio.Queue[Event] = asyncio.Queue()
    server = web.Application()
    add_webhook(server, "/{path:.*}", Receiver(events.put, tokens=tokens))
    runner = web.AppRunner(server)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0][1]
        show.say(f"Listening on http://{host}:{bound}/. Press Ctrl-C to stop.")
        while True:
            event = await events.get()
            raw = mending.decode(msgspec.json.decode, event.raw)  # on one line
            show.print_json({"kind": event.kind, "dedupe_key": event.dedupe_key, "raw": raw})
            sys.stdout.flush()
    finally:
        await runner.cleanup()

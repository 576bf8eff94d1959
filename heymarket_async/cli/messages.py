"""The commands about messages: `heymarket messages …`."""

from __future__ import annotations

import typer

from heymarket_async.cli.running import Commands
from heymarket_async.cli.send_command import send_command

app = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode=None, help="Send messages.")
app.command("send")(send_command)

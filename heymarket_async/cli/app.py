"""The `heymarket` command: all its commands, and those about the account itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from heymarket_async.cli import contacts, conversations, messages, sandbox_state, show, webhooks
from heymarket_async.cli.bulk_commands import sync_command
from heymarket_async.cli.doctor import doctor_command
from heymarket_async.cli.options import Json, SandboxSize
from heymarket_async.cli.probe import probe_command
from heymarket_async.cli.running import Commands, run
from heymarket_async.cli.sandbox import sandbox_command
from heymarket_async.cli.settings import ConfigFile, NoProgress, ProfileName, Verbose
from heymarket_async.request import Repeat
from heymarket_async.version import __version__

if TYPE_CHECKING:
    from heymarket_async import HeymarketClient

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_show_locals=False,  # they could hold a secret
    help="Work with the contacts and messages of a Heymarket account.",
    epilog="Credentials are read from HEYMARKET_SECRET_ID and HEYMARKET_SECRET_KEY, or"
    " HEYMARKET_API_KEY.",
)
app.add_typer(contacts.app, name="contacts")
app.add_typer(conversations.app, name="conversations")
app.add_typer(messages.app, name="messages")
app.add_typer(webhooks.app, name="webhooks")
app.command("sync")(sync_command)
app.command("probe")(probe_command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"heymarket-async {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    profile_name: ProfileName = None,
    config: ConfigFile = None,
    verbose: Verbose = False,
    no_progress: NoProgress = False,
) -> None:
    """Work with the contacts and messages of a Heymarket account."""


@app.command()
def whoami(*, json: Json = False, sandbox: SandboxSize = None) -> None:
    """Show the account that the credentials belong to."""

    async def work(client: HeymarketClient) -> dict[str, object]:
        return await client.request(
            "GET", "/v1/team", returns=dict[str, object], repeat=Repeat.READ
        )

    team = run(work, sandbox)
    known: dict[str, object] = {name: team[name] for name in ("id", "name") if name in team}
    show.print_result(team if json else known or team, json=json)


@app.command()
def fields(*, json: Json = False, sandbox: SandboxSize = None) -> None:
    """Show the custom fields of the account."""
    fields = run(lambda client: client.contact_fields.all(), sandbox)
    found = [{"id": field.id, "title": field.title} for field in fields]
    show.print_result(found, json=json, columns=("id", "title"))


sandbox_state.add_option(app)
app.command("doctor")(doctor_command)
app.command("sandbox")(sandbox_command)

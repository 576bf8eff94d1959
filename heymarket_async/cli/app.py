"""The `heymarket` command: all its commands, and those that are not about contacts."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

import msgspec
import typer
from typer import Option

from heymarket_async.bulk.store import private_files
from heymarket_async.cli import contacts, conversations, messages, show, webhooks
from heymarket_async.cli.bulk_commands import sync_command
from heymarket_async.cli.options import Json, SandboxSize
from heymarket_async.cli.running import Commands, run, until_terminated
from heymarket_async.request import Repeat
from heymarket_async.version import __version__

if TYPE_CHECKING:
    from heymarket_async import HeymarketClient
    from heymarket_async.sandbox import Sandbox

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
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


@app.command("sandbox")
def sandbox_command(
    *,
    port: Annotated[
        int, Option(metavar="PORT", min=0, max=65535, help="0 chooses a free port.")
    ] = 8080,
    contacts: Annotated[int, Option(metavar="N", min=0, help="Contacts to start with.")] = 1000,
    messages: Annotated[int, Option(metavar="N", min=0, help="Messages to start with.")] = 0,
    seed: Annotated[int, Option(metavar="N", help="The same seed gives the same contacts.")] = 7,
    webhook: Annotated[
        str | None,
        Option(metavar="URL", help="Post events to this URL. Their token is printed."),
    ] = None,
    credentials: Annotated[
        Path | None,
        Option(metavar="FILE", help="Keep the credentials in this file, and use them again."),
    ] = None,
    json: Json = False,
) -> None:
    """Run a local Heymarket to develop and test against."""
    from heymarket_async.sandbox import Sandbox  # noqa: PLC0415 - a server, and seldom needed

    if webhook is not None and urlsplit(webhook).scheme not in {"http", "https"}:
        raise typer.BadParameter("--webhook must be a URL such as http://127.0.0.1:8000/.")
    make = partial(Sandbox, contacts, messages=messages, seed=seed, port=port)
    until_terminated(_serve(make, credentials, webhook, json=json))


async def _serve(
    make: Callable[..., Sandbox], credentials: Path | None, webhook: str | None, *, json: bool
) -> None:
    secret_id, secret_key = (None, None) if credentials is None else _kept(credentials)
    async with make(secret_id=secret_id, secret_key=secret_key) as server:
        if credentials is not None and secret_id is None:
            with private_files.open_new(credentials) as file:
                file.write(msgspec.json.encode(server.credentials))
        environment = {
            "HEYMARKET_BASE_URL": server.url,
            "HEYMARKET_SECRET_ID": server.credentials.secret_id,
            "HEYMARKET_SECRET_KEY": server.credentials.secret_key,
        }
        if webhook is not None:
            # It stays as long as the credentials do.
            token = str(uuid5(NAMESPACE_URL, server.credentials.secret_key))
            server.webhooks.add(webhook, token)
            environment[webhooks.TOKENS] = token
        if json:
            show.print_json(environment)
        else:
            for name, value in environment.items():
                typer.echo(f"export {name}={value}")
            messages = f" and {len(server.messages):,} messages" if len(server.messages) else ""
            held = f"{len(server.store):,} contacts{messages}"
            typer.echo(f"# {held}. Press Ctrl-C to stop.", err=True)
        sys.stdout.flush()
        await asyncio.Event().wait()


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

"""`heymarket contacts …`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import UNSET

from heymarket_async import HeymarketClient, NewContact
from heymarket_async.cli.export import export
from heymarket_async.cli.output import print_json, print_record, print_table
from heymarket_async.cli.running import Json, SandboxSize, err, run

app = typer.Typer(no_args_is_help=True, help="Read and write contacts.")

Phone = Annotated[str, typer.Option(help="E.164 digits, such as 15105553344.")]
Text = Annotated[str | None, typer.Option()]
Custom = Annotated[
    list[str] | None,
    typer.Option("--custom", metavar="TITLE=VALUE", help="A custom field by title; repeatable."),
]
Tags = Annotated[
    list[int] | None, typer.Option("--tag", metavar="ID", help="Id of a tag; repeatable.")
]
ContactId = Annotated[int, typer.Argument(help="The integer id.")]

COLUMNS = ("id", "display_name", "phone", "email", "updated")


class Surface(StrEnum):
    """Which of the two lists to walk."""

    V1 = "v1"
    V2 = "v2"


@app.command("export")
def export_command(
    path: Annotated[Path, typer.Argument(help="The file to write, or - for standard output.")],
    *,
    surface: Annotated[Surface, typer.Option(help="Which list to walk.")] = Surface.V1,
    page_size: Annotated[int, typer.Option(min=1, help="Contacts asked for at once.")] = 100,
    json: Json = False,
    sandbox: SandboxSize = None,
) -> None:
    """Write every contact to a file, one line of JSON each, as the server sent it.

    The file is there whole or not at all, and only you can read it.
    """
    target = None if str(path) == "-" else path
    if target is not None and target.is_dir():
        raise typer.BadParameter("PATH is a folder; name a file in it")
    if target is not None and not target.absolute().parent.is_dir():
        raise typer.BadParameter("the folder of PATH does not exist")
    summary = run(
        lambda client: export(
            client, target, surface=surface.value, page_size=page_size, show_progress=not json
        ),
        sandbox,
    )
    if not json:
        err.print(str(summary), soft_wrap=True)
    elif target is None:
        sys.stderr.write(msgspec.json.encode(summary).decode() + "\n")
    else:
        print_json(summary)


@app.command()
def get(
    contact: Annotated[str, typer.Argument(help="The integer id, or the UUID.")],
    *,
    json: Json = False,
    sandbox: SandboxSize = None,
) -> None:
    """Show a contact by its id."""

    async def work(client: HeymarketClient) -> msgspec.Raw:
        if contact.isdecimal():
            return await client.contacts.get(int(contact), returns=msgspec.Raw)
        return await client.contacts_v2.get(contact, returns=msgspec.Raw)

    _show(run(work, sandbox), json=json)


@app.command()
def find(phone: Phone, *, json: Json = False, sandbox: SandboxSize = None) -> None:
    """Show the contact that has a phone; exit with 1 if there is none."""
    found = run(lambda client: client.contacts.find(phone=phone, returns=msgspec.Raw), sandbox)
    if found is None:
        err.print("No contact has this phone.")
        raise typer.Exit(1)
    _show(found, json=json)


@app.command()
def search(
    *,
    phone: Annotated[list[str] | None, typer.Option(help="E.164 digits; repeatable.")] = None,
    email: Annotated[list[str] | None, typer.Option(help="An e-mail; repeatable.")] = None,
    json: Json = False,
    sandbox: SandboxSize = None,
) -> None:
    """Show all contacts that have one of these phones or e-mails."""
    found = run(
        lambda client: client.contacts_v2.search(
            phones=phone or (), emails=email or (), returns=msgspec.Raw
        ),
        sandbox,
    )
    if json:
        print_json(found)
    else:
        print_table(found, COLUMNS)


@app.command()
def create(
    phone: Phone,
    *,
    first: Text = None,
    last: Text = None,
    email: Text = None,
    custom: Custom = None,
    tag: Tags = None,
    json: Json = False,
    sandbox: SandboxSize = None,
) -> None:
    """Create a contact. If its phone is taken, Heymarket may refuse, update, or make a second."""

    async def work(client: HeymarketClient) -> object:
        contact = await _contact(client, phone, first, last, email, custom, tag)
        return await client.contacts.create(contact)

    _show(run(work, sandbox), json=json)


@app.command()
def update(
    contact_id: ContactId,
    phone: Phone,
    *,
    first: Text = None,
    last: Text = None,
    email: Text = None,
    custom: Custom = None,
    tag: Tags = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Remove custom fields that are not given.")
    ] = False,
    json: Json = False,
    sandbox: SandboxSize = None,
) -> None:
    """Update a contact; the phone is needed even if it stays the same."""

    async def work(client: HeymarketClient) -> object:
        contact = await _contact(client, phone, first, last, email, custom, tag)
        return await client.contacts.update(contact_id, contact, overwrite=overwrite)

    _show(run(work, sandbox), json=json)


@app.command()
def delete(
    contact_id: ContactId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
    sandbox: SandboxSize = None,
) -> None:
    """Delete a contact for good."""
    if not yes:
        typer.confirm(f"Delete contact {contact_id} for good?", abort=True, err=True)
    run(lambda client: client.contacts.delete(contact_id), sandbox)
    if json:
        print_json({"deleted": contact_id})
    else:
        err.print(f"Deleted contact {contact_id}.")


@app.command()
def count(
    *,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only those updated after it (RFC 3339).")
    ] = None,
    json: Json = False,
    sandbox: SandboxSize = None,
) -> None:
    """Count the contacts."""
    counted = run(lambda client: client.contacts.count(date=since), sandbox)
    print_json({"contacts": counted} if json else counted)


async def _contact(
    client: HeymarketClient,
    phone: str,
    first: str | None,
    last: str | None,
    email: str | None,
    custom: list[str] | None,
    tags: list[int] | None,
) -> NewContact:
    return NewContact(
        phone=phone,
        first=UNSET if first is None else first,
        last=UNSET if last is None else last,
        email=UNSET if email is None else email,
        custom=await client.contact_fields.resolve(_by_title(custom)) if custom else UNSET,
        tags=tags or UNSET,
    )


def _by_title(custom: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in custom]
    if not all(title and equals for title, equals, _ in pairs):
        raise ValueError("--custom must be TITLE=VALUE, such as --custom 'Plan=Premium'")
    return {title: value for title, _, value in pairs}


def _show(value: object, *, json: bool) -> None:
    if json:
        print_json(value)
    else:
        print_record(value)

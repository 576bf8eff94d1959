"""`heymarket contacts …`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from msgspec import UNSET

from heymarket_async import Contact, ContactRef, HeymarketClient, NewContact
from heymarket_async.cli.export import export_command
from heymarket_async.cli.importing import import_command
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
ContactId = Annotated[str, typer.Argument(metavar="ID", help="The integer id, or the UUID.")]

Fields = dict[str, object]
"""A contact with every field that the server sent, known to this package or not."""

COLUMNS = ("id", "display_name", "phone", "email", "updated")


app.command("export")(export_command)
app.command("import")(import_command)


@app.command()
def get(contact: ContactId, *, json: Json = False, sandbox: SandboxSize = None) -> None:
    """Show a contact by its id."""

    async def work(client: HeymarketClient) -> Fields:
        if contact.isdecimal():
            return await client.contacts.get(int(contact), returns=Fields)
        return await client.contacts_v2.get(contact, returns=Fields)

    _show(run(work, sandbox), json=json)


@app.command()
def find(phone: Phone, *, json: Json = False, sandbox: SandboxSize = None) -> None:
    """Show the contact that has a phone; exit with 1 if there is none."""
    found = run(lambda client: client.contacts.find(phone=phone, returns=Fields), sandbox)
    if found is not None:
        _show(found, json=json)
        return
    if json:
        print_json(None)
    else:
        err.print("No contact has this phone.")
    raise typer.Exit(1)


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
            phones=phone or (), emails=email or (), returns=Fields
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

    async def work(client: HeymarketClient) -> ContactRef:
        contact = await _contact(client, phone, first, last, email, custom, tag)
        return await client.contacts.create(contact)

    _show_written(run(work, sandbox), json=json)


@app.command()
def update(
    contact: ContactId,
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
    """Update a contact; the phone is needed even if it stays the same.

    Whether Heymarket keeps or empties fields that are not given is not documented.
    """
    if overwrite and not custom:
        raise typer.BadParameter("--overwrite needs --custom: it could remove all custom fields")

    async def work(client: HeymarketClient) -> ContactRef | Contact:
        changes = await _contact(client, phone, first, last, email, custom, tag)
        if contact.isdecimal():
            return await client.contacts.update(int(contact), changes, overwrite=overwrite)
        return await client.contacts_v2.update(contact, changes, overwrite=overwrite)

    _show_written(run(work, sandbox), json=json)


@app.command()
def delete(
    contact: ContactId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
    sandbox: SandboxSize = None,
) -> None:
    """Delete a contact for good."""

    async def work(client: HeymarketClient) -> None:
        if contact.isdecimal():
            await client.contacts.delete(int(contact))
        else:
            await client.contacts_v2.delete(contact)

    if not (yes or _confirmed(f"Delete contact {contact} for good?")):
        err.print("Nothing was deleted.")
        raise typer.Exit(1)
    run(work, sandbox)
    if json:
        print_json({"deleted": contact})
    else:
        err.print(f"Deleted contact {contact}.", markup=False)


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


def _confirmed(question: str) -> bool:
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        if sys.stdin.isatty():
            raise
        raise typer.BadParameter("--yes is needed where nobody can answer") from None


def _by_title(custom: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in custom]
    if not all(title and equals for title, equals, _ in pairs):
        raise ValueError("--custom must be TITLE=VALUE, such as --custom 'Plan=Premium'")
    values = {title: value for title, _, value in pairs}
    if len(values) < len(pairs):
        raise ValueError("--custom must not name a title twice")
    return values


def _show(contact: Fields, *, json: bool) -> None:
    if json:
        print_json(contact)
    else:
        print_record(contact)


def _show_written(written: ContactRef | Contact, *, json: bool) -> None:
    uuid = None if written.uuid is None else str(written.uuid)
    _show({"id": written.id, "rev": written.rev, "uuid": uuid}, json=json)

"""The commands `heymarket contacts …` for one contact, or for a few."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer
from msgspec import UNSET

from heymarket_async.cli import options as o
from heymarket_async.cli import show
from heymarket_async.cli.bulk_commands import export_command
from heymarket_async.cli.import_command import import_command
from heymarket_async.cli.running import Commands, run
from heymarket_async.models.contact import Contact, ContactRef
from heymarket_async.models.new_contact import NewContact

if TYPE_CHECKING:
    from heymarket_async import HeymarketClient

app = typer.Typer(
    cls=Commands, no_args_is_help=True, rich_markup_mode=None, help="Read and write contacts."
)

Fields = dict[str, object]
"""A contact with all fields that the server sent, known to this package or not."""

COLUMNS = ("id", "display_name", "phone", "email", "updated")


app.command("export")(export_command)
app.command("import")(import_command)


@app.command()
def get(contact: o.ContactId, *, json: o.Json = False, sandbox: o.SandboxSize = None) -> None:
    """Show a contact by its id."""
    contact_id = o.contact_id_of(contact)

    async def work(client: HeymarketClient) -> Fields:
        if isinstance(contact_id, int):
            return await client.contacts.get(contact_id, returns=Fields)
        return await client.contacts_v2.get(contact_id, returns=Fields)

    show.print_result(run(work, sandbox), json=json)


@app.command()
def find(phone: o.Phone, *, json: o.Json = False, sandbox: o.SandboxSize = None) -> None:
    """Show the contact with this phone. Exits with 1 if there is none."""
    found = run(lambda client: client.contacts.find(phone=phone, returns=Fields), sandbox)
    if found is not None:
        show.print_result(found, json=json)
        return
    if json:
        show.print_json(None)
    else:
        show.say("No contact has this phone.")
    raise typer.Exit(1)


@app.command()
def search(
    *,
    phones: o.Phones = None,
    emails: o.Emails = None,
    json: o.Json = False,
    sandbox: o.SandboxSize = None,
) -> None:
    """Show all contacts with any of these phones or emails."""
    if not (phones or emails):
        raise typer.BadParameter("At least one --phone or --email is needed.")
    found = run(
        lambda client: client.contacts_v2.search(
            phones=phones or (), emails=emails or (), returns=Fields
        ),
        sandbox,
    )
    show.print_result(found, json=json, columns=COLUMNS)


@app.command()
def create(
    phone: o.Phone,
    *,
    first: o.First = None,
    last: o.Last = None,
    email: o.Email = None,
    custom: o.Custom = None,
    tags: o.Tags = None,
    json: o.Json = False,
    sandbox: o.SandboxSize = None,
) -> None:
    """Create a contact.

    If another contact has its phone already, Heymarket may refuse it, update that contact, or
    create a second one.
    """

    async def work(client: HeymarketClient) -> ContactRef:
        contact = await _contact(client, phone, first, last, email, custom, tags)
        return await client.contacts.create(contact)

    _print_written(run(work, sandbox), json=json)


@app.command()
def update(
    contact: o.ContactId,
    phone: o.Phone,
    *,
    first: o.First = None,
    last: o.Last = None,
    email: o.Email = None,
    custom: o.Custom = None,
    tags: o.Tags = None,
    overwrite: o.Replace = False,
    json: o.Json = False,
    sandbox: o.SandboxSize = None,
) -> None:
    """Update a contact. The phone is needed even if it stays the same.

    Heymarket does not document whether fields that you leave out are kept or emptied.
    """
    contact_id = o.contact_id_of(contact)
    if overwrite and not custom:
        raise typer.BadParameter("--overwrite needs --custom, or it may remove all custom fields.")

    async def work(client: HeymarketClient) -> ContactRef | Contact:
        changes = await _contact(client, phone, first, last, email, custom, tags)
        if isinstance(contact_id, int):
            return await client.contacts.update(contact_id, changes, overwrite=overwrite)
        return await client.contacts_v2.update(contact_id, changes, overwrite=overwrite)

    _print_written(run(work, sandbox), json=json)


@app.command()
def delete(
    contact: o.ContactId,
    *,
    yes: o.Yes = False,
    json: o.Json = False,
    sandbox: o.SandboxSize = None,
) -> None:
    """Delete a contact for good."""
    contact_id = o.contact_id_of(contact)

    async def work(client: HeymarketClient) -> None:
        if isinstance(contact_id, int):
            await client.contacts.delete(contact_id)
        else:
            await client.contacts_v2.delete(contact_id)

    if not (yes or _is_confirmed(f"Delete contact {contact} for good?")):
        show.say("Nothing was deleted.")
        raise typer.Exit(1)
    run(work, sandbox)
    if json:
        show.print_json({"deleted": contact})
    else:
        show.say(f"Deleted contact {contact}.")


@app.command()
def count(*, date: o.Since = None, json: o.Json = False, sandbox: o.SandboxSize = None) -> None:
    """Count the contacts."""
    counted = run(lambda client: client.contacts.count(date=date), sandbox)
    show.print_json({"contacts": counted} if json else counted)


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


def _is_confirmed(question: str) -> bool:
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        show.say("")  # the question is a line of its own
        if sys.stdin.isatty():
            raise
        raise typer.BadParameter("This is not a terminal. Add --yes to confirm.") from None


def _by_title(custom: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in custom]
    if not all(title and equals for title, equals, _ in pairs):
        raise typer.BadParameter("--custom must be TITLE=VALUE, such as --custom 'Plan=Premium'.")
    values = {title: value for title, _, value in pairs}
    if len(values) < len(pairs):
        raise typer.BadParameter("--custom must not name a title twice.")
    return values


def _print_written(written: ContactRef | Contact, *, json: bool) -> None:
    uuid = None if written.uuid is None else str(written.uuid)
    show.print_result({"id": written.id, "rev": written.rev, "uuid": uuid}, json=json)

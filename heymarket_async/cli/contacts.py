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
from heymarket_async.errors import CustomFieldError, HeymarketError
from heymarket_async.models.contact import Contact, ContactRef
from heymarket_async.models.new_contact import NewContact

if TYPE_CHECKING:
    from heymarket_async import Ensured, HeymarketClient

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
def find(
    phone: o.Phone,
    *,
    region: o.RegionOfPhone = None,
    json: o.Json = False,
    sandbox: o.SandboxSize = None,
) -> None:
    """Show the contact with this phone. Exits with 1 if there is none."""
    digits = o.phone_of(phone, region)
    found = run(lambda client: client.contacts.find(phone=digits, returns=Fields), sandbox)
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
    region: o.RegionOfPhone = None,
    json: o.Json = False,
    sandbox: o.SandboxSize = None,
) -> None:
    """Show all contacts with any of these phones or emails."""
    if not (phones or emails):
        raise typer.BadParameter("At least one --phone or --email is needed.")
    digits = [o.phone_of(phone, region) for phone in phones or ()]
    found = run(
        lambda client: client.contacts_v2.search(
            phones=digits, emails=emails or (), returns=Fields
        ),
        sandbox,
    )
    show.print_result(found, json=json, columns=COLUMNS)


@app.command()
def create(
    phone: o.Phone,
    *,
    region: o.RegionOfPhone = None,
    first: o.First = None,
    last: o.Last = None,
    email: o.Email = None,
    custom: o.Custom = None,
    tags: o.Tags = None,
    force: o.Force = False,
    json: o.Json = False,
    sandbox: o.SandboxSize = None,
) -> None:
    """Create a contact, unless one has its phone already: then it exits with 1.

    With --force it does not look. Then Heymarket may refuse the contact, update the one that it
    has, or create a second one.
    """
    digits = o.phone_of(phone, region)

    async def work(client: HeymarketClient) -> ContactRef | None:
        contact = await _contact(client, digits, first, last, email, custom, tags)
        if not force and (known := await client.contacts.find(phone=contact.phone)):
            show.print_error(_known(known))
            return None
        try:
            return await client.contacts.create(contact)
        except HeymarketError as error:
            if error.may_have_taken_effect and not force:
                error.add_note(
                    "Run heymarket contacts ensure with the same options. It makes no second"
                    " contact."
                )
            raise

    if (written := run(work, sandbox)) is None:
        raise typer.Exit(1)
    _print_written(written, json=json)


@app.command()
def ensure(
    phone: o.Phone,
    *,
    region: o.RegionOfPhone = None,
    first: o.First = None,
    last: o.Last = None,
    email: o.Email = None,
    custom: o.Custom = None,
    tags: o.Tags = None,
    json: o.Json = False,
    sandbox: o.SandboxSize = None,
) -> None:
    """Create a contact unless one has its phone, and show the id of the one that has it.

    A contact that exists is not changed. It never makes a second one, so it may be repeated after
    any error.
    """
    digits = o.phone_of(phone, region)

    async def work(client: HeymarketClient) -> Ensured:
        contact = await _contact(client, digits, first, last, email, custom, tags)
        return await client.contacts.ensure(contact)

    ensured = run(work, sandbox)
    written = _written(ensured.contact)
    show.print_result({**written, "created": ensured.was_created}, json=json)


@app.command()
def update(
    contact: o.ContactId,
    phone: o.Phone,
    *,
    region: o.RegionOfPhone = None,
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
    contact_id, digits = o.contact_id_of(contact), o.phone_of(phone, region)
    if overwrite and not custom:
        raise typer.BadParameter("--overwrite needs --custom, or it may remove all custom fields.")

    async def work(client: HeymarketClient) -> ContactRef | Contact:
        changes = await _contact(client, digits, first, last, email, custom, tags)
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
    try:
        values = await client.contact_fields.resolve(_by_title(custom)) if custom else UNSET
    except CustomFieldError as error:
        raise typer.BadParameter(f"--custom: the account {error.args[0]}") from None
    return NewContact(
        phone=phone,
        first=UNSET if first is None else first,
        last=UNSET if last is None else last,
        email=UNSET if email is None else email,
        custom=values,
        tags=tags or UNSET,
    )


def _is_confirmed(question: str) -> bool:
    if not (sys.stdin and sys.stdin.isatty()):
        raise typer.BadParameter("There is no terminal to ask in. Add --yes to confirm.")
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        show.say("")  # the question is a line of its own
        raise


def _by_title(custom: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in custom]
    if not all(title and equals for title, equals, _ in pairs):
        raise typer.BadParameter("--custom must be TITLE=VALUE, such as --custom 'Plan=Premium'.")
    values = {title: value for title, _, value in pairs}
    if len(values) < len(pairs):
        raise typer.BadParameter("--custom must not name a title twice.")
    return values


def _known(contact: Contact) -> Exception:
    return LookupError(
        f"Contact {contact.id} has this phone already. Use heymarket contacts ensure to get it, or"
        " --force to create without a look (Heymarket may then update this one)."
    )


def _print_written(written: ContactRef | Contact, *, json: bool) -> None:
    show.print_result(_written(written), json=json)


def _written(written: ContactRef | Contact) -> Fields:
    uuid = None if written.uuid is None else str(written.uuid)
    return {"id": written.id, "rev": written.rev, "uuid": uuid}

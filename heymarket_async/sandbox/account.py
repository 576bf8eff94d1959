"""Things that belong to the whole account: custom fields, team, inboxes.

Sources: https://developers.heymarket.com/guides/manage-contacts, and create-contact-fields (in
api-reference/contacts), team and inboxes below https://developers.heymarket.com/api-reference/
"""

from typing import Annotated

from msgspec import Meta, Struct

from heymarket_async.sandbox.people import made_up
from heymarket_async.sandbox.routes import Call, route


class FieldIn(Struct, frozen=True, kw_only=True):
    """A custom field to create."""

    title: Annotated[str, Meta(min_length=1)]


@route("POST /v1/contact-fields")
def fields(call: Call) -> object:
    """List the custom fields."""
    return [{"id": key, "title": title} for key, title in call.account.fields.items()]


@route("POST /v1/contacts/fields")
def create_fields(call: Call) -> object:
    """Create custom fields; a title that exists answers its field, marked as duplicate."""
    made: list[dict[str, object]] = []
    titles = call.account.fields
    for sent in call.parse(list[FieldIn]):
        known = next((key for key, title in titles.items() if title == sent.title), None)
        field_id = max(titles, default=122) + 1 if known is None else known
        titles[field_id] = sent.title
        made.append({"id": field_id, "title": sent.title, "duplicate": known is not None})
    return call.created(made)


@route("GET /v1/team")
def team(_call: Call) -> object:
    """Show the team."""
    return {**made_up().team, "members": made_up().members}


@route("GET /v1/inboxes")
def inboxes(_call: Call) -> object:
    """List the inboxes."""
    return made_up().inboxes

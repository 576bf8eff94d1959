"""Things that belong to the whole account: custom fields, team, inboxes, users.

Sources: https://developers.heymarket.com/guides/manage-contacts, and create-contact-fields (in
api-reference/contacts), team, inboxes, users and users-update below
https://developers.heymarket.com/api-reference/
"""

from typing import Annotated

from msgspec import Meta, Struct

from heymarket_async.sandbox.routes import Call, Refused, route
from heymarket_async.sandbox.stamps import SECOND, written
from heymarket_async.sandbox.team import User


class FieldIn(Struct, frozen=True, kw_only=True):
    """A custom field to create."""

    title: Annotated[str, Meta(min_length=1)]


class UsersFindIn(Struct, frozen=True, kw_only=True):
    """Members to find."""

    phone: tuple[str, ...] = ()
    email: tuple[str, ...] = ()


class UserIn(Struct, frozen=True, kw_only=True):
    """A member to change; fields that are left out stay."""

    id: int
    first_name: str | None = None
    last_name: str | None = None
    role_id: int | None = None


class UsersIn(Struct, frozen=True, kw_only=True):
    """Members to change."""

    users: list[UserIn]


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
def team(call: Call) -> object:
    """Show the team."""
    return call.account.team.shown()


@route("GET /v1/inboxes")
def inboxes(call: Call) -> object:
    """List the inboxes."""
    return call.account.team.shown_inboxes()


@route("GET /v1/users/get")
def find_users(call: Call) -> object:
    """Find members by phone or e-mail address; the body of a GET may get lost on its way."""
    users = list(call.account.team.users.values())
    if call.readings.users_get_body == "dropped":
        return {"memberships": users}
    asked = call.parse(UsersFindIn)
    if not (asked.phone or asked.email):
        raise Refused(400, "phone, email: one of them is required")
    found = [user for user in users if user.phone in asked.phone or user.email in asked.email]
    return {"memberships": found}


@route("POST /v1/users/update")
def update_users(call: Call) -> object:
    """Change members; unknown ids are left out of the answer."""
    changed: list[User] = []
    for sent in call.parse(UsersIn).users:
        user = call.account.team.users.get(sent.id)
        if user is not None:
            first, _, last = user.name.partition(" ")
            first = first if sent.first_name is None else sent.first_name
            last = last if sent.last_name is None else sent.last_name
            user.name = f"{first} {last}".strip()
            user.role_id = user.role_id if sent.role_id is None else sent.role_id
            user.updated_at = written(int(call.now) * SECOND, call.readings)
            changed.append(user)
    return {"memberships": changed}

"""What belongs to the account and not to one contact: custom fields, team, inboxes.

https://developers.heymarket.com/api-reference/contacts/create-contact-fields
"""

from heymarket_async.sandbox.answers import Answer, as_json
from heymarket_async.sandbox.bodies import FieldIn
from heymarket_async.sandbox.people import made_up
from heymarket_async.sandbox.routes import Call, Handler


def fields(call: Call) -> Answer:
    """List the custom fields.

    https://developers.heymarket.com/guides/manage-contacts
    """
    return as_json([{"id": key, "title": title} for key, title in call.fields.items()])


def create_fields(call: Call) -> Answer:
    """Create custom fields; a title that exists answers its field, marked as duplicate."""
    made: list[dict[str, object]] = []
    for sent in call.parse(list[FieldIn]):
        known = next((key for key, title in call.fields.items() if title == sent.title), None)
        field_id = max(call.fields, default=122) + 1 if known is None else known
        call.fields[field_id] = sent.title
        made.append({"id": field_id, "title": sent.title, "duplicate": known is not None})
    return as_json(made, call.readings.created_status)


def team(_call: Call) -> Answer:
    """Show the team.

    https://developers.heymarket.com/api-reference/team
    """
    return as_json({**made_up().team, "members": made_up().members})


def inboxes(_call: Call) -> Answer:
    """List the inboxes.

    https://developers.heymarket.com/api-reference/inboxes
    """
    return as_json(made_up().inboxes)


ROUTES: dict[str, Handler] = {
    "POST /v1/contact-fields": fields,
    "POST /v1/contacts/fields": create_fields,
    "GET /v1/team": team,
    "GET /v1/inboxes": inboxes,
}

"""The titles of the account's custom fields, as far as they can be read."""

from __future__ import annotations

import msgspec

from heymarket_async.client import HeymarketClient
from heymarket_async.errors import DecodeError, NotFoundError, PermissionDeniedError
from heymarket_async.models import ContactField
from heymarket_async.request import Repeat

UNREAD = "the custom fields cannot be read, so their values are shown by id"
"""The doubt that a report has then."""


class _Field(msgspec.Struct):
    id: int
    title: object = None


async def fields_of(client: HeymarketClient) -> list[ContactField] | None:
    """Return the custom fields, or None if there is no right to read them.

    A field without a title has an empty one, and is shown by its id.

    Raises:
        HeymarketError: They cannot be asked for.
    """
    try:
        fields = await client.request(
            "POST", "/v1/contact-fields", body={}, returns=list[_Field], repeat=Repeat.READ
        )
    except (PermissionDeniedError, NotFoundError, DecodeError):
        return None
    return [
        ContactField(id=each.id, title=each.title if isinstance(each.title, str) else "")
        for each in fields
    ]

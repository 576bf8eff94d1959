"""The titles of the account's custom fields, as far as they can be read."""

from __future__ import annotations

import msgspec

from heymarket_async.checks import Int64
from heymarket_async.client import HeymarketClient
from heymarket_async.decoding import mending
from heymarket_async.errors import DecodeError, NotFoundError, PermissionDeniedError
from heymarket_async.models.contact import ContactField
from heymarket_async.request import Repeat

UNREAD = "the custom fields cannot be read, so their values are shown by id"
"""The doubt in a report if they cannot be read."""


class _Field(msgspec.Struct):
    id: Int64
    title: object = None


_decode = msgspec.json.Decoder(_Field, strict=False).decode


async def fields_of(client: HeymarketClient) -> list[ContactField] | None:
    """Return the custom fields, or None if they cannot be read, as without the right to read them.

    A field without a title has the title "", and is shown by its id. A field without an id of 64
    bits is left out. A field that is listed twice is given once, with its first title.

    Raises:
        HeymarketError: Heymarket cannot be asked.
    """
    try:
        sent = await client.request(
            "POST", "/v1/contact-fields", body={}, returns=list[msgspec.Raw], repeat=Repeat.READ
        )
    except (PermissionDeniedError, NotFoundError, DecodeError):
        return None
    titles: dict[int, str] = {}
    for each in sent:
        try:
            field = mending.decode(_decode, each)
        except msgspec.MsgspecError:
            continue
        title = field.title if isinstance(field.title, str) else ""
        titles[field.id] = titles.get(field.id) or title
    if sent and not titles:
        return None
    return [ContactField(id=key, title=title) for key, title in titles.items()]

"""Tags.

Source: https://developers.heymarket.com/api-reference/tags
"""

import uuid
from typing import Annotated

from msgspec import Meta, Struct

from heymarket_async.sandbox.routes import Answer, Call, Refused, integer, route
from heymarket_async.sandbox.table import Stored
from heymarket_async.sandbox.tag_table import COLOR


class TagIn(Struct, frozen=True, kw_only=True):
    """A tag to create."""

    tag: Annotated[str, Meta(min_length=1)]
    color: Annotated[str, Meta(pattern="^#[0-9A-Fa-f]{6}$")] = COLOR


@route("POST /v1/tag")
def create(call: Call) -> object:
    """Create a tag."""
    sent, tags, how = call.parse(TagIn), call.account.tags, call.readings.duplicate_tag
    known = None if how == "create" else tags.labelled(sent.tag)
    if known is not None and how == "reject":
        raise Refused(400, "tag: there is a tag with this label already")
    if known is None:
        known = tags.create(sent.tag, color=sent.color, now_s=call.now)
    return call.created(
        {"id": known, "rev": 1, "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, f"tag {known}"))}
    )


@route("GET /v1/tag/{id}")
def get(call: Call) -> object:
    """Show a tag."""
    return Answer(200, _tag(call).line)


@route("DELETE /v1/tag/{id}")
def delete(call: Call) -> object:
    """Delete a tag; contacts that have it keep its id."""
    call.account.tags.remove(_tag(call))
    return "ok"


@route("POST /v1/tags")
def list_page(call: Call) -> object:
    """List a page of tags, in the order of the lists of contacts."""
    return call.page(call.account.tags.seen_at(call.now))


def _tag(call: Call) -> Stored:
    tags = call.account.tags.seen_at(call.now)
    return call.existing(tags.by_id(integer(call.path["id"], "id")), "tag")

"""The kinds of records that jobs read: contacts, messages and conversations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args, get_type_hints

import msgspec

from heymarket_async.models.answered import Answered
from heymarket_async.models.message import Conversation, Message
from heymarket_async.walk.rows import RowFields

CellType = type[int] | type[bool] | type[str]

COLUMNS: dict[str, CellType] = {
    "id": int,
    "uuid": str,
    "display_name": str,
    "first": str,
    "last": str,
    "email": str,
    "phone": str,
    "is_opted_out": bool,
    "assigned_user_id": int,
    "tags": str,
    "avatar": str,
    "team_id": int,
    "creator_id": int,
    "shared": bool,
    "created": str,
    "updated": str,
    "rev": int,
    "op": str,
    "external_id": str,
    "external_ref": str,
    "inbox_id": int,
    "parent_id": int,
    "note": str,
    "type": str,
    "contact_channels": str,
}
"""The documented fields of a contact, in the order of the columns."""


class Kind(msgspec.Struct, frozen=True):
    """A kind of records, whose shape decides how jobs compare and store them.

    Attributes:
        noun: Its name in reports and errors.
        plural: The same for several, and the name of its table.
        columns: Its documented fields in the order of the columns, with the types of their cells.
        nested: Those fields that are lists or objects; their cells are JSON.
        fields: The fields that a walk reads.
        version: The fields that tell which of two versions is newer: those of the walk, unless the
            list is sorted by a time that a change does not move.
        has_custom_fields: Its `custom` has a column for each custom field of the account.
    """

    noun: str
    plural: str
    columns: Mapping[str, CellType]
    nested: frozenset[str]
    fields: RowFields
    version: RowFields
    has_custom_fields: bool = False


def _kind_of(model: type[Answered], noun: str, *, stamp: str) -> Kind:
    """Return the kind of a model without `rev`, with a column for each of its fields."""
    columns: dict[str, CellType] = {}
    nested: set[str] = set()
    hints = get_type_hints(model)
    for name in model.__struct_fields__:
        kinds = set(get_args(hints[name])) - {type(None)}
        columns[name] = next((kind for kind in (int, bool, str) if kinds == {kind}), str)
        if kinds not in ({int}, {bool}, {str}):
            nested.add(name)
    without_rev = RowFields(has_rev=False)
    fields = without_rev if stamp == without_rev.stamp else RowFields(stamp, has_rev=False)
    return Kind(noun, f"{noun}s", columns, frozenset(nested), fields, without_rev)


CONTACT = Kind(
    "contact",
    "contacts",
    COLUMNS,
    frozenset({"tags", "note", "contact_channels"}),
    RowFields(),
    RowFields(),
    has_custom_fields=True,
)

MESSAGE = _kind_of(Message, "message", stamp="date")
"""A message stays at its `date`; a new status changes its `updated`."""

CONVERSATION = _kind_of(Conversation, "conversation", stamp="updated")

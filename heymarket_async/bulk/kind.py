"""The kinds of records that jobs read: contacts, messages and conversations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, cast, get_args, get_origin, get_type_hints

import msgspec

from heymarket_async.checks import Int64
from heymarket_async.models.answered import Answered
from heymarket_async.models.contact import ContactChannel, Note
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


_STAMPS = frozenset({"created", "updated", "date", "snooze_till"})


_Whole: TypeAlias = Int64 | None
_Text: TypeAlias = str | Int64 | None


class Kind(msgspec.Struct, frozen=True):
    """A kind of records, whose shape decides how jobs compare and store them.

    Attributes:
        noun: Its name in reports and errors.
        plural: The same for several, and the name of its table.
        columns: Its documented fields in the order of the columns, with the types of their cells.
        nested: Those fields that are lists or objects; their cells are JSON.
        stamps: Those fields that are times.
        lists: Those fields that are lists, with the types of their elements.
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
    stamps: frozenset[str] = _STAMPS
    lists: Mapping[str, type[object]] = {}
    has_custom_fields: bool = False


def _cell_type(hint: object) -> CellType:
    kinds = set(get_args(hint)) - {type(None)}
    return next((kind for kind in (int, bool, str) if kinds == {kind}), str)


def _element_of(model: type[Answered]) -> type[msgspec.Struct]:
    """Return the type of an element of a list, from its model."""
    hints = get_type_hints(model)
    fields = {name: _cell_type(hints[name]) for name in model.__struct_fields__}
    return _element(model.__name__, fields)


def _element(name: str, fields: Mapping[str, CellType]) -> type[msgspec.Struct]:
    """Return a type that refuses what its fields do not hold. An integer may stand for text."""
    types: dict[CellType, object] = {int: _Whole, bool: bool | None, str: _Text}
    typed = [(field, cast("type[object]", types[kind]), None) for field, kind in fields.items()]
    return msgspec.defstruct(f"{name}Element", typed, forbid_unknown_fields=True, gc=False)


def _kind_of(model: type[Answered], noun: str, *, stamp: str) -> Kind:
    """Return the kind of a model without `rev`, with a column for each of its fields."""
    columns: dict[str, CellType] = {}
    nested: set[str] = set()
    lists: dict[str, type[object]] = {}
    hints = get_type_hints(model)
    for name in model.__struct_fields__:
        kinds = set(get_args(hints[name])) - {type(None)}
        columns[name] = _cell_type(hints[name])
        if kinds not in ({int}, {bool}, {str}):
            nested.add(name)
        if len(kinds) == 1 and get_origin(kind := kinds.pop()) is list:
            (element,) = get_args(kind)
            lists[name] = element if element in {int, str} else _element_of(element)
    without_rev = RowFields(has_rev=False)
    fields = without_rev if stamp == without_rev.stamp else RowFields(stamp, has_rev=False)
    return Kind(noun, f"{noun}s", columns, frozenset(nested), fields, without_rev, lists=lists)


CONTACT = Kind(
    "contact",
    "contacts",
    COLUMNS,
    frozenset({"tags", "note", "contact_channels"}),
    RowFields(),
    RowFields(),
    lists={
        # The shape of tags is not documented; Heymarket takes `tag_id`.
        "tags": _element("Tag", {"id": int, "tag_id": int}),
        "note": _element_of(Note),
        "contact_channels": _element_of(ContactChannel),
    },
    has_custom_fields=True,
)

MESSAGE = _kind_of(Message, "message", stamp="date")
"""A message stays at its `date`; a new status changes its `updated`."""

CONVERSATION = _kind_of(Conversation, "conversation", stamp="updated")

"""Contacts to write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from math import isfinite
from typing import TYPE_CHECKING, cast
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from heymarket_async.checks import list_of, one_of, phone_digits, uuid_of
from heymarket_async.models.by_name import ByName
from heymarket_async.privacy import hides_locals

MAX_TAGS = 5


class NewStatus(StrEnum):
    """The statuses that `contacts.set_status` takes."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"


class TagRef(ByName, frozen=True, kw_only=True):
    """A tag as the API takes it."""

    tag_id: int

    @hides_locals
    def __post_init__(self) -> None:
        one_of("tag_id", self.tag_id, int)


class Channel(ByName, frozen=True, kw_only=True):
    """A channel to write: its type and its value.

    Attributes:
        channel_type: "phone", "email", "facebook", or another supported integration.
        channel_id: The phone, the e-mail, or the integration's id.
    """

    channel_type: str
    channel_id: str

    @hides_locals
    def __post_init__(self) -> None:
        for name in ("channel_type", "channel_id"):
            if not one_of(name, getattr(self, name), str):
                raise ValueError(f"{name} must not be empty")
        if self.channel_type == "phone":
            digits = phone_digits(self.channel_id, "channel_id of a phone channel")
            msgspec.structs.force_setattr(self, "channel_id", digits)


if TYPE_CHECKING:
    # Three types, because the key type of a Mapping is invariant.
    Custom = Mapping[str, object] | Mapping[int, object] | Mapping[str | int, object]
else:
    Custom = Mapping[str | int, object]


class _Writable(ByName, frozen=True, kw_only=True):
    first: str | UnsetType | None = UNSET
    last: str | UnsetType | None = UNSET
    display_name: str | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    custom: Custom | UnsetType | None = UNSET
    avatar: str | UnsetType | None = UNSET
    assignee_id: int | UnsetType | None = UNSET
    tags: Sequence[int | TagRef] | UnsetType | None = UNSET
    is_opted_out: bool | UnsetType | None = UNSET
    email_suppressions: Sequence[int] | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        # The constructor of a struct does not check types. A loop would take four times as long.
        if not (
            type(self.first) in _TEXT
            and type(self.last) in _TEXT
            and type(self.display_name) in _TEXT
            and type(self.email) in _TEXT
            and type(self.custom) in _DICT
            and type(self.avatar) in _TEXT
            and type(self.assignee_id) in _INT
            and type(self.is_opted_out) in _BOOL
        ):
            self._check_types()
        if self.custom is not UNSET and self.custom is not None:
            msgspec.structs.force_setattr(self, "custom", _by_field_id(self.custom))
        if self.tags is not UNSET and self.tags is not None:
            msgspec.structs.force_setattr(self, "tags", _tag_refs(self.tags))
        if self.email_suppressions is not UNSET and self.email_suppressions is not None:
            ids = list_of("email_suppressions", self.email_suppressions, int)
            msgspec.structs.force_setattr(self, "email_suppressions", ids)

    def _check_types(self) -> None:
        for name, kind in _KINDS.items():
            value: object = getattr(self, name)
            if value is not UNSET and value is not None:
                one_of(name, value, kind)


class ContactChanges(_Writable, frozen=True, kw_only=True):
    """Fields of a contact to write; all optional.

    A field that is left out is not sent. Heymarket does not document whether a field that is not
    sent, or sent as null, is kept or emptied. If that matters, read, change and write the whole
    contact.

    Attributes:
        phone: E.164 digits; one leading plus is taken off.
        first: First name.
        last: Last name.
        display_name: Name shown in the inbox; Heymarket builds it from first and last if left out.
        email: E-mail.
        custom: Values by custom field id; `contact_fields.resolve` makes it from titles.
        avatar: URL of an image.
        assignee_id: User id of a team member; -1 unassigns. Read as `assigned_user_id`.
        tags: Ids of tags, at most five. It is not documented whether they replace or add.
        is_opted_out: True opts the contact out of messages.
        email_suppressions: Ids of e-mail suppressions; not described any further.

    Raises:
        ValueError: A field breaks its rule; the message names the field and the rule.

    https://developers.heymarket.com/guides/manage-contacts
    """

    phone: str | UnsetType | None = UNSET

    @hides_locals
    def __post_init__(self) -> None:
        # By name, not super(): msgspec creates the class again, and super() needs the first one.
        _Writable.__post_init__(self)
        if self.phone is not UNSET and self.phone is not None:
            msgspec.structs.force_setattr(self, "phone", phone_digits(self.phone))


class NewContact(_Writable, frozen=True, kw_only=True):
    """A contact to create, or to update, through the v1 endpoints; see `ContactChanges`.

    Attributes:
        phone: E.164 digits; one leading plus is taken off. The v1 endpoints need it in every
            write, changed or not.
    """

    phone: str

    @hides_locals
    def __post_init__(self) -> None:
        _Writable.__post_init__(self)
        msgspec.structs.force_setattr(self, "phone", phone_digits(self.phone))


class NewContactV2(ContactChanges, frozen=True, kw_only=True):
    """A contact to create, or update, through the v2 endpoints; see `ContactChanges`.

    Attributes:
        contact_channels: How to reach it; a create needs at least one.
        contact_uuid: Only for `upsert_many`: the contact to update. Left out, it is created.
    """

    contact_channels: Sequence[Channel] | UnsetType = UNSET
    contact_uuid: UUID | UnsetType = msgspec.field(default=UNSET, name="contact_id")

    @hides_locals
    def __post_init__(self) -> None:
        ContactChanges.__post_init__(self)
        if self.contact_channels is not UNSET:
            channels = list_of("contact_channels", self.contact_channels, Channel)
            msgspec.structs.force_setattr(self, "contact_channels", channels)
        if self.contact_uuid is not UNSET:
            uuid = uuid_of("contact_uuid", self.contact_uuid)
            msgspec.structs.force_setattr(self, "contact_uuid", uuid)


_KINDS: dict[str, type[object]] = {
    "first": str,
    "last": str,
    "display_name": str,
    "email": str,
    "custom": Mapping,
    "avatar": str,
    "assignee_id": int,
    "is_opted_out": bool,
}
# Values of these types need no further check.
_TEXT, _DICT, _INT, _BOOL = (
    frozenset[type[object]]({kind, UnsetType, type(None)}) for kind in (str, dict, int, bool)
)


def _by_field_id(custom: Custom) -> dict[str, object]:
    values: dict[str, object] = {}
    try:
        for key, value in custom.items():
            field = str(key)
            if not (field.isascii() and field.isdigit()):
                raise ValueError(
                    "custom must be keyed by numeric field ids, such as {'123': 'Premium'};"
                    " contact_fields.resolve() turns titles into ids"
                )
            if not _is_finite(value):
                raise ValueError("custom must not hold NaN or infinity: they would be sent as null")
            values[field] = value
    except RecursionError:
        raise ValueError("custom must not be nested so deeply") from None
    if len(values) < len(custom):
        raise ValueError("custom must not have a field twice, once as number and once as text")
    return values


def _is_finite(value: object) -> bool:
    if isinstance(value, str):  # first, as it is the most common and the cheapest to ask
        return True
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, Mapping):
        return all(map(_is_finite, cast(Mapping[object, object], value).values()))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_finite, cast(Iterable[object], value)))
    return True


def _tag_refs(tags: Sequence[int | TagRef]) -> list[TagRef]:
    listed = list_of("tags", tags, (int, TagRef))
    if len(listed) > MAX_TAGS:
        raise ValueError(f"tags must be a list of at most {MAX_TAGS}")
    return [tag if isinstance(tag, TagRef) else TagRef(tag_id=tag) for tag in listed]

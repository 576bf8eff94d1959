"""The structs that are sent to Heymarket and read from its answers.

A write takes another struct than a read returns: `NewContact` is sent, `Contact` comes back. Every
field that is read is optional and nullable, because the documentation does not say which fields can
be null. A field that is left out of a struct to send stays out of the request, and `None` is sent
as null.

https://developers.heymarket.com/concepts/contacts
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from math import isfinite
from operator import attrgetter, contains
from typing import TYPE_CHECKING, cast
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from heymarket_async import timestamps
from heymarket_async.checks import list_of, one_of, phone_digits, uuid_of
from heymarket_async.privacy import hides_locals

MAX_TAGS = 5


class Answered(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of all structs that are read from answers."""

    @property
    def odd(self) -> dict[str, object]:
        """The fields that came with a value of another type than documented, as they were sent.

        The attribute is then None, or holds the part that could be read: the digits of a phone that
        came as a number, the right elements of a list. Usually this is empty. If it is not, it
        counts when two structs are compared, and is written when one is encoded.
        """
        return {}


class Note(Answered, frozen=True, kw_only=True, gc=False):
    """A note on a contact, as reads show it."""

    id: object = None
    date: str | None = None
    name: str | None = None
    text: str | None = None
    user_id: int | None = None


class ContactChannel(Answered, frozen=True, kw_only=True, gc=False):
    """One way to reach a contact.

    Attributes:
        id: An integer or a text: the documentation shows both, and for `contact_id` too.
        channel_type: "phone", "email", "facebook", or another supported integration.
        channel_id: The phone (E.164 digits), the e-mail, or the integration's id.

    https://developers.heymarket.com/api-reference/contacts/channels
    """

    id: int | str | None = None
    team_id: int | None = None
    contact_id: int | str | None = None
    channel_type: str | None = None
    channel_id: str | None = None
    channel_handle: str | None = None
    info_channel: str | None = None
    created: str | None = None
    updated: str | None = None


class Contact(Answered, frozen=True, kw_only=True, gc=False):
    """A contact as the server sent it; a field it did not send is None.

    Keys that are not listed here are skipped. To keep more, pass `returns=` a subclass with more
    fields, or `msgspec.Raw`, to the call that reads.

    A field that came with a value of another type is None, and the value is in `odd`. A subclass
    of your own is read strictly: a value like this raises `DecodeError`.

    Contacts are kept out of Python's garbage collection, because JSON has no cycles. Put no cycle
    into `custom` or `tags`.

    Attributes:
        id: Integer id, which the v1 endpoints take.
        uuid: The id that the v2 endpoints take. Documented in answers to writes only.
        phone: E.164 digits without the plus.
        custom: Values by custom field id, such as {"123": "Premium"}.
        tags: Tags; the shape of their elements is not documented.
        rev: Revision, one more with each write.
        created: When it was created, as the server wrote it; `created_at` is the datetime.
        updated: When it was last written, as the server wrote it; `updated_at` is the datetime.
        op: The last operation; its values are not documented.
        assigned_user_id: The user it is assigned to; written as `assignee_id`.

    https://developers.heymarket.com/api-reference/contacts/overview
    """

    id: int | None = None
    uuid: UUID | None = None
    display_name: str | None = None
    first: str | None = None
    last: str | None = None
    email: str | None = None
    phone: str | None = None
    custom: dict[str, object] | None = None
    team_id: int | None = None
    creator_id: int | None = None
    shared: bool | None = None
    created: str | None = None
    updated: str | None = None
    rev: int | None = None
    op: str | None = None
    assigned_user_id: int | None = None
    tags: list[object] | None = None
    is_opted_out: bool | None = None
    avatar: str | None = None
    external_id: str | None = None
    external_ref: str | None = None
    inbox_id: int | None = None
    parent_id: int | None = None
    note: list[Note] | None = None
    type: str | None = None
    contact_channels: list[ContactChannel] | None = None

    @property
    def created_at(self) -> datetime | None:
        """`created` as an aware datetime in UTC, cut to microseconds; None if it is not a time."""
        return _moment(self.created)

    @property
    def updated_at(self) -> datetime | None:
        """`updated` as an aware datetime in UTC, cut to microseconds; None if it is not a time.

        Do not use it as a cursor: it may be rounded.
        """
        return _moment(self.updated)


def _moment(text: str | None) -> datetime | None:
    try:
        return timestamps.parse(text) if text else None
    except ValueError:
        return None


class ContactRef(Answered, frozen=True, kw_only=True, gc=False):
    """The answer to a write of a contact.

    Attributes:
        id: Integer id, which the v1 endpoints take.
        rev: The revision that the write made.
        uuid: The id that the v2 endpoints take; older documentation does not list it.
    """

    id: int
    rev: int | None = None
    uuid: UUID | None = None


class ContactField(Answered, frozen=True, kw_only=True, gc=False):
    """A custom field of the account.

    Attributes:
        id: The key, as text, of `custom` in a contact.
        title: The name that people see; "" if the account has none.
        duplicate: In the answer to a create: a field with this title already existed (guessed from
            the name; not documented).
    """

    id: int
    title: str
    duplicate: bool | None = None


class ContactStatus(Answered, frozen=True, kw_only=True, gc=False):
    """Whether a contact can be messaged.

    Attributes:
        unsubscribed: Opted out of messages.
        blocked: Can neither send nor receive.
        unsubscribed_admin: A team member opted it out; not always sent.
        unsubscribed_contact: The contact opted out; not always sent.

    https://developers.heymarket.com/api-reference/contacts/status
    """

    id: int | None = None
    phone: str | None = None
    unsubscribed: bool | None = None
    blocked: bool | None = None
    unsubscribed_admin: bool | None = None
    unsubscribed_contact: bool | None = None


class NewStatus(StrEnum):
    """The statuses that `contacts.set_status` takes."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"


class TagRef(msgspec.Struct, frozen=True, kw_only=True):
    """A tag as the API takes it."""

    tag_id: int

    def __post_init__(self) -> None:
        one_of("tag_id", self.tag_id, int)


class Channel(msgspec.Struct, frozen=True, kw_only=True):
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


class _Writable(msgspec.Struct, frozen=True, kw_only=True):
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
        # The constructor of a struct does not check types.
        values = _checked_fields(self)
        if not all(map(contains, _USUAL, map(type, values))):
            for (name, kind), usual, value in zip(_KINDS.items(), _USUAL, values, strict=True):
                if type(value) not in usual:
                    one_of(name, value, kind)
        if self.custom is not UNSET and self.custom is not None:
            msgspec.structs.force_setattr(self, "custom", _by_field_id(self.custom))
        if self.tags is not UNSET and self.tags is not None:
            msgspec.structs.force_setattr(self, "tags", _tag_refs(self.tags))
        if self.email_suppressions is not UNSET and self.email_suppressions is not None:
            ids = list_of("email_suppressions", self.email_suppressions, int)
            msgspec.structs.force_setattr(self, "email_suppressions", ids)


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
_checked_fields = attrgetter(*_KINDS)
# Values of these types need no further check.
_USUAL = [{UnsetType, type(None), dict if kind is Mapping else kind} for kind in _KINDS.values()]


def _by_field_id(custom: Custom) -> dict[str, object]:
    values = {str(key): value for key, value in custom.items()}
    for key in values:
        if not (key.isascii() and key.isdigit()):
            raise ValueError(
                "custom must be keyed by numeric field ids, such as {'123': 'Premium'};"
                " contact_fields.resolve() turns titles into ids"
            )
    try:
        if not all(map(_is_finite, values.values())):
            raise ValueError("custom must not hold NaN or infinity: they would be sent as null")
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

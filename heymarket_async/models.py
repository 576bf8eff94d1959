"""What the API takes and gives, as msgspec structs.

What is sent and what comes back are different structs: `NewContact` in, `Contact` out. Every field
that is read is optional and nullable, because nullability is documented for none. Of what is sent,
a field left out stays out of the request, and `None` goes out as null.

https://developers.heymarket.com/concepts/contacts
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from heymarket_async import timestamps
from heymarket_async.checks import phone_digits

MAX_TAGS = 5


# --- What comes back -----------------------------------------------------------------------------


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A note on a contact, as reads show it."""

    id: object = None
    date: str | None = None
    name: str | None = None
    text: str | None = None
    user_id: int | None = None


class ContactChannel(msgspec.Struct, frozen=True, kw_only=True):
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


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A contact as the server sent it; a field it did not send is None.

    Keys that are not listed here are skipped. To keep more, pass `returns=` a subclass with more
    fields, or `msgspec.Raw`, to the call that reads.

    Attributes:
        id: Integer id, which the v1 endpoints take.
        uuid: The id that the v2 endpoints take. Documented in answers to writes only.
        phone: E.164 digits without the plus.
        custom: Values by custom field id, such as {"123": "Premium"}.
        tags: Tags; the shape of their elements is not documented.
        rev: Revision, one more with each write.
        created: When it was made, as the server wrote it; `created_at` is the datetime.
        updated: When it was last written, as the server wrote it; `updated_at` is the datetime.
        op: The last operation; its values are not documented.
        assigned_user_id: Who it is assigned to; written as `assignee_id`.

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
        """`created` as an aware datetime in UTC, cut to microseconds."""
        return timestamps.parse(self.created) if self.created else None

    @property
    def updated_at(self) -> datetime | None:
        """`updated` as an aware datetime in UTC, cut to microseconds; never a cursor."""
        return timestamps.parse(self.updated) if self.updated else None


class ContactRef(msgspec.Struct, frozen=True, kw_only=True):
    """What a write of a contact answers.

    Attributes:
        id: Integer id, which the v1 endpoints take.
        rev: The revision that the write made.
        uuid: The id that the v2 endpoints take; older documentation does not list it.
    """

    id: int
    rev: int | None = None
    uuid: UUID | None = None


class ContactField(msgspec.Struct, frozen=True, kw_only=True):
    """A custom field of the account.

    Attributes:
        id: The key, as text, of `custom` in a contact.
        title: The name that people see.
        duplicate: In the answer to a create: a field with this title was there already
            (so we read the name; it is not described).
    """

    id: int
    title: str
    duplicate: bool | None = None


class ContactStatus(msgspec.Struct, frozen=True, kw_only=True):
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
    """What `contacts.set_status` can make of a contact."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"


# --- What is sent --------------------------------------------------------------------------------


class TagRef(msgspec.Struct, frozen=True, kw_only=True):
    """A tag as the API takes it."""

    tag_id: int


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel to write: its type and its value.

    Attributes:
        channel_type: "phone", "email", "facebook", or another supported integration.
        channel_id: The phone, the e-mail, or the integration's id.
    """

    channel_type: str
    channel_id: str

    def __post_init__(self) -> None:
        if not self.channel_type or not self.channel_id:
            raise ValueError("channel_type and channel_id must not be empty")
        if self.channel_type == "phone":
            digits = phone_digits(self.channel_id, "channel_id of a phone channel")
            msgspec.structs.force_setattr(self, "channel_id", digits)


# Three, because a mapping's type is exact about its keys.
Custom = Mapping[str, object] | Mapping[int, object] | Mapping[str | int, object]


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
        if isinstance(self.custom, Mapping):
            msgspec.structs.force_setattr(self, "custom", _by_field_id(self.custom))
        if self.tags is not None and self.tags is not UNSET:
            msgspec.structs.force_setattr(self, "tags", _tag_refs(self.tags))


class ContactChanges(_Writable, frozen=True, kw_only=True):
    """Fields of a contact to write; all optional.

    A field left out is not sent. What Heymarket does with a field that is not sent, or sent as
    null, is not documented: read, change and write the whole if that matters.

    Attributes:
        phone: E.164 digits; one leading plus is taken off.
        first: First name.
        last: Last name.
        display_name: Name shown in the inbox; Heymarket builds it from first and last if left out.
        email: E-mail.
        custom: Values by custom field id; `contact_fields.resolve` makes it from titles.
        avatar: URL of an image.
        assignee_id: User id of a team member; -1 unassigns. Read as `assigned_user_id`.
        tags: Ids of tags, at most five. Whether they replace or add is not documented.
        is_opted_out: True opts the contact out of messages.
        email_suppressions: Ids of e-mail suppressions; not described any further.

    Raises:
        ValueError: A field breaks its rule; the message names the field and the rule.

    https://developers.heymarket.com/guides/manage-contacts
    """

    phone: str | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        # By name, not super(): msgspec makes the class anew, and super() needs the first one.
        _Writable.__post_init__(self)
        if isinstance(self.phone, str):
            msgspec.structs.force_setattr(self, "phone", phone_digits(self.phone))


class NewContact(_Writable, frozen=True, kw_only=True):
    """A contact to create, or to update, through the v1 endpoints; see `ContactChanges`.

    Attributes:
        phone: E.164 digits; one leading plus is taken off. The v1 endpoints need it in every
            write, changed or not.
    """

    phone: str

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


def _by_field_id(custom: Custom) -> dict[str, object]:
    for key in custom:
        if not (str(key).isascii() and str(key).isdigit()):
            raise ValueError(
                "custom must be keyed by numeric field ids, such as {'123': 'Premium'};"
                " contact_fields.resolve() makes them from titles"
            )
    return {str(key): value for key, value in custom.items()}


def _tag_refs(tags: Sequence[int | TagRef]) -> list[TagRef]:
    if len(tags) > MAX_TAGS:
        raise ValueError(f"tags must be at most {MAX_TAGS}, not {len(tags)}")
    refs = [tag if isinstance(tag, TagRef) else TagRef(tag_id=tag) for tag in tags]
    if any(not isinstance(ref.tag_id, int) or isinstance(ref.tag_id, bool) for ref in refs):
        raise ValueError("tags must be integer ids of tags, such as [55, 56]")
    return refs


# --- One outcome per item of a batch -------------------------------------------------------------


class Outcome(StrEnum):
    """What became of one item of a batch.

    `UNKNOWN` is an honest answer: the documentation contradicts itself, or the server's answer
    does not name the item. Look the contact up before you send it again.
    """

    STORED = "stored"
    FAILED = "failed"
    UNKNOWN = "unknown"


class BatchItem(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one contact of `contacts.create_batch`.

    Attributes:
        contact: The contact as given.
        outcome: STORED also stands for a known phone that was left alone.
        returned: What the answer says of this phone, every key kept, or None.
    """

    contact: NewContact
    outcome: Outcome
    returned: dict[str, object] | None = None


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `contacts.create_batch` did.

    Attributes:
        items: One per contact given, in that order.
        answer: What they were read from, decoded.
    """

    items: list[BatchItem]
    answer: object


class UpsertItem(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one contact of `contacts_v2.upsert_many`.

    Attributes:
        contact: The contact as given.
        outcome: FAILED if the answer lists it so; STORED if the answer accounts for all others.
        stored: The contact as stored, if the answer shows which one it is.
        failure: The failed entry with its error details, every key kept, or None.
    """

    contact: NewContactV2
    outcome: Outcome
    stored: Contact | None = None
    failure: dict[str, object] | None = None


class UpsertAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `contacts_v2.upsert_many` as the server sent it.

    Attributes:
        contacts: What was stored.
        failed_contacts: What failed: under "contact" as sent, with error details beside it.
    """

    contacts: list[Contact] | None = None
    failed_contacts: list[dict[str, object]] | None = None


class UpsertResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `contacts_v2.upsert_many` did.

    Attributes:
        items: One per contact given, in that order.
        answer: What they were read from.
    """

    items: list[UpsertItem]
    answer: UpsertAnswer

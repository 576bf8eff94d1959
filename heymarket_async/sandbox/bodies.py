"""What the handlers accept. Unknown keys are ignored; a field of the wrong type is a 400.

https://developers.heymarket.com/api-reference/contacts/create
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from heymarket_async.sandbox.records import OptionalInt, OptionalText

Count = Annotated[int, Meta(ge=0)]


class TagIn(Struct, frozen=True, kw_only=True):
    """A tag to put on a contact."""

    tag_id: int


class ContactIn(Struct, frozen=True, kw_only=True):
    """The writable contact body, the same for all writes of v1."""

    phone: OptionalText = UNSET
    first: OptionalText = UNSET
    last: OptionalText = UNSET
    display_name: OptionalText = UNSET
    email: OptionalText = UNSET
    avatar: OptionalText = UNSET
    custom: dict[str, object] | UnsetType | None = UNSET
    assignee_id: OptionalInt = UNSET
    tags: list[TagIn] | UnsetType | None = UNSET
    is_opted_out: bool | UnsetType | None = UNSET
    email_suppressions: list[int] | UnsetType | None = UNSET


class ChannelIn(Struct, frozen=True, kw_only=True):
    """A channel to add, or to change."""

    channel_type: str
    channel_id: str


class NewContactIn(ContactIn, frozen=True, kw_only=True):
    """The body of a v2 create."""

    contact_channels: list[ChannelIn]


class BulkItemIn(ContactIn, frozen=True, kw_only=True):
    """One contact of a v2 bulk write: an update if it has a `contact_id`."""

    contact_id: str | None = None
    contact_channels: list[ChannelIn] = []


class BulkIn(Struct, frozen=True, kw_only=True):
    """The body of a bulk write; its items are judged one by one."""

    contacts: list[object]


class ChannelFilter(Struct, frozen=True, kw_only=True):
    """Channels to look for, of one type if it is given."""

    channel_ids: list[str]
    channel_type: str | None = None


class SearchIn(Struct, frozen=True, kw_only=True):
    """The body of a search and of a bulk delete."""

    contact_channels: list[ChannelFilter]


class ListIn(Struct, frozen=True, kw_only=True):
    """The shared "Pagination json"; the keys that have no description are ignored."""

    date: str | None = None
    limit: Count | None = None
    page: Count | None = None
    ascending: bool | None = None


class WhoIn(Struct, frozen=True, kw_only=True):
    """A contact named by `phone` or `id`; the old docs write the id as a string."""

    phone: str | None = None
    id: int | str | None = None


class StatusIn(WhoIn, frozen=True, kw_only=True):
    """A contact and what it shall be."""

    status: str


class FieldIn(Struct, frozen=True, kw_only=True):
    """A custom field to create."""

    title: Annotated[str, Meta(min_length=1)]

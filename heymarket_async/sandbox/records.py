"""A contact as the sandbox keeps and sends it.

https://developers.heymarket.com/api-reference/contacts/overview
"""

from typing import TypeAlias

from msgspec import UNSET, Struct, UnsetType

OptionalText: TypeAlias = str | UnsetType | None
OptionalInt: TypeAlias = int | UnsetType | None

TEAM_ID = 7001


class Tag(Struct, frozen=True, kw_only=True):
    """A tag of a contact, as reads show it."""

    id: int
    tag_id: int


class Note(Struct, frozen=True, kw_only=True):
    """A note that a team member left on a contact; read only in the public API."""

    date: str
    id: str
    name: str
    text: str
    user_id: int


class Channel(Struct, frozen=True, kw_only=True):
    """One way to reach a contact: a phone, an e-mail address or an account elsewhere."""

    id: int | str
    team_id: int = TEAM_ID
    contact_id: int | str
    channel_type: str
    channel_id: str
    channel_handle: OptionalText = UNSET
    info_channel: OptionalText = UNSET
    created: str
    updated: str


class Record(Struct, kw_only=True):
    """A contact, with every documented read field; an unset field is left out of the JSON."""

    id: int
    uuid: str | UnsetType = UNSET
    display_name: OptionalText = UNSET
    first: OptionalText = UNSET
    last: OptionalText = UNSET
    email: OptionalText = UNSET
    phone: OptionalText = UNSET
    avatar: OptionalText = UNSET
    custom: dict[str, object] | UnsetType | None = UNSET
    team_id: int = TEAM_ID
    creator_id: OptionalInt = UNSET
    shared: bool | UnsetType = UNSET
    created: str = ""
    updated: str = ""
    rev: int = 1
    op: str = "create"
    assigned_user_id: OptionalInt = UNSET
    tags: list[Tag] | UnsetType | None = UNSET
    is_opted_out: bool | UnsetType | None = UNSET
    external_id: OptionalText = UNSET
    external_ref: OptionalText = UNSET
    inbox_id: OptionalInt = UNSET
    parent_id: OptionalInt = UNSET
    note: list[Note] | UnsetType | None = UNSET
    type: OptionalText = UNSET
    email_suppressions: list[int] | UnsetType | None = UNSET
    contact_channels: list[Channel] | UnsetType = UNSET
    carrier_hint: OptionalText = UNSET


class TagIn(Struct, frozen=True, kw_only=True):
    """A tag to put on a contact."""

    tag_id: int


class ContactIn(Struct, frozen=True, kw_only=True):
    """The writable contact body, the same for all writes of v1.

    Unknown keys are ignored, in all bodies; a field of the wrong type is answered 400.

    https://developers.heymarket.com/api-reference/contacts/create
    """

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

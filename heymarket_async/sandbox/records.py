"""A contact as the sandbox keeps and sends it.

https://developers.heymarket.com/api-reference/contacts/overview
"""

from typing import TypeAlias

from msgspec import UNSET, Struct, UnsetType

Text: TypeAlias = str | UnsetType | None
Number: TypeAlias = int | UnsetType | None

TEAM_ID = 7001


class Tag(Struct, frozen=True, kw_only=True):
    """One tag of a contact, as reads show it."""

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
    channel_handle: Text = UNSET
    info_channel: Text = UNSET
    created: str
    updated: str


class Record(Struct, kw_only=True):
    """A contact, with every documented read field; an unset field is left out of the JSON."""

    id: int
    uuid: str | UnsetType = UNSET
    display_name: Text = UNSET
    first: Text = UNSET
    last: Text = UNSET
    email: Text = UNSET
    phone: Text = UNSET
    avatar: Text = UNSET
    custom: dict[str, object] | UnsetType | None = UNSET
    team_id: int = TEAM_ID
    creator_id: Number = UNSET
    shared: bool | UnsetType = UNSET
    created: str = ""
    updated: str = ""
    rev: int = 1
    op: str = "create"
    assigned_user_id: Number = UNSET
    tags: list[Tag] | UnsetType | None = UNSET
    is_opted_out: bool | UnsetType | None = UNSET
    external_id: Text = UNSET
    external_ref: Text = UNSET
    inbox_id: Number = UNSET
    parent_id: Number = UNSET
    note: list[Note] | UnsetType | None = UNSET
    type: Text = UNSET
    email_suppressions: list[int] | UnsetType | None = UNSET
    contact_channels: list[Channel] | UnsetType = UNSET
    carrier_hint: Text = UNSET

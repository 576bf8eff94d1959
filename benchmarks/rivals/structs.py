"""The contact as hand-written msgspec structs, with the fields of this package's own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec


class Note(msgspec.Struct, frozen=True, kw_only=True):
    id: Any = None
    date: str | None = None
    name: str | None = None
    text: str | None = None
    user_id: int | None = None


class ContactChannel(msgspec.Struct, frozen=True, kw_only=True):
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
    id: int | None = None
    uuid: UUID | None = None
    display_name: str | None = None
    first: str | None = None
    last: str | None = None
    email: str | None = None
    phone: str | None = None
    custom: dict[str, Any] | None = None
    team_id: int | None = None
    creator_id: int | None = None
    shared: bool | None = None
    created: str | None = None
    updated: str | None = None
    rev: int | None = None
    op: str | None = None
    assigned_user_id: int | None = None
    tags: list[Any] | None = None
    is_opted_out: bool | None = None
    avatar: str | None = None
    external_id: str | None = None
    external_ref: str | None = None
    inbox_id: int | None = None
    parent_id: int | None = None
    note: list[Note] | None = None
    type: str | None = None
    contact_channels: list[ContactChannel] | None = None


class NoteWithoutGc(Note, frozen=True, kw_only=True, gc=False):
    pass


class ChannelWithoutGc(ContactChannel, frozen=True, kw_only=True, gc=False):
    pass


class ContactWithoutGc(Contact, frozen=True, kw_only=True, gc=False):
    """JSON has no cycles, so garbage collection can skip these contacts."""

    note: list[NoteWithoutGc] | None = None  # type: ignore[assignment] # a narrower list
    contact_channels: list[ChannelWithoutGc] | None = None  # type: ignore[assignment] # as above


class ContactRef(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    rev: int | None = None
    uuid: UUID | None = None


class PageQuery(msgspec.Struct, omit_defaults=True):
    date: str | None = None
    limit: int | None = None


class NewContact(msgspec.Struct, omit_defaults=True):
    phone: str
    first: str | None = None
    last: str | None = None
    display_name: str | None = None
    email: str | None = None
    custom: dict[str, Any] | None = None
    avatar: str | None = None
    assignee_id: int | None = None
    is_opted_out: bool | None = None


encode = msgspec.json.Encoder().encode
read_page = msgspec.json.Decoder(list[Contact]).decode
read_page_without_gc = msgspec.json.Decoder(list[ContactWithoutGc]).decode
read_ref = msgspec.json.Decoder(ContactRef).decode

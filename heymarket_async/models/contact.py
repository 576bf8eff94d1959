"""Contacts and what belongs to them, as answers show them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from heymarket_async.models.answered import Answered, moment


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
        return moment(self.created)

    @property
    def updated_at(self) -> datetime | None:
        """`updated` as an aware datetime in UTC, cut to microseconds; None if it is not a time.

        Do not use it as a cursor: it may be rounded.
        """
        return moment(self.updated)


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

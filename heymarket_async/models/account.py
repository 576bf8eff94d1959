"""Inboxes, the team and its users, as answers show them."""

from __future__ import annotations

from typing import ClassVar

from heymarket_async.models.answered import Answered


class Inbox(Answered, frozen=True, kw_only=True, gc=False):
    """An inbox of the team; a field that the server did not send is None.

    Attributes:
        id: Integer id, which sending calls `inbox_id`.
        phone: Its phone: E.164 digits, with a plus on one page of the documentation. `phone_digits`
            is without it.
        phones: All its phones, written like `phone`.
        members: The member ids of those who use it. Sending calls one of them `creator_id`.
        invited: Whether the asking user is invited, or the list of those who are; both are
            documented.
        widget_settings: Those of its web chat; not described.

    https://developers.heymarket.com/api-reference/inboxes
    """

    listed_in: ClassVar[str] = "inboxes"

    id: int | None = None
    name: str | None = None
    phone: str | None = None
    phones: list[str] | None = None
    members: list[int] | None = None
    team: int | None = None
    invited: bool | list[object] | None = None
    forward_number: str | None = None
    allowed_domains: list[str] | None = None
    auto_assignable: bool | None = None
    bco_chats: object = None
    widget_code: str | None = None
    widget_settings: object = None
    op: str | None = None
    rev: int | None = None

    @property
    def phone_digits(self) -> str | None:
        """`phone` as other calls take it: without the plus that it may have."""
        return self.phone and self.phone.removeprefix("+")


class TeamMember(Answered, frozen=True, kw_only=True, gc=False):
    """A member of the team, as `team.get` shows it.

    Attributes:
        id: The member id, which sending calls `creator_id`.
        role: The name or the id of its role; its values are not documented.
    """

    id: int | None = None
    name: str | None = None
    role: str | int | None = None


class Team(Answered, frozen=True, kw_only=True, gc=False):
    """The team that the credentials belong to.

    Attributes:
        list_size: Not described.

    https://developers.heymarket.com/api-reference/team
    """

    id: int | None = None
    name: str | None = None
    list_size: int | None = None
    members: list[TeamMember] | None = None


class TeamUser(Answered, frozen=True, kw_only=True, gc=False):
    """A user of the team, as `users.find` and `users.update` show it.

    Attributes:
        role_id: Its role; the values are not documented.
        created_at: When it joined the team, as the server wrote it. Here the server itself ends the
            names of its texts with "_at".
        updated_at: When its membership was last written.
        user_created_at: When the user was created.
        user_updated_at: When the user was last written.

    https://developers.heymarket.com/api-reference/users
    """

    listed_in: ClassVar[str] = "memberships"

    id: int | None = None
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    role_id: int | None = None
    team_id: int | None = None
    created_at: str | None = None
    updated_at: str | None = None
    user_created_at: str | None = None
    user_updated_at: str | None = None

"""The team of the account: its members, and the inboxes that they share."""

import msgspec
from msgspec import Struct

from heymarket_async.sandbox.people import MadeUp
from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.records import TEAM_ID

_SINCE = "2023-05-02T08:15:00Z"


class User(Struct, kw_only=True):
    """A team member as the calls of users show it; the id is that of the team's `members`.

    https://developers.heymarket.com/api-reference/users
    """

    id: int
    phone: str
    name: str
    email: str
    role_id: int
    team_id: int = TEAM_ID
    created_at: str = _SINCE
    updated_at: str = _SINCE
    user_created_at: str = _SINCE
    user_updated_at: str = _SINCE


class Inbox(Struct, kw_only=True):
    """An inbox: a phone number of the team, and the members who share it.

    https://developers.heymarket.com/api-reference/inboxes
    """

    id: int
    name: str
    phone: str
    phones: list[str]
    team: int
    members: list[int]
    auto_assignable: bool
    rev: int
    op: str
    invited: list[str] = []


class Team:
    """The team of the account.

    Attributes:
        inboxes: The inboxes by id, in the order of their list.
        users: The members by id, in the order of the team.
    """

    def __init__(self, made_up: MadeUp, readings: Readings) -> None:
        self.readings = readings
        inboxes = msgspec.convert(made_up.inboxes, list[Inbox])
        self.inboxes = {inbox.id: inbox for inbox in inboxes}
        self.users = {
            member.id: User(
                id=member.id, phone=member.phone, name=member.name, email=member.email, role_id=2
            )
            for member in made_up.members
        }
        self._roles = {member.id: member.role for member in made_up.members}
        self._team = made_up.team

    def shown(self) -> dict[str, object]:
        """Return the team as its call shows it."""
        members = [
            {"id": user.id, "name": user.name, "role": self._roles[user.id]}
            for user in self.users.values()
        ]
        return {**self._team, "members": members}

    def shown_inboxes(self) -> object:
        """Return the inboxes as their call shows them, in the shape of the readings."""
        inboxes = list(self.inboxes.values())
        if self.readings.inboxes == "array":
            return inboxes
        old = [
            {
                **msgspec.to_builtins(inbox),
                "phone": f"+{inbox.phone}",
                "phones": [f"+{phone}" for phone in inbox.phones],
                "invited": bool(inbox.invited),
            }
            for inbox in inboxes
        ]
        return {"inboxes": old}

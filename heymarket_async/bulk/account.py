"""Which account a job works on, so that its stored state is not taken to another one."""

from __future__ import annotations

import msgspec

from heymarket_async.client import HeymarketClient
from heymarket_async.errors import PermissionDeniedError
from heymarket_async.request import Repeat

_TEAM = "team "


class Account(msgspec.Struct, frozen=True):
    """Which account it is; holds nothing secret.

    Attributes:
        name: Its team and its server, such as "team 7001 of https://api.heymarket.com"; where the
            team cannot be read, the same as `credentials`.
        credentials: The fingerprint of the credentials, and the server.
    """

    name: str
    credentials: str

    def is_the_one(self, name: str, credentials: str | None) -> bool:
        """Whether it is the account that was stored.

        The credentials count only where one of the two has no team: they are rotated, and a file
        that follows an account for years must outlive them.

        Args:
            name: The stored `name`.
            credentials: The stored `credentials`; None if an older version has stored none.
        """
        if name == self.name:
            return True
        is_without_team = not (name.startswith(_TEAM) and self.name.startswith(_TEAM))
        return is_without_team and self.credentials in {name, credentials}

    def is_same_team(self, name: str) -> bool:
        """Whether the account that was stored has the same team, on this server or another one."""
        team = name.partition(" of ")[0]
        return team.startswith(_TEAM) and team == self.name.partition(" of ")[0]

    def better(self, name: str) -> str:
        """Return the name to store, of this account's and the one that was stored."""
        return self.name if self.name.startswith(_TEAM) else name


class _Team(msgspec.Struct):
    id: int | str


async def account_of(client: HeymarketClient) -> Account:
    """Return the account of a client.

    The server and the team identify it. If there is no right to read the team, the credentials
    take its place.

    Raises:
        HeymarketError: The team cannot be asked for.

    https://developers.heymarket.com/api-reference/team
    """
    try:
        team = await client.request("GET", "/v1/team", returns=_Team, repeat=Repeat.READ)
    except PermissionDeniedError:
        team = None
    credentials = f"credentials {client.fingerprint} of {client.base_url}"
    name = credentials if team is None else f"{_TEAM}{team.id} of {client.base_url}"
    return Account(name, credentials)

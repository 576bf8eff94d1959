"""Which account a job works on, so that its stored state is not taken to another one."""

from __future__ import annotations

import msgspec

from heymarket_async.client import HeymarketClient
from heymarket_async.request import Repeat


class _Team(msgspec.Struct):
    id: int | str


async def account_of(client: HeymarketClient) -> str:
    """Return a name for the account of a client, which holds nothing secret.

    It is made of the server and the team, not of the credentials: those are rotated, and a file
    that follows an account for years must outlive them.

    Raises:
        HeymarketError: The team cannot be read.

    https://developers.heymarket.com/api-reference/team
    """
    team = await client.request("GET", "/v1/team", returns=_Team, repeat=Repeat.READ)
    return f"team {team.id} of {client.base_url}"

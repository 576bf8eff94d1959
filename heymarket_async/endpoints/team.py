"""The team of the credentials."""

from __future__ import annotations

from heymarket_async.endpoints.group import Group
from heymarket_async.models.account import Team
from heymarket_async.request import Endpoint, Repeat

GET = Endpoint("GET", "/v1/team", Team, Repeat.READ, one=True)


class Teams(Group):
    """The team of the credentials: `client.team`."""

    async def get(self) -> Team:
        """Return the team with its members, whose ids sending takes as `creator_id`.

        https://developers.heymarket.com/api-reference/team
        """
        return await self._send(GET.request(about={}))

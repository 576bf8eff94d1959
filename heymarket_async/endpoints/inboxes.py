"""The inboxes of the team."""

from __future__ import annotations

from heymarket_async.endpoints.group import Group
from heymarket_async.endpoints.history import INBOXES as ALL
from heymarket_async.models.account import Inbox


class Inboxes(Group):
    """The inboxes of the team: `client.inboxes`."""

    async def all(self) -> list[Inbox]:
        """Return all inboxes that the credentials may use.

        The documentation shows a list, and on another page an object with a list; both are read.

        https://developers.heymarket.com/api-reference/inboxes
        """
        return await self._send(ALL.request())

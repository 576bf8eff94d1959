"""The users of the team, by phone or e-mail."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from heymarket_async.batches import UserItem, user_items
from heymarket_async.checks import email_of, known_as, list_of, phone_digits
from heymarket_async.endpoints.group import Group
from heymarket_async.models.account import TeamUser
from heymarket_async.models.new_user import UserChanges
from heymarket_async.request import Endpoint, Repeat

FIND = Endpoint("GET", "/v1/users/get", list[TeamUser], Repeat.READ)
UPDATE = Endpoint("POST", "/v1/users/update", list[TeamUser], Repeat.IDEMPOTENT)

logger = logging.getLogger("heymarket_async")


class Users(Group):
    """The users of the team: `client.users`."""

    async def find(
        self, *, phones: Sequence[str] = (), emails: Sequence[str] = ()
    ) -> list[TeamUser]:
        """Return the users that have one of these phones or e-mails.

        The call is a GET with a body. A proxy may drop that body, and then Heymarket cannot know
        who is asked for. So users that were not asked for are left out, and a warning is logged,
        because others may be missing.

        Args:
            phones: E.164 digits; one leading plus is removed.
            emails: E-mails. At least one phone or e-mail is needed.

        https://developers.heymarket.com/api-reference/users
        """
        digits = [phone_digits(each, "each of phones") for each in list_of("phones", phones, str)]
        mails = [email_of("each of emails", each) for each in list_of("emails", emails, str)]
        wanted = {"phone": digits, "email": mails}
        body = {name: values for name, values in wanted.items() if values}
        if not body:
            raise ValueError("find needs at least one phone or e-mail")
        users = await self._send(FIND.request(body=body))
        known = {known_as(each) for each in (*digits, *mails)}
        found = [user for user in users if not (shown := _shown(user)) or known & shown]
        if len(found) < len(users):
            logger.warning(
                "%s: %d of %d users in the answer were not asked for. A proxy may have dropped the"
                " body of the request; then users that you asked for may be missing.",
                FIND.call,
                len(users) - len(found),
                len(users),
            )
        return found

    async def update(self, users: Sequence[UserChanges]) -> list[UserItem]:
        """Change users in one request, and return one outcome for each, in the same order.

        Args:
            users: At least one, none of them twice; the most is not documented.

        Raises:
            BadRequestError: A field is invalid. It is not documented whether the other users were
                changed then.

        https://developers.heymarket.com/api-reference/users-update
        """
        batch = list_of("users", users, UserChanges)
        if not batch:
            raise ValueError("users must not be empty")
        if len({each.id for each in batch}) < len(batch):
            raise ValueError("users must not have an id twice")
        answer = await self._send(UPDATE.request(body={"users": batch}))
        return user_items(batch, answer)


def _shown(user: TeamUser) -> set[str]:
    return {known_as(each) for each in (user.phone, user.email) if each}

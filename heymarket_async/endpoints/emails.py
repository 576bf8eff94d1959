"""E-mails to send.

https://developers.heymarket.com/api-reference/messages/send-email
"""

from __future__ import annotations

from typing import cast

import msgspec

from heymarket_async import sending
from heymarket_async.checks import one_of
from heymarket_async.endpoints.group import Group
from heymarket_async.models.new_message import NewEmail, SentMessage
from heymarket_async.request import Endpoint, Repeat

SEND = Endpoint("POST", "/v1/email/send", SentMessage, Repeat.IDEMPOTENT)


class Emails(Group):
    """E-mails: `client.emails`."""

    async def send(self, email: NewEmail) -> SentMessage:
        """Send an e-mail. The answer means accepted, not delivered.

        It is repeated after a lost answer, with the same `local_id`, for which Heymarket makes no
        second e-mail. It may be called again with the same e-mail: if this client has sent it, it
        returns that result. An answer of 409 to a repeat means that the e-mail was sent: the result
        then has no `id`. To the first attempt, it means that the `local_id` was used before, and
        raises with `may_have_taken_effect`.

        Raises:
            BadRequestError: A field is invalid.

        https://developers.heymarket.com/api-reference/messages/send-email
        """
        one_of("email", email, NewEmail)
        request = SEND.request(
            body=_body(email), about=sending.about(email.local_id, email.convo_id)
        )
        async with self._transport.sends.turn(email) as send:
            return send.result or await send.attempt(self._send(request), conflict_ends_repeat=True)


def _body(email: NewEmail) -> dict[str, object]:
    body = cast("dict[str, object]", msgspec.to_builtins(email))
    body["inbox"] = body.pop("inbox_id")  # only this call names it so
    if targets := [f"to:{each}" for each in email.to] + [f"cc:{each}" for each in email.cc]:
        body["targets"] = targets
    return {name: value for name, value in body.items() if name not in {"to", "cc"}}

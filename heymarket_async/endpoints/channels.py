"""Phones, e-mails and other channels of one contact (v2).

Channels are addressed by their type, so a contact seems to have one of each type; what happens with
two is not documented.

https://developers.heymarket.com/api-reference/contacts/channels
"""

from __future__ import annotations

from uuid import UUID

from heymarket_async.checks import known_as, one_of, segment_of, uuid_of
from heymarket_async.models import Channel, ContactChannel
from heymarket_async.privacy import hides_locals
from heymarket_async.request import Endpoint, Repeat
from heymarket_async.transport.send import Transport

ADD = Endpoint("POST", "/v2/contact/{contactID}/channel", list[ContactChannel], Repeat.UNSAFE)
REPLACE = Endpoint("PUT", "/v2/contact/{contactID}/channel", type(None), Repeat.IDEMPOTENT)
ALL = Endpoint("GET", "/v2/contact/{contactID}/channels", list[ContactChannel], Repeat.READ)
GET = Endpoint(
    "GET", "/v2/contact/{contactID}/channel/{channelType}", ContactChannel, Repeat.READ, one=True
)
REMOVE = Endpoint(
    "DELETE", "/v2/contact/{contactID}/channel/{channelType}", type(None), Repeat.IDEMPOTENT
)


@hides_locals
class ContactChannels:
    """Phones, e-mails and other channels of one contact: `client.contact_channels`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def add(self, contact_uuid: UUID | str, channel: Channel) -> list[ContactChannel]:
        """Add a channel, and return all channels of the contact.

        It is not repeated once it may have been carried out; it then raises with
        `may_have_taken_effect`. Look at `all` before you try again.

        Raises:
            NotFoundError: No contact has this UUID.

        https://developers.heymarket.com/guides/manage-contacts
        """
        contact_id = uuid_of("contact_uuid", contact_uuid)
        one_of("channel", channel, Channel)
        about = {"contact_id": contact_id, "channel": frozenset({known_as(channel.channel_id)})}
        return await self._transport.send(
            ADD.request(contactID=contact_id, body=channel, about=about)
        )

    async def replace(self, contact_uuid: UUID | str, channel: Channel) -> None:
        """Give the channel of this type another value. The answer is not documented.

        Raises:
            NotFoundError: No contact has this UUID, or it has no channel of this type.
        """
        contact_id = uuid_of("contact_uuid", contact_uuid)
        one_of("channel", channel, Channel)
        about = {"contact_id": contact_id}
        await self._transport.send(REPLACE.request(contactID=contact_id, body=channel, about=about))

    async def all(self, contact_uuid: UUID | str) -> list[ContactChannel]:
        """Return all channels of a contact.

        Raises:
            NotFoundError: No contact has this UUID.

        https://developers.heymarket.com/api-reference/contacts/channels-get
        """
        contact_id = uuid_of("contact_uuid", contact_uuid)
        request = ALL.request(contactID=contact_id, about={"contact_id": contact_id})
        return await self._transport.send(request)

    async def get(self, contact_uuid: UUID | str, channel_type: str) -> ContactChannel:
        """Return the channel of one type.

        Args:
            contact_uuid: The UUID, not the integer id that the v1 endpoints take.
            channel_type: "phone", "email", "facebook", or another supported integration.

        Raises:
            NotFoundError: No contact has this UUID, or it has no channel of this type.

        https://developers.heymarket.com/api-reference/contacts/channels-get
        """
        contact_id = uuid_of("contact_uuid", contact_uuid)
        request = GET.request(
            contactID=contact_id,
            channelType=segment_of("channel_type", channel_type),
            about={"contact_id": contact_id, "channel_type": channel_type},
        )
        return await self._transport.send(request)

    async def remove(self, contact_uuid: UUID | str, channel_type: str) -> None:
        """Remove the channel of one type. The answer is not documented.

        If an answer was lost and the repeated call finds nothing, that is a success.

        Raises:
            NotFoundError: No contact has this UUID, or it has no channel of this type.
        """
        contact_id = uuid_of("contact_uuid", contact_uuid)
        request = REMOVE.request(
            contactID=contact_id,
            channelType=segment_of("channel_type", channel_type),
            about={"contact_id": contact_id},
        )
        await self._transport.send(request)

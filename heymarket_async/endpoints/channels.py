"""Phones, e-mails and other channels of one contact (v2).

Channels are addressed by their type, so a contact seems to have one channel of a type. It is not
documented how two of a type are handled.

https://developers.heymarket.com/api-reference/contacts/channels
"""

from __future__ import annotations

from uuid import UUID

from heymarket_async.checks import known_as, one_of
from heymarket_async.endpoints.group import Group
from heymarket_async.models.contact import ContactChannel
from heymarket_async.models.new_contact import Channel
from heymarket_async.request import Endpoint, Repeat

_CHANNELS = "/v2/contact/{contactID}/channels"
_CHANNEL = "/v2/contact/{contactID}/channel"
_BY_TYPE = "/v2/contact/{contactID}/channel/{channelType}"
_OF_CONTACT = {"contactID": "contact_id"}
_OF_BOTH = {**_OF_CONTACT, "channelType": "channel_type"}

ADD = Endpoint("POST", _CHANNEL, list[ContactChannel], Repeat.UNSAFE, id_fields=_OF_CONTACT)
REPLACE = Endpoint("PUT", _CHANNEL, type(None), Repeat.IDEMPOTENT, id_fields=_OF_CONTACT)
ALL = Endpoint("GET", _CHANNELS, list[ContactChannel], Repeat.READ, id_fields=_OF_CONTACT)
GET = Endpoint("GET", _BY_TYPE, ContactChannel, Repeat.READ, one=True, id_fields=_OF_BOTH)
REMOVE = Endpoint("DELETE", _BY_TYPE, type(None), Repeat.IDEMPOTENT, id_fields=_OF_CONTACT)


class ContactChannels(Group):
    """Phones, e-mails and other channels of one contact: `client.contact_channels`."""

    async def add(self, contact_uuid: UUID | str, channel: Channel) -> list[ContactChannel]:
        """Add a channel, and return all channels of the contact.

        It is not repeated once it may have been carried out. It then raises with
        `may_have_taken_effect`. Look at `all` before you try again.

        Raises:
            NotFoundError: No contact has this UUID.

        https://developers.heymarket.com/guides/manage-contacts
        """
        one_of("channel", channel, Channel)
        about = {"channel": frozenset({known_as(channel.channel_id)})}
        return await self._send(ADD.request(contactID=contact_uuid, body=channel, about=about))

    async def replace(self, contact_uuid: UUID | str, channel: Channel) -> None:
        """Change the value of the channel of this type. The answer is not documented.

        Raises:
            NotFoundError: No contact has this UUID, or it has no channel of this type.
        """
        one_of("channel", channel, Channel)
        await self._send(REPLACE.request(contactID=contact_uuid, body=channel))

    async def all(self, contact_uuid: UUID | str) -> list[ContactChannel]:
        """Return all channels of a contact.

        Raises:
            NotFoundError: No contact has this UUID.

        https://developers.heymarket.com/api-reference/contacts/channels-get
        """
        return await self._send(ALL.request(contactID=contact_uuid))

    async def get(self, contact_uuid: UUID | str, channel_type: str) -> ContactChannel:
        """Return the channel of one type.

        Args:
            contact_uuid: The UUID, not the integer id that the v1 endpoints take.
            channel_type: "phone", "email", "facebook", or another supported integration.

        Raises:
            NotFoundError: No contact has this UUID, or it has no channel of this type.

        https://developers.heymarket.com/api-reference/contacts/channels-get
        """
        return await self._send(GET.request(contactID=contact_uuid, channelType=channel_type))

    async def remove(self, contact_uuid: UUID | str, channel_type: str) -> None:
        """Remove the channel of one type. The answer is not documented.

        If an answer was lost and the repeated call finds nothing, that is a success.

        Raises:
            NotFoundError: No contact has this UUID, or it has no channel of this type.
        """
        await self._send(REMOVE.request(contactID=contact_uuid, channelType=channel_type))

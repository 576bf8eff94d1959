"""Create a contact unless its phone is known, and settle a create whose outcome is not known."""

import asyncio

from heymarket_async import HeymarketClient, HeymarketError, NewContact


async def create_unless_known(client: HeymarketClient, contact: NewContact) -> int | None:
    """Return the id of the contact that has the phone, made now if need be."""
    known = await client.contacts.find(phone=contact.phone)
    if known is not None:
        return known.id
    try:
        return (await client.contacts.create(contact)).id
    except HeymarketError as error:
        if not error.may_have_taken_effect:
            raise
        # How soon a write can be seen is not documented.
        await asyncio.sleep(2)
        made = await client.contacts.find(phone=contact.phone)
        if made is None:
            raise
        return made.id


async def main() -> None:
    """Ask for the same contact twice."""
    async with HeymarketClient.from_env() as client:
        custom = await client.contact_fields.resolve({"Plan": "Premium"})
        jordan = NewContact(phone="15105553344", first="Jordan", custom=custom)
        first = await create_unless_known(client, jordan)
        again = await create_unless_known(client, jordan)
        print(first == again, first)


asyncio.run(main())

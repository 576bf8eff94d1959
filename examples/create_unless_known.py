"""Create a contact unless its phone already exists, even if an answer is lost."""

import asyncio

from heymarket_async import HeymarketClient, NewContact


async def main() -> None:
    """Ask for the same contact twice."""
    async with HeymarketClient.from_env() as client:
        custom = await client.contact_fields.resolve({"Plan": "Premium"})
        jordan = NewContact(phone="15105553344", first="Jordan", custom=custom)
        first = await client.contacts.ensure(jordan)
        again = await client.contacts.ensure(jordan)
        print(first.was_created, again.was_created, first.contact.id == again.contact.id)


asyncio.run(main())

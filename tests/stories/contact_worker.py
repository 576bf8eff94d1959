"""A worker that makes contact calls of all kinds, and keeps what it may rely on."""

from __future__ import annotations

import random

from heymarket_async import Channel, HeymarketClient, HeymarketError, NewContact


class Worker:
    """Makes calls of all kinds, and keeps what it may rely on."""

    def __init__(self, client: HeymarketClient, number: int) -> None:
        self.client = client
        self.random = random.Random(number)
        self.next_phone = 15_000_000_000 + number * 100_000
        self.created: list[str] = []
        self.unknown: list[str] = []
        self.refs: list = []

    async def work(self, calls: int) -> None:
        kinds = [self.create, self.add_channel, self.read, self.update, self.delete]
        for _ in range(calls):
            await self.random.choice(kinds if self.refs else kinds[:1])()

    async def create(self) -> None:
        self.next_phone += 1
        phone = str(self.next_phone)
        try:
            ref = await self.client.contacts.create(NewContact(phone=phone, first="New"))
        except HeymarketError as error:
            assert error.may_have_taken_effect, "a create fails only if it may have been done"
            self.unknown.append(phone)
        else:
            self.created.append(phone)
            self.refs.append((ref, phone))

    async def add_channel(self) -> None:
        ref, phone = self.random.choice(self.refs)
        channel = Channel(channel_type="facebook", channel_id=f"{phone}-{self.random.random()}")
        try:
            await self.client.contact_channels.add(ref.uuid, channel)
        except HeymarketError as error:
            assert error.may_have_taken_effect

    async def read(self) -> None:
        ref, phone = self.random.choice(self.refs)
        contact = await self.client.contacts.get(ref.id)
        assert contact.phone == phone
        assert len(await self.client.contacts_v2.search(phones=[phone])) == 1

    async def update(self) -> None:
        ref, phone = self.random.choice(self.refs)
        await self.client.contacts.update(ref.id, NewContact(phone=phone, first="Newer"))

    async def delete(self) -> None:
        ref, phone = self.refs.pop(self.random.randrange(len(self.refs)))
        self.created.remove(phone)
        await self.client.contacts.delete(ref.id)

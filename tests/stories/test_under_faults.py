"""Much work while everything fails now and then: nothing lost, nothing done twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import msgspec
import pytest

from heymarket_async import (
    ApiSecret,
    Channel,
    HeymarketClient,
    HeymarketError,
    NewContact,
    RateLimit,
    RetryPolicy,
)
from heymarket_async.bulk import JsonLines, export_contacts
from heymarket_async.sandbox import Readings, Sandbox

pytestmark = pytest.mark.unmeasured

# At one fault in ten, one call in ten thousand million fails twelve times in a row.
STUBBORN = RetryPolicy(attempts=12, base_s=0.0005, cap_s=0.01)
BUSY_S = "0.01"
"""How long a 429 asks to wait; "0" would be no hint, and cost each a window."""
FAULTS = ("429", "500", "502", "503", "504", "408", "cut", "reset", "reset_after", "html500")


def client_of(sandbox: Sandbox) -> HeymarketClient:
    return HeymarketClient(
        ApiSecret(*sandbox.credentials),
        base_url=sandbox.url,
        retry=STUBBORN,
        rate_limit=RateLimit(100_000, per_s=1),
    )


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


async def test_ten_thousand_calls_under_faults_lose_nothing_and_repeat_no_create():
    async with Sandbox(limit=None, seed=11) as sandbox, client_of(sandbox) as client:
        sandbox.faults.random(0.1, kinds=FAULTS, seed=11, retry_after=BUSY_S)
        workers = [Worker(client, number) for number in range(20)]

        await asyncio.gather(*(worker.work(500) for worker in workers))

        stored = Counter(contact["phone"] for contact in sandbox.store.contacts)
        channels = Counter(
            channel["channel_id"]
            for contact in sandbox.store.contacts
            for channel in contact["contact_channels"]
        )

    assert max(stored.values()) == 1, "no contact was made twice"
    assert max(channels.values()) == 1, "no channel was added twice"
    created = {phone for worker in workers for phone in worker.created}
    unknown = {phone for worker in workers for phone in worker.unknown}
    assert created <= set(stored), "what was said to be created is there"
    assert set(stored) - created <= unknown, "and nothing else, but what was said to be unknown"
    assert len(unknown) > 20, "the faults did strike"


async def test_a_large_export_under_faults_equals_the_store_line_by_line(tmp_path):
    readings = Readings(newest_first=True, inclusive=False, page_base=1, max_limit=100)
    sandbox = Sandbox(contacts=60_000, ties=250, seed=5, limit=None, readings=readings)
    async with sandbox, client_of(sandbox) as client:
        kinds = ("429", "500", "cut", "reset", "reset_after", "html500")
        sandbox.faults.random(0.05, kinds=kinds, seed=5, retry_after=BUSY_S)

        report = await export_contacts(client, JsonLines(tmp_path / "all.jsonl"), concurrency=3)

        lines = (tmp_path / "all.jsonl").read_bytes().splitlines()
        expected = sandbox.store.lines()

    assert report.contacts == report.counted_after == len(lines) == 60_000
    assert report.is_proved
    assert report.repeated > 15
    assert sorted(lines) == sorted(expected)
    assert len({msgspec.json.decode(line)["id"] for line in lines}) == 60_000


async def test_both_surfaces_export_the_same_contacts(tmp_path):
    async with Sandbox(contacts=2000, ties=40, seed=6) as sandbox, client_of(sandbox) as client:
        for surface in ("v1", "v2"):
            sink = JsonLines(tmp_path / f"{surface}.jsonl")
            await export_contacts(client, sink, surface=surface, page_size=30)

        one, other = ((tmp_path / f"{surface}.jsonl").read_bytes() for surface in ("v1", "v2"))

    assert sorted(one.splitlines()) == sorted(other.splitlines()) == sorted(sandbox.store.lines())

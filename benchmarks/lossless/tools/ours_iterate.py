"""heymarket_async: the walk."""

from __future__ import annotations

import asyncio

from benchmarks.lossless.tools import Job
from heymarket_async import ApiKey, HeymarketClient, RateLimit

NO_WAIT = RateLimit(10**9)


def read(job: Job) -> dict[int, int]:
    return asyncio.run(all_contacts(job))


async def all_contacts(job: Job) -> dict[int, int]:
    contacts: dict[int, int] = {}
    async with HeymarketClient(ApiKey(job.key), base_url=job.url, rate_limit=NO_WAIT) as client:
        async for contact in client.contacts.iterate(limit=job.size):
            assert contact.id is not None
            assert contact.rev is not None
            contacts[contact.id] = contact.rev
    return contacts

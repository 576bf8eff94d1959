"""The usual script: aiohttp, and the loop of Heymarket's guide.

https://developers.heymarket.com/guides/manage-contacts
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from benchmarks.lossless.tools import Job


def read(job: Job) -> dict[int, int]:
    contacts = asyncio.run(all_contacts(job))
    return {contact_id: contact["rev"] for contact_id, contact in contacts.items()}


async def all_contacts(job: Job) -> dict[int, dict[str, Any]]:
    contacts: dict[int, dict[str, Any]] = {}
    body: dict[str, Any] = {**job.limit}
    headers = {"Authorization": f"Bearer {job.key}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        while True:
            async with session.post(f"{job.url}/v1/contacts", json=body) as response:
                response.raise_for_status()
                page = await response.json()
            contacts.update((contact["id"], contact) for contact in page)
            if not page or (job.ends_at_short_page and len(page) < job.page):
                return contacts
            body["date"] = page[-1]["updated"]

"""The script that a user would write instead: only aiohttp and json, with the guide's cursor.

Nothing else is imported here, so that a process which runs it is the script and no more.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp


async def export(url: str, key: str, path: str, size: int) -> None:
    date = None
    with Path(path).open("w") as file:  # noqa: ASYNC230 - who writes such a script does so
        async with session_of(key) as session:
            while True:
                body = {"limit": size} if date is None else {"limit": size, "date": date}
                async with session.post(f"{url}/v1/contacts", json=body) as response:
                    response.raise_for_status()
                    page = await response.json()
                if not page:
                    return
                for contact in page:  # noqa: FURB122 - the same
                    file.write(json.dumps(contact) + "\n")
                date = page[-1]["updated"]


async def exchange_only(url: str, key: str, dates: str, size: int) -> None:
    """Make the same requests with aiohttp, and drop the answers: a lower limit for all."""
    async with session_of(key) as session:
        for date in Path(dates).read_text().split():  # noqa: ASYNC240 - nothing else runs
            body = json.dumps({"limit": size, "date": date}).encode()
            async with session.post(f"{url}/v1/contacts", data=body) as response:
                response.raise_for_status()
                await response.read()


async def create_all(url: str, key: str, rows: int, at_once: int) -> int:
    """Create contacts with one request per contact, and return the number of requests."""
    numbers, sent = iter(range(rows)), 0

    async def work(session: aiohttp.ClientSession) -> None:
        nonlocal sent
        for number in numbers:
            body = {"phone": f"1555{number:07}", "first": "Ada", "last": f"No {number}"}
            async with session.post(f"{url}/v1/contact", json=body) as response:
                response.raise_for_status()
                await response.json()
            sent += 1

    async with session_of(key) as session:
        await asyncio.gather(*(work(session) for _ in range(at_once)))
    return sent


def session_of(key: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"})

"""The script that a user would write instead: only aiohttp and json, with the guide's cursor.

Nothing else is imported here, so that a process which runs it is the script and no more.
"""

from __future__ import annotations

import asyncio
import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import aiohttp


async def export(url: str, key: str, path: str, size: int) -> None:
    with Path(path).open("w") as file:  # noqa: ASYNC230 - who writes such a script does so
        async for page in pages(url, key, size):
            for contact in page:  # noqa: FURB122 - the same
                file.write(json.dumps(contact) + "\n")


async def export_csv(url: str, key: str, path: str, size: int) -> None:
    with Path(path).open("w", newline="") as file:  # noqa: ASYNC230 - the same
        writer: csv.DictWriter[str] | None = None
        async for page in pages(url, key, size):
            for contact in page:
                row = flat(contact)
                if writer is None:
                    writer = csv.DictWriter(file, list(row), extrasaction="ignore")
                    writer.writeheader()
                writer.writerow(row)


async def export_sqlite(url: str, key: str, path: str, size: int) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE contacts (id INTEGER, rev INTEGER, updated TEXT, json TEXT)")
        async for page in pages(url, key, size):
            rows = [(each["id"], each["rev"], each["updated"], json.dumps(each)) for each in page]
            database.executemany("INSERT INTO contacts VALUES (?, ?, ?, ?)", rows)
            database.commit()


async def export_parquet(url: str, key: str, path: str, size: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [flat(contact) async for page in pages(url, key, size) for contact in page]
    pq.write_table(pa.Table.from_pylist(rows), path)


def flat(contact):
    row = {**contact, **(contact.get("custom") or {})}
    row.pop("custom", None)
    for name, value in row.items():
        if isinstance(value, (list, dict)):
            row[name] = json.dumps(value)
    return row


async def pages(url: str, key: str, size: int):
    date = None
    async with session_of(key) as session:
        while True:
            body = {"limit": size} if date is None else {"limit": size, "date": date}
            async with session.post(f"{url}/v1/contacts", json=body) as response:
                response.raise_for_status()
                page = await response.json()
            if not page:
                return
            yield page
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

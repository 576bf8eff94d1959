"""The script that a user would write instead: aiohttp, json, and the format's own library.

Nothing else is imported here, so that a process which runs it is the script and no more.
"""

from __future__ import annotations

import asyncio
import csv
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp

COLUMNS = [
    "id", "uuid", "display_name", "first", "last", "email", "phone", "is_opted_out",
    "assigned_user_id", "tags", "avatar", "team_id", "creator_id", "shared", "created", "updated",
    "rev", "op", "external_id", "external_ref", "inbox_id", "parent_id", "note", "type",
    "contact_channels", "123", "456", "789", "1012", "1305",
]  # fmt: skip
"""The fields of the guide, and the custom fields of the account."""


async def export(url: str, key: str, path: str, size: int) -> None:
    with Path(path).open("w") as file:  # noqa: ASYNC230 - who writes such a script does so
        async for page in pages(url, key, size):
            for contact in page:  # noqa: FURB122 - the same
                file.write(json.dumps(contact) + "\n")


async def export_messages(url: str, key: str, path: str, size: int) -> None:
    listed = pages(url, key, size, "/v1/messages/all", cursor="created_at", stamp="date")
    with Path(path).open("w") as file:  # noqa: ASYNC230 - the same
        async for page in listed:
            for message in page:  # noqa: FURB122 - the same
                file.write(json.dumps(message) + "\n")


async def export_csv(url: str, key: str, path: str, size: int) -> None:
    with Path(path).open("w", newline="") as file:  # noqa: ASYNC230 - the same
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        async for page in pages(url, key, size):
            writer.writerows(row_of(contact) for contact in page)


async def export_sqlite(url: str, key: str, path: str, size: int) -> None:
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    places = ", ".join("?" * len(COLUMNS))
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"CREATE TABLE contacts ({columns}, PRIMARY KEY (id))")
        async for page in pages(url, key, size):
            rows = map(row_of, page)
            database.executemany(
                f"INSERT INTO contacts VALUES ({places})",
                [[row.get(name) for name in COLUMNS] for row in rows],
            )
            database.commit()


async def export_parquet(url: str, key: str, path: str, size: int) -> None:
    import pyarrow as pa  # noqa: PLC0415 - only for this format
    import pyarrow.parquet as pq  # noqa: PLC0415 - the same

    rows = [row_of(contact) async for page in pages(url, key, size) for contact in page]
    pq.write_table(pa.Table.from_pylist(rows), path)


def row_of(contact: dict[str, Any]) -> dict[str, Any]:
    """Return a contact with its custom fields beside the others, and lists as JSON."""
    row = {**contact, **(contact.get("custom") or {})}
    row.pop("custom", None)
    for name in ("tags", "note", "contact_channels"):
        if row.get(name) is not None:
            row[name] = json.dumps(row[name])
    return row


async def pages(
    url: str,
    key: str,
    size: int,
    path: str = "/v1/contacts",
    cursor: str = "date",
    stamp: str = "updated",
) -> AsyncIterator[list[dict[str, Any]]]:
    date = None
    async with session_of(key) as session:
        while True:
            body = {"limit": size} if date is None else {"limit": size, cursor: date}
            async with session.post(f"{url}{path}", json=body) as response:
                response.raise_for_status()
                page = await response.json()
            if not page:
                return
            yield page
            date = page[-1][stamp]


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


async def send_all(url: str, key: str, rows: int, at_once: int) -> int:
    """Send texts with one request each, and return the number of requests."""
    numbers, sent = iter(range(rows)), 0

    async def work(session: aiohttp.ClientSession) -> None:
        nonlocal sent
        for number in numbers:
            phone, text = f"1555{number:07}", "Hi Ada, see you on Monday"
            body = {"inbox_id": 301, "creator_id": 4201, "phone_number": phone, "text": text}
            async with session.post(f"{url}/v1/message/send", json=body) as response:
                response.raise_for_status()
                await response.json()
            sent += 1

    async with session_of(key) as session:
        await asyncio.gather(*(work(session) for _ in range(at_once)))
    return sent


def session_of(key: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"})

"""The jobs of this package that are compared with the script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from heymarket_async import ApiKey, HeymarketClient, NewContact, RateLimit
from heymarket_async.bulk import Csv, JsonLines, Parquet, Sqlite, export_contacts, export_messages
from heymarket_async.bulk.importing.job import import_contacts
from heymarket_async.bulk.sending.job import send_messages

SINKS = {"JsonLines": JsonLines, "Sqlite": Sqlite, "Parquet": Parquet, "Csv": Csv}


async def export(
    url: str,
    key: str,
    path: str,
    size: int,
    concurrency: int,
    limit: int,
    per_s: float,
    sink: str = "JsonLines",
) -> dict[str, Any]:
    async with client_of(url, key, limit, per_s) as client:
        report = await export_contacts(
            client, SINKS[sink](path), page_size=size, concurrency=concurrency
        )
    assert report.is_proved, report.doubts
    return msgspec.to_builtins(report)


async def export_of_messages(
    url: str, key: str, path: str, size: int, limit: int, per_s: float
) -> dict[str, Any]:
    async with client_of(url, key, limit, per_s) as client:
        report = await export_messages(client, JsonLines(path), page_size=size)
    assert report.is_proved, report.doubts
    return msgspec.to_builtins(report)


async def import_(
    url: str, key: str, rows: int, batch_size: int, limit: int, per_s: float
) -> dict[str, Any]:
    async with client_of(url, key, limit, per_s) as client:
        report = await import_contacts(client, contacts(rows), batch_size=batch_size)
    assert report.created + report.unchanged == report.rows == rows, report
    return msgspec.to_builtins(report)


async def send(
    url: str, key: str, rows: int, at_once: int, outcomes: str | None, limit: int, per_s: float
) -> int:
    """Send texts, and return the number of requests."""
    people = ({"phone": f"1555{number:07}", "first": "Ada"} for number in range(rows))
    async with client_of(url, key, limit, per_s) as client:
        report = await send_messages(
            client,
            people,
            text="Hi {first}, see you on Monday",
            inbox_id=301,
            creator_id=4201,
            concurrency=at_once,
            outcomes=outcomes,
        )
    assert report.sent == rows, report
    return report.requests


def contacts(rows: int) -> Iterator[NewContact]:
    for number in range(rows):
        yield NewContact(phone=f"1555{number:07}", first="Ada", last=f"No {number}")


def client_of(url: str, key: str, limit: int, per_s: float) -> HeymarketClient:
    return HeymarketClient(ApiKey(key), base_url=url, rate_limit=RateLimit(limit, per_s))

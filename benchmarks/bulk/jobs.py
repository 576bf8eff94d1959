"""The jobs of this package that are compared with the script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from heymarket_async import ApiKey, HeymarketClient, NewContact, RateLimit
from heymarket_async.bulk import Csv, JsonLines, Parquet, Sqlite, export_contacts, export_messages
from heymarket_async.bulk.importing.job import import_contacts

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


def contacts(rows: int) -> Iterator[NewContact]:
    for number in range(rows):
        yield NewContact(phone=f"1555{number:07}", first="Ada", last=f"No {number}")


def client_of(url: str, key: str, limit: int, per_s: float) -> HeymarketClient:
    return HeymarketClient(ApiKey(key), base_url=url, rate_limit=RateLimit(limit, per_s))

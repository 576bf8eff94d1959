"""heymarket_async: the export to JSON Lines, which also reads what was edited meanwhile."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from benchmarks.lossless.tools import Job
from benchmarks.lossless.tools.ours_iterate import NO_WAIT
from heymarket_async import ApiKey, HeymarketClient
from heymarket_async.bulk import JsonLines, export_contacts


def read(job: Job) -> dict[int, int]:
    path = Path(job.folder) / "contacts.jsonl"
    asyncio.run(export(job, path))
    with path.open() as lines:
        return {contact["id"]: contact["rev"] for contact in map(json.loads, lines)}


async def export(job: Job, path: Path) -> None:
    options = {} if job.size is None else {"page_size": job.size}
    async with HeymarketClient(ApiKey(job.key), base_url=job.url, rate_limit=NO_WAIT) as client:
        report = await export_contacts(client, JsonLines(path), **options)
    if not report.is_proved:
        raise SystemExit(f"not proved to be complete: {report.doubts}")

"""The process that is killed: imports the rows of a kill test, and goes on where it was.

python -m tests.bulk.importing.killed_import URL SECRET_ID SECRET_KEY OUTCOMES ROWS OVERWRITE
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

from heymarket_async import ApiSecret, HeymarketClient, NewContact, RateLimit, RetryPolicy
from heymarket_async.bulk.importing.job import import_contacts
from tests.bulk.importing.imports import new

DUPLICATES, OPTED_OUT = {9, 13}, {11, 13}
"""Places in each 50 rows: of those with the phone of the row before, and that say opted out."""


def rows_of(count: int) -> Iterator[NewContact | dict[str, Any]]:
    """Every 50th row is no contact, and others are duplicates or say opted out, or both."""
    for n in range(count):
        if n % 50 == 7:
            yield {"phone": "none"}
        elif n % 50 in OPTED_OUT:
            yield new(n - 1 if n % 50 in DUPLICATES else n, is_opted_out=True)
        else:
            yield new(n - 1 if n % 50 in DUPLICATES else n)


async def main(
    url: str, secret_id: str, secret_key: str, outcomes: str, count: str, overwrite: str
) -> None:
    client = HeymarketClient(
        ApiSecret(secret_id, secret_key),
        base_url=url,
        retry=RetryPolicy(attempts=15, base_s=0.0005, cap_s=0.005),
        rate_limit=RateLimit(100_000, per_s=1),
    )
    async with client:
        await import_contacts(
            client,
            rows_of(int(count)),
            overwrite=overwrite == "True",
            batch_size=10,
            outcomes=outcomes,
            resume=True,
        )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

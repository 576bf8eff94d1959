"""The process that is killed: sends the texts of a kill test, and goes on where it was.

python -m tests.bulk.sending.killed_send URL SECRET_ID SECRET_KEY OUTCOMES ROWS
"""

from __future__ import annotations

import asyncio
import sys

from heymarket_async import ApiSecret, HeymarketClient, RateLimit, RetryPolicy
from heymarket_async.bulk import send_messages
from tests.bulk.sending.sends import row


async def main(url: str, secret_id: str, secret_key: str, outcomes: str, count: str) -> None:
    client = HeymarketClient(
        ApiSecret(secret_id, secret_key),
        base_url=url,
        retry=RetryPolicy(attempts=15, base_s=0.0005, cap_s=0.005),
        rate_limit=RateLimit(100_000, per_s=1),
    )
    async with client:
        await send_messages(
            client,
            map(row, range(int(count))),
            text="Hi {first}",
            inbox_id=301,
            creator_id=4201,
            wait_s=0.05,
            outcomes=outcomes,
            resume=True,
        )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

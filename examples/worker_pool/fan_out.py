"""Queue an export of every account: `python -m examples.worker_pool.fan_out`."""

from __future__ import annotations

import asyncio

import msgspec

from examples.worker_pool.jobs import ACCOUNTS, broker, export_account


async def main() -> None:
    """Queue a job for each name in the file of accounts."""
    if not ACCOUNTS.exists():
        raise SystemExit(f"{ACCOUNTS} is missing; the README says what it holds")
    names = msgspec.json.decode(ACCOUNTS.read_bytes(), type=dict[str, object])
    await broker.startup()
    for name in names:
        await export_account.kiq(name)
    await broker.shutdown()
    print(f"{len(names)} accounts queued")


if __name__ == "__main__":
    asyncio.run(main())

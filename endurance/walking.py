"""The process of the walks of many accounts: `python -m endurance.walking URL SIZES ONE`.

SIZES are the numbers of contacts of the accounts, as JSON. They walk all at once; or, if ONE is a
size, that account alone walks as often. The instructions of this are counted, once each connection
is open.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import AsyncExitStack
from uuid import UUID

import callgrind_marks  # type: ignore[import-not-found] # compiled by benchmarks.callgrind
import msgspec

from benchmarks.contacts import last_id
from benchmarks.rivals import Walked
from benchmarks.rivals.ours import ByPage
from heymarket_async import ApiSecret, AttemptEvent

LIMIT = 30


class Account(ByPage):
    """A client with credentials of its own, of an account with a size of its own."""

    def __init__(self, url: str, contacts: int) -> None:
        self.contacts, self.pages = contacts, 0
        secret = ApiSecret(str(UUID(int=contacts)), f"{contacts:040}")
        super().__init__(f"{url}/{contacts}", credentials=secret, on_attempt=self._count)

    def _count(self, _: AttemptEvent) -> None:
        self.pages += 1

    async def walk_whole(self) -> None:
        """Walk, and make sure that all contacts came."""
        walked = await self.walk(LIMIT)
        assert walked == Walked(self.contacts, last_id(self.contacts)), f"{walked} came"


async def count(url: str, sizes: list[int], one: int | None) -> int:
    """Walk, mark the part to count, and return its pages."""
    async with AsyncExitStack() as stack:
        accounts = [
            await stack.enter_async_context(Account(url, size))
            for size in (sizes if one is None else [one])
        ]
        await asyncio.gather(*(each.walk_whole() for each in accounts))
        warm = sum(each.pages for each in accounts)
        gc.collect()
        callgrind_marks.start()
        if one is None:
            await asyncio.gather(*(each.walk_whole() for each in accounts))
        else:
            for _ in sizes:
                await accounts[0].walk_whole()
        callgrind_marks.stop()
        return sum(each.pages for each in accounts) - warm


if __name__ == "__main__":
    url, sizes, one = sys.argv[1:]
    arguments = (
        msgspec.json.decode(sizes, type=list[int]),
        msgspec.json.decode(one, type=int | None),
    )
    print(asyncio.run(count(url, *arguments)))

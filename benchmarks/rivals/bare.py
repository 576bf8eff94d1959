"""Bare aiohttp and msgspec, by hand: the base of all ratios.

Does: one session with its default connector and cookies, headers kept in the session, encoders and
decoders made once. Does not: retry, pace, sign, check what it sends, name errors, or guard the
walk.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

import aiohttp

from benchmarks.rivals import KEY, structs
from benchmarks.rivals.by_hand import ByHand


class Bare(ByHand):
    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        self._session = aiohttp.ClientSession(headers=headers)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def _post(self, path: str, content: bytes) -> bytes:
        async with self._session.post(self._url + path, data=content) as response:
            response.raise_for_status()
            return await response.read()


class BareWithoutGc(Bare):
    """Contacts kept out of garbage collection, as in this package. Few people know that option."""

    read_page = staticmethod(structs.read_page_without_gc)

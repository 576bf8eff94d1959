"""niquests: the successor of requests, with asyncio. With msgspec, by hand.

Does: one session with its defaults, cookies among them. Does not: retry, pace, sign, check what it
sends, name errors, or guard the walk.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from niquests import AsyncSession

from benchmarks.rivals import CONNECTIONS, KEY, TIMEOUT_S
from benchmarks.rivals.by_hand import ByHand

_HEADERS: dict[str | bytes, str | bytes] = {
    "Authorization": f"Bearer {KEY}",
    "Content-Type": "application/json",
}


class Niquests(ByHand):
    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        self._session = AsyncSession(pool_maxsize=CONNECTIONS, timeout=TIMEOUT_S)
        self._session.headers.update(_HEADERS)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def _post(self, path: str, content: bytes) -> bytes:
        response = await self._session.post(self._url + path, data=content)
        response.raise_for_status()
        return response.content or b""

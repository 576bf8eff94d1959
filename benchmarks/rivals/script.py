"""aiohttp and `response.json()`: the script that most people write.

Does: one session with all defaults. Does not: make typed contacts, retry, pace, sign, check, or
guard the walk.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import aiohttp

from benchmarks.rivals import KEY, Walked


class Script:
    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"})
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def walk(self, limit: int) -> Walked:
        contacts, last_id = 0, 0
        body: dict[str, Any] = {"limit": limit}
        while True:
            page = await self._post("/v1/contacts", body)
            if page and page[0]["id"] == last_id:
                del page[0]
            if not page:
                return Walked(contacts, last_id)
            contacts += len(page)
            last_id, body["date"] = page[-1]["id"], page[-1]["updated"]

    async def create(self, number: int) -> int:
        contact = {
            "phone": f"1555{number:07}",
            "first": "Jordan",
            "last": f"No {number}",
            "email": "jordan@example.com",
            "custom": {"123": "Premium"},
        }
        contact_id: int = (await self._post("/v1/contact", contact))["id"]
        return contact_id

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        async with self._session.post(self._url + path, json=body) as response:
            response.raise_for_status()
            return await response.json()

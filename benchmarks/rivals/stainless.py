"""The base client and model class of the PyPI package openai, pointed at these calls.

Stainless generates SDKs like this one; openai's is the best known.

Does: everything that its base client does, such as retries, and models without validation. Does
not: pace, sign, check what it sends, or guard the walk.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from httpx2 import Limits
from openai import AsyncOpenAI, BaseModel, DefaultAsyncHttpxClient

from benchmarks.rivals import CONNECTIONS, KEY, TIMEOUT_S, Walked


class Note(BaseModel):
    id: Any = None
    date: str | None = None
    name: str | None = None
    text: str | None = None
    user_id: int | None = None


class ContactChannel(BaseModel):
    id: int | str | None = None
    team_id: int | None = None
    contact_id: int | str | None = None
    channel_type: str | None = None
    channel_id: str | None = None
    channel_handle: str | None = None
    info_channel: str | None = None
    created: str | None = None
    updated: str | None = None


class Contact(BaseModel):
    id: int | None = None
    uuid: str | None = None
    display_name: str | None = None
    first: str | None = None
    last: str | None = None
    email: str | None = None
    phone: str | None = None
    custom: dict[str, object] | None = None
    team_id: int | None = None
    creator_id: int | None = None
    shared: bool | None = None
    created: str | None = None
    updated: str | None = None
    rev: int | None = None
    op: str | None = None
    assigned_user_id: int | None = None
    tags: list[object] | None = None
    is_opted_out: bool | None = None
    avatar: str | None = None
    external_id: str | None = None
    external_ref: str | None = None
    inbox_id: int | None = None
    parent_id: int | None = None
    note: list[Note] | None = None
    type: str | None = None
    contact_channels: list[ContactChannel] | None = None


class ContactRef(BaseModel):
    id: int
    rev: int | None = None
    uuid: str | None = None


class Stainless:
    def __init__(self, url: str) -> None:
        limits = Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        connections = DefaultAsyncHttpxClient(limits=limits, timeout=TIMEOUT_S)
        self._client = AsyncOpenAI(
            api_key=KEY, base_url=url, timeout=TIMEOUT_S, http_client=connections
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.close()

    async def walk(self, limit: int) -> Walked:
        contacts, last_id = 0, 0
        body: dict[str, Any] = {"limit": limit}
        while True:
            page = await self._client.post("/v1/contacts", cast_to=list[Contact], body=body)
            if page and page[0].id == last_id:
                del page[0]
            if not page:
                return Walked(contacts, last_id)
            contacts += len(page)
            last_id, body["date"] = page[-1].id or 0, page[-1].updated

    async def create(self, number: int) -> int:
        contact = {
            "phone": f"1555{number:07}",
            "first": "Jordan",
            "last": f"No {number}",
            "email": "jordan@example.com",
            "custom": {"123": "Premium"},
        }
        return (await self._client.post("/v1/contact", cast_to=ContactRef, body=contact)).id

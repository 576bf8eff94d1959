"""An export brings every contact once, in its newest version, and says truly whether it did."""

from __future__ import annotations

import asyncio
import io
import itertools

import pytest

from heymarket_async import (
    ApiKey,
    AttemptEvent,
    HeymarketClient,
    NoResponseError,
)
from heymarket_async.bulk import JsonLines, Stream, export_contacts, progress
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.accounts import (
    Editor,
    client_of,
    edit_one,
    lines_of,
    server_tasks,
)

READINGS = [
    Readings(newest_first=newest, inclusive=inclusive, precision=precision, page_base=base)
    for newest, inclusive, (precision, base) in itertools.product(
        (True, False), (True, False), (("seconds", 1), ("nanoseconds", 0))
    )
]


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("surface", ["v1", "v2"])
@pytest.mark.parametrize(
    "readings",
    READINGS,
    ids=lambda each: f"{each.newest_first:d}{each.inclusive:d}{each.precision[0]}",
)
async def test_an_export_equals_the_account_on_every_reading(
    readings, surface, concurrency, tmp_path
):
    async with Sandbox(contacts=1500, ties=60, seed=4, readings=readings, limit=None) as sandbox:
        async with client_of(sandbox) as client:
            report = await export_contacts(
                client,
                JsonLines(tmp_path / "c"),
                surface=surface,
                page_size=40,
                concurrency=concurrency,
            )

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert report.contacts == report.distinct == report.counted_after == 1500
    assert report.is_proved


@pytest.mark.parametrize("count", [0, 1, 29, 30, 31])
@pytest.mark.parametrize("concurrency", [1, 4])
async def test_small_accounts_are_exported_whole(count, concurrency, tmp_path):
    async with Sandbox(contacts=count, seed=4) as sandbox, client_of(sandbox) as client:
        report = await export_contacts(
            client, JsonLines(tmp_path / "c"), page_size=30, concurrency=concurrency
        )

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert (report.contacts, report.doubts) == (count, [])


async def test_an_account_in_one_instant_is_exported_whole(tmp_path):
    async with Sandbox(contacts=500, ties=500, seed=4) as sandbox, client_of(sandbox) as client:
        report = await export_contacts(client, JsonLines(tmp_path / "c"), concurrency=4)

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert (report.ties, report.largest_tie, report.doubts) == (500, 500, [])


async def test_pages_may_be_of_one_contact(tmp_path):
    async with Sandbox(contacts=60, seed=4) as sandbox, client_of(sandbox) as client:
        report = await export_contacts(client, JsonLines(tmp_path / "c"), page_size=1)

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert (report.contacts, report.doubts) == (60, [])


async def test_the_report_counts_ties(tmp_path):
    async with Sandbox(contacts=400, ties=20, seed=9) as sandbox, client_of(sandbox) as client:
        groups = [
            len(list(group))
            for _, group in itertools.groupby(each["updated"] for each in sandbox.store.contacts)
        ]
        for concurrency in (1, 5):
            report = await export_contacts(
                client, JsonLines(tmp_path / "c"), page_size=30, concurrency=concurrency
            )

            assert report.largest_tie == max(groups)
            assert report.ties == sum(each for each in groups if each > 1)
    assert report.oldest == sandbox.store.contacts[-1]["updated"]
    assert report.newest == sandbox.store.contacts[0]["updated"]


async def test_side_by_side_costs_few_requests_more(tmp_path):
    async with (
        Sandbox(contacts=10_000, seed=9, limit=None) as sandbox,
        client_of(sandbox) as client,
    ):
        one = await export_contacts(client, JsonLines(tmp_path / "c"))
        eight = await export_contacts(client, JsonLines(tmp_path / "c"), concurrency=8)

    assert one.requests < eight.requests < 1.3 * one.requests
    assert eight.is_proved


async def test_windows_are_walked_side_by_side(tmp_path):
    async with Sandbox(contacts=2000, seed=9) as sandbox, client_of(sandbox) as client:
        at_once = most = 0

        async def count_in_and_out(send, *sent):
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            try:
                return await send(*sent)
            finally:
                at_once -= 1

        transport = client._transport
        send = type(transport).send
        type(transport).send = lambda self, *sent: count_in_and_out(send.__get__(self), *sent)
        try:
            await export_contacts(client, JsonLines(tmp_path / "c"), concurrency=4, page_size=30)
        finally:
            type(transport).send = send

    assert most == 4


async def test_no_task_waits_for_a_part_of_a_small_account(tmp_path):
    tasks = []
    async with (
        Sandbox(contacts=300, seed=9) as sandbox,
        client_of(sandbox, on_attempt=lambda _: tasks.append(len(asyncio.all_tasks()))) as client,
    ):
        report = await export_contacts(
            client, JsonLines(tmp_path / "c"), concurrency=100, page_size=30
        )

    assert report.is_proved
    assert max(tasks) < 50


async def test_edits_ahead_of_the_walk_do_not_divide_it_endlessly(tmp_path):
    readings = Readings(newest_first=False)
    async with Sandbox(contacts=600, seed=9, readings=readings, limit=None) as sandbox:
        # Years lie between what was there and what is written now.
        edits = Editor(sandbox, lambda *given: [edit_one(*given) for _ in range(9)], times=30)
        async with client_of(sandbox, on_attempt=edits) as client:
            report = await export_contacts(
                client, JsonLines(tmp_path / "c"), page_size=30, concurrency=8
            )

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert report.requests < 250


@pytest.mark.parametrize(
    ("status", "body"),
    [(403, None), (200, b"<p>"), (200, [{"id": 1, "updated": "lately"}])],
)
async def test_an_account_whose_v2_cannot_be_read_is_walked_in_one_part(status, body, tmp_path):
    async with Sandbox(contacts=500, seed=9) as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(status, on="POST /v2/contacts/list", times=None, body=body)

        report = await export_contacts(client, JsonLines(tmp_path / "c"), concurrency=4)

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert report.is_proved


# Arguments, sinks, progress


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"surface": "v3"}, 'surface must be "v1" or "v2"'),
        ({"page_size": 0}, "page_size must be an integer of at least 1"),
        ({"page_size": 101, "surface": "v2"}, "page_size must be an integer from 1 to 100"),
        ({"concurrency": 0}, "concurrency must be an integer from 1 to 100"),
        ({"concurrency": True}, "concurrency must be an integer from 1 to 100"),
        ({"concurrency": 101}, "from 1 to 100: a client has 100 connections, so more would only"),
        ({"date": "yesterday"}, "date must be an RFC 3339 timestamp"),
        ({"restart": 1}, "restart must be of type bool"),
    ],
)
async def test_a_wrong_argument_is_told_before_anything_is_done(options, rule, tmp_path):
    async with Sandbox(contacts=3) as sandbox, client_of(sandbox) as client:
        with pytest.raises(ValueError, match=rule):
            await export_contacts(client, JsonLines(tmp_path / "c"), **options)

    assert not sandbox.requests
    assert not list(tmp_path.iterdir())


async def test_a_sink_of_ones_own_gets_lines_and_checkpoints(tmp_path):
    class Listed:
        needs_fields = True

        def __init__(self):
            self.lines, self.checkpoint, self.closed = [], None, False

        def open(self, checkpoint, *, restart):
            return self.checkpoint

        def stored(self):
            return list(self.lines)

        def write(self, lines, checkpoint):
            self.lines += lines
            self.checkpoint = checkpoint

        def finish(self, again, fields):
            self.fields = [field.title for field in fields]
            return [len(self.lines)]

        def close(self):
            self.closed = True

    sink = Listed()
    async with Sandbox(contacts=300) as sandbox, client_of(sandbox) as client:
        report = await export_contacts(client, sink)

    assert sorted(sink.lines) == sorted(sandbox.store.lines())
    assert (report.contacts, sink.closed) == (300, True)
    assert sink.fields[:2] == ["Plan", "Renewal Date"]


async def test_a_sink_that_fails_ends_the_export_and_is_closed(tmp_path):
    class Full(Stream):
        closed = False

        def write(self, lines, checkpoint):
            raise OSError(28, "No space left on device")

        def close(self):
            type(self).closed = True

    async with Sandbox(contacts=300) as sandbox, client_of(sandbox) as client:
        with pytest.raises(OSError, match="No space left"):
            await export_contacts(client, Full(io.BytesIO()))
        assert Full.closed
        assert len(asyncio.all_tasks()) == 1 + server_tasks()


async def test_progress_is_told_up_to_the_end(tmp_path):
    told = []
    async with Sandbox(contacts=300) as sandbox, client_of(sandbox) as client:
        await export_contacts(client, JsonLines(tmp_path / "c"), on_progress=told.append)

    assert (told[0].stage, told[0].done, told[0].total) == ("starting", 0, None)
    assert (told[-1].done, told[-1].total) == (300, 300)
    assert told[-1].requests == told[-1].requests_lately == len(sandbox.requests)


async def test_a_progress_hook_that_fails_does_not_break_the_export(tmp_path, caplog):
    async with Sandbox(contacts=3) as sandbox, client_of(sandbox) as client:
        report = await export_contacts(
            client, JsonLines(tmp_path / "c"), on_progress=lambda _: 1 / 0
        )

    assert report.is_proved
    assert "the on_progress hook failed" in caplog.text


async def test_the_hook_of_the_client_is_still_called(tmp_path):
    events = []
    async with (
        Sandbox(contacts=3) as sandbox,
        client_of(sandbox, on_attempt=events.append) as client,
    ):
        report = await export_contacts(client, JsonLines(tmp_path / "c"))

    assert len(events) == report.requests == len(sandbox.requests)


async def test_the_report_says_what_was_waited_for(tmp_path):
    async with Sandbox(contacts=3) as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(429, headers={"Retry-After": "0.01"}, times=2)
        report = await export_contacts(client, JsonLines(tmp_path / "c"))

    assert report.repeated == 2
    assert report.waited_s["to try again"] > 0.01


async def test_an_error_of_the_walk_comes_through(tmp_path):
    async with Sandbox(contacts=300) as sandbox, client_of(sandbox) as client:
        sandbox.faults.reset(on="POST /v1/contacts", times=None, after=1)
        with pytest.raises(NoResponseError):
            await export_contacts(client, JsonLines(tmp_path / "c"), concurrency=3)


def test_requests_of_more_than_a_minute_ago_are_not_lately(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    tally = progress.RequestStats(HeymarketClient(ApiKey("key")))
    event = AttemptEvent("GET /", 1, 200, 0.1, 1.5, {"the rate limit": 1.5}, "", None)
    tally._count(event)
    now[0] = 30.0
    tally._count(event)
    now[0] = 61.0

    told = tally.progress(1, None, "reading")

    assert (told.requests, told.requests_lately) == (2, 1)
    assert tally.waited_s == {"the rate limit": 3.0}

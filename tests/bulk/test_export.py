"""An export brings every contact once, in its newest version, and says truly whether it did."""

from __future__ import annotations

import asyncio
import itertools
import random

import msgspec
import pytest

from heymarket_async import (
    ApiKey,
    AttemptEvent,
    BadRequestError,
    HeymarketClient,
    NoResponseError,
)
from heymarket_async.bulk import JsonLines, Sqlite, Stream, export_contacts, progress
from heymarket_async.bulk.collecting import MOST_PASSES
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.accounts import (
    Editor,
    client_of,
    create,
    delete,
    edit,
    edit_one,
    ids_of,
    lines_of,
    store_clock,
)

READINGS = [
    Readings(newest_first=newest, inclusive=inclusive, precision=precision, page_base=base)
    for newest, inclusive, (precision, base) in itertools.product(
        (True, False), (True, False), (("seconds", 1), ("nanoseconds", 0))
    )
]


@pytest.mark.parametrize("concurrency", [1, 3, 8])
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

        async def count_in_and_out(send, request):
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            try:
                return await send(request)
            finally:
                at_once -= 1

        transport = client._transport
        send = type(transport).send
        type(transport).send = lambda self, request: count_in_and_out(send.__get__(self), request)
        try:
            await export_contacts(client, JsonLines(tmp_path / "c"), concurrency=4, page_size=30)
        finally:
            type(transport).send = send

    assert most == 4


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


async def test_an_account_whose_v2_is_closed_is_walked_in_one_part(tmp_path):
    async with Sandbox(contacts=500, seed=9) as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(403, on="POST /v2/contacts/list", times=None)

        report = await export_contacts(client, JsonLines(tmp_path / "c"), concurrency=4)

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert report.is_proved


# Edits meanwhile


@pytest.mark.parametrize("newest_first", [True, False], ids=["newest first", "oldest first"])
@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_a_contact_that_is_edited_meanwhile_ends_in_its_newest_version(
    surface, concurrency, newest_first, tmp_path
):
    readings = Readings(newest_first=newest_first)
    async with Sandbox(contacts=1200, ties=9, seed=4, readings=readings, limit=None) as sandbox:
        editor = Editor(sandbox, edit_one, times=30)
        async with client_of(sandbox, on_attempt=editor) as client:
            report = await export_contacts(
                client,
                JsonLines(tmp_path / "c.gz"),
                surface=surface,
                page_size=40,
                concurrency=concurrency,
            )

        assert sorted(_unpacked(tmp_path / "c.gz")) == sorted(sandbox.store.lines())
    assert report.contacts == report.distinct == 1200
    assert report.is_proved
    assert 0 < report.edited <= 30


def _unpacked(path) -> list[bytes]:
    import gzip  # noqa: PLC0415 - here alone

    return gzip.decompress(path.read_bytes()).splitlines()


async def test_a_contact_that_jumps_ahead_of_the_walk_is_not_lost(tmp_path):
    async with Sandbox(contacts=300, seed=4) as sandbox:
        last = sandbox.store.contacts[-1]["id"]
        editor = Editor(sandbox, lambda sandbox, _: edit(sandbox, last), times=4)
        async with client_of(sandbox, on_attempt=editor) as client:
            report = await export_contacts(client, JsonLines(tmp_path / "c"), page_size=100)

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert report.is_proved


async def test_new_contacts_are_in_the_export(tmp_path):
    async with Sandbox(contacts=300, seed=4) as sandbox:
        editor = Editor(
            sandbox, lambda sandbox, chance: create(sandbox, chance.randrange(10**6)), times=5
        )
        async with client_of(sandbox, on_attempt=editor) as client:
            report = await export_contacts(client, JsonLines(tmp_path / "c"))

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert (report.counted_before, report.counted_after, report.contacts) == (301, 305, 305)
    assert report.is_proved


async def test_a_contact_that_was_deleted_after_it_was_read_leaves_a_doubt(tmp_path):
    async with Sandbox(contacts=300, seed=4) as sandbox:
        first = sandbox.store.contacts[0]["id"]

        def delete_after_page_one(event):
            if event.call == "POST /v1/contacts" and first in ids_of(sandbox):
                delete(sandbox, first)

        async with client_of(sandbox, on_attempt=delete_after_page_one) as client:
            report = await export_contacts(client, JsonLines(tmp_path / "c"))

    assert not report.is_proved
    assert report.doubts == [
        "the account counts 299, 1 fewer than were read: so many may have been deleted since"
    ]


@pytest.mark.parametrize("seed", range(25))
async def test_what_is_called_proved_is_true(seed, tmp_path):
    chance = random.Random(seed)
    readings = Readings(newest_first=seed % 2 == 0, inclusive=seed % 3 == 0)

    def change(sandbox, _):
        for _ in range(4):  # a second later: what is proved is proved to the second
            store_clock()
        if chance.random() < 0.5:
            draw = chance.random()
            if draw < 0.8:
                edit_one(sandbox, chance)
            elif draw < 0.9:
                create(sandbox, chance.randrange(10**6))
            else:
                delete(sandbox, chance.choice(ids_of(sandbox)))

    sandbox = Sandbox(contacts=600, ties=30, seed=seed, readings=readings, limit=None)
    async with sandbox:
        editor = Editor(sandbox, change, times=chance.choice([5, 20, 60]))
        async with client_of(sandbox, on_attempt=editor) as client:
            report = await export_contacts(
                client, JsonLines(tmp_path / "c"), page_size=40, concurrency=1 + seed % 3
            )

    lines = lines_of(tmp_path / "c")
    ids = [msgspec.json.decode(line)["id"] for line in lines]
    assert len(ids) == len(set(ids)) == report.contacts
    if report.is_proved:
        assert lines == editor.at_last_page
    assert editor.at_last_page
    assert set(editor.at_last_page) <= set(lines), "nothing is missing, in any case"


async def test_an_account_that_never_rests_is_not_called_proved(tmp_path):
    async with Sandbox(contacts=300, seed=4, limit=None) as sandbox:

        def edit_many(sandbox, chance):
            for _ in range(60):
                edit_one(sandbox, chance)

        editor = Editor(sandbox, edit_many, times=10_000)
        async with client_of(sandbox, on_attempt=editor) as client:
            report = await export_contacts(client, JsonLines(tmp_path / "c"), page_size=30)

    assert report.doubts == ["the account changes faster than it can be read"]
    assert report.distinct == 300
    assert report.requests < MOST_PASSES * 30


@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_a_walk_that_is_written_to_as_fast_as_it_reads_comes_to_an_end(surface, tmp_path):
    readings = Readings(newest_first=False)
    async with Sandbox(contacts=60, seed=4, limit=None, readings=readings) as sandbox:

        def edit_a_second_later(sandbox, chance):
            for _ in range(4):
                store_clock()
            edit_one(sandbox, chance)

        editor = Editor(sandbox, edit_a_second_later, times=10**6)
        async with client_of(sandbox, on_attempt=editor) as client:
            report = await export_contacts(client, JsonLines(tmp_path / "c"), surface=surface)

    assert report.distinct == 60
    assert report.requests < 5000, "twenty passes of some hundred answers"


@pytest.mark.parametrize("newest_first", [True, False])
async def test_edits_of_an_account_in_one_instant_are_caught_up_with(newest_first, tmp_path):
    readings = Readings(newest_first=newest_first)
    async with Sandbox(contacts=40, ties=40, seed=4, readings=readings) as sandbox:
        editor = Editor(sandbox, edit_one, times=12)
        async with client_of(sandbox, on_attempt=editor) as client:
            report = await export_contacts(client, JsonLines(tmp_path / "c"), page_size=7)

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert report.is_proved


async def test_an_account_that_changes_in_every_pass_is_proved_by_one_answer(tmp_path):
    async with Sandbox(contacts=300, seed=4, limit=None) as sandbox:
        editor = Editor(sandbox, edit_one, times=10_000)
        async with client_of(sandbox, on_attempt=editor) as client:
            report = await export_contacts(client, JsonLines(tmp_path / "c"))

    assert report.is_proved
    assert lines_of(tmp_path / "c") == editor.at_last_page


# What it is compared with


@pytest.mark.parametrize("status", [403, 404, 400])
async def test_an_account_that_cannot_be_counted_leaves_a_doubt(status, tmp_path):
    async with Sandbox(contacts=50) as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(status, on="POST /v1/contacts/count", times=None)

        report = await export_contacts(client, JsonLines(tmp_path / "c"))

    assert report.counted_before is report.counted_after is None
    assert report.doubts == ["the account does not tell how many contacts there should be"]


async def test_an_export_from_a_date_is_compared_with_the_count_from_there(tmp_path):
    async with Sandbox(contacts=200, seed=3) as sandbox, client_of(sandbox) as client:
        middle = sandbox.store.contacts[99]["updated"]
        later = [each for each in sandbox.store.contacts if each["updated"] > middle]

        report = await export_contacts(client, JsonLines(tmp_path / "c"), surface="v2", date=middle)

    assert report.contacts == report.counted_after == len(later)
    assert report.is_proved


async def test_an_export_from_a_date_on_v1_cannot_be_compared(tmp_path):
    async with Sandbox(contacts=200, seed=3) as sandbox, client_of(sandbox) as client:
        middle = sandbox.store.contacts[99]["updated"]
        earlier = [each for each in sandbox.store.contacts if each["updated"] < middle]

        report = await export_contacts(client, JsonLines(tmp_path / "c"), date=middle)

    assert report.contacts == len(earlier)
    assert report.doubts == ["the account does not tell how many contacts there should be"]


# Interrupted, and gone on with


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
                sandbox.faults.answer(400, on="POST /v1/contacts", after=2)
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

        assert len(asyncio.all_tasks()) == 1 + _server_tasks(sandbox)
        report = await export_contacts(client, JsonLines(tmp_path / "c"))
        assert report.resumed
        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())


def _server_tasks(sandbox) -> int:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    return sum(
        "aiohttp" in repr(task.get_coro()) or "RequestHandler" in repr(task) for task in tasks
    )


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

            with pytest.raises(ValueError, match="belongs to another account, team 7001 of"):
                await export_contacts(stranger, sink(tmp_path / "c"))
            with pytest.raises(ValueError, match="belongs to another surface, v1, not v2"):
                await export_contacts(client, sink(tmp_path / "c"), surface="v2")
            with pytest.raises(ValueError, match="belongs to another date, none, not 2026"):
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

        with pytest.raises(OSError, match="another job is at work there"):
            await export_contacts(client, sink(tmp_path / "c"))

        assert (await first).is_proved


# Arguments, sinks, progress


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"surface": "v3"}, 'surface must be "v1" or "v2"'),
        ({"page_size": 0}, "page_size must be an integer of at least 1"),
        ({"page_size": 101, "surface": "v2"}, "page_size must be an integer from 1 to 100"),
        ({"concurrency": 0}, "concurrency must be an integer of at least 1"),
        ({"concurrency": True}, "concurrency must be an integer of at least 1"),
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
            await export_contacts(client, Full(None))
        assert Full.closed
        assert len(asyncio.all_tasks()) == 1 + _server_tasks(sandbox)


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
    async with Sandbox(contacts=300) as sandbox, client_of(sandbox, deadline_s=0.2) as client:
        sandbox.faults.reset(on="POST /v1/contacts", times=None, after=1)
        with pytest.raises(NoResponseError):
            await export_contacts(client, JsonLines(tmp_path / "c"), concurrency=3)


def test_requests_of_more_than_a_minute_ago_are_not_lately(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    tally = progress.Tally(HeymarketClient(ApiKey("key")))
    event = AttemptEvent("GET /", 1, 200, 0.1, 1.5, {"the rate limit": 1.5}, "", None)
    tally._count(event)
    now[0] = 30.0
    tally._count(event)
    now[0] = 61.0

    told = tally.progress(1, None, "reading")

    assert (told.requests, told.requests_lately) == (2, 1)
    assert tally.waited_s == {"the rate limit": 3.0}

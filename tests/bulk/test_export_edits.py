"""Exports of accounts that are edited meanwhile, and what proves them."""

from __future__ import annotations

import json
import random
import time

import msgspec
import pytest

from heymarket_async.bulk import JsonLines, export_contacts
from heymarket_async.bulk.read.catch_up import MAX_CATCH_UPS
from heymarket_async.sandbox import Readings, Sandbox
from heymarket_async.walk import rules
from tests.bulk import accounts
from tests.bulk.accounts import (
    Editor,
    client_of,
    create,
    delete,
    edit,
    edit_one,
    ids_of,
    lines_of,
    restamp,
    store_clock,
)


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
            report = await export_contacts(
                client, JsonLines(tmp_path / "c"), on_progress=lambda _: None
            )

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert (report.counted_before, report.counted_after, report.contacts) == (302, 305, 305)
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
        "the account counts 299, 1 fewer than were read; they may have been deleted meanwhile"
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

    (doubt,) = report.doubts
    assert doubt.startswith("the account changes faster than it can be read, so contacts or edits")
    assert report.distinct == 300
    assert report.requests < MAX_CATCH_UPS * 30


@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_a_walk_that_is_written_to_as_fast_as_it_reads_comes_to_an_end(
    surface, tmp_path, monkeypatch
):
    monkeypatch.setattr(accounts, "_clock", [time.time()])  # what is edited is of this day
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

    # As of the last answer of the list: on a slow machine, an edit may come after it.
    assert lines_of(tmp_path / "c") == editor.at_last_page
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
    assert report.doubts == ["the account does not say how many contacts there should be"]


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
    assert report.doubts == ["the account does not say how many contacts there should be"]


def _with_a_group(sandbox: Sandbox, size: int) -> list[int]:
    """Let so many contacts share one time, a year from all others before and after it."""
    ids, then = ids_of(sandbox), 1_700_000_000
    group, rest = ids[:size], ids[size:]
    for each in group:
        restamp(sandbox, each, then)
    for place, each in enumerate(rest):
        is_later = place < len(rest) // 2
        restamp(sandbox, each, then + (1 if is_later else -1) * (30_000_000 + 60 * place))
    return group


@pytest.mark.parametrize("newest_first", [True, False], ids=["newest first", "oldest first"])
@pytest.mark.parametrize("concurrency", [1, 2, 4])
@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_a_group_at_the_edge_of_a_part_that_is_edited_is_read_again(
    surface, concurrency, newest_first, tmp_path
):
    readings = Readings(newest_first=newest_first)
    async with Sandbox(contacts=600, seed=0, limit=None, readings=readings) as sandbox:
        group = _with_a_group(sandbox, 250)
        left = [1]

        def edit_both_ends(event):
            bodies = [request.body for request in list(sandbox.requests)[-8:]]
            if left and any(isinstance(body, dict) and body.get("page") == 1 for body in bodies):
                left.clear()
                for each in group[:5] + group[-5:]:
                    edit(sandbox, each)

        async with client_of(sandbox, on_attempt=edit_both_ends) as client:
            report = await export_contacts(
                client, JsonLines(tmp_path / "c"), surface=surface, concurrency=concurrency
            )

        assert not left
        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert report.is_proved


@pytest.mark.parametrize("inclusive", [True, False])
async def test_an_export_from_a_date_has_what_was_updated_after_it_on_either_reading(
    inclusive, tmp_path
):
    readings = Readings(inclusive=inclusive)
    async with Sandbox(contacts=40, seed=1, readings=readings) as sandbox:
        date = sandbox.store.contacts[10]["updated"]
        async with client_of(sandbox) as client:
            report = await export_contacts(
                client, JsonLines(tmp_path / "c"), surface="v2", date=date
            )

    oldest_first = [json.loads(line)["updated"] for line in lines_of(tmp_path / "c")]
    assert min(oldest_first) > date
    assert (report.oldest, report.newest) == (min(oldest_first), max(oldest_first))
    assert report.contacts == report.counted_after == 10
    assert report.is_proved


async def test_the_report_tells_what_came_twice(tmp_path, monkeypatch):
    came = []
    step = rules.step
    monkeypatch.setattr(
        rules, "step", lambda at, rows, *more: came.append(len(rows.ids)) or step(at, rows, *more)
    )
    async with Sandbox(contacts=1000, seed=1) as sandbox, client_of(sandbox) as client:
        report = await export_contacts(
            client, JsonLines(tmp_path / "c"), page_size=30, concurrency=3
        )

    assert report.overlap == sum(came) - report.contacts > 0

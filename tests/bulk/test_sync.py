"""A file that follows an account: nothing is missing in it, and each run asks for what changed."""

from __future__ import annotations

import asyncio
import itertools
import random
import sqlite3

import pytest

from heymarket_async import BadRequestError
from heymarket_async.bulk import Sqlite, export_contacts, sync_contacts
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.accounts import (
    Editor,
    client_of,
    create,
    current,
    edit,
    edit_one,
    ids_of,
    query,
)

READINGS = [
    Readings(newest_first=newest, inclusive=inclusive, precision=precision, trim_zeros=trim)
    for newest, inclusive, (precision, trim) in itertools.product(
        (True, False), (True, False), (("seconds", False), ("microseconds", True))
    )
]


@pytest.mark.parametrize(
    "readings",
    READINGS,
    ids=lambda each: f"{each.newest_first:d}{each.inclusive:d}{each.precision[0]}",
)
@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_a_file_follows_the_account(surface, readings, tmp_path):
    path, chance = tmp_path / "c.db", random.Random(1)
    async with Sandbox(contacts=400, ties=30, seed=4, readings=readings) as sandbox:
        async with client_of(sandbox) as client:
            kinds = []
            for _ in range(6):
                report = await sync_contacts(client, path, surface=surface, page_size=40)

                assert current(path) == sorted(sandbox.store.lines())
                assert report.contacts == report.counted
                assert report.doubts == []
                kinds.append(report.kind)
                for _ in range(chance.choice([0, 1, 5, 90])):
                    edit_one(sandbox, chance)
                create(sandbox, chance.randrange(10**6))

    assert kinds == ["full", *["changes"] * 5]


async def test_a_later_run_asks_only_for_what_changed(tmp_path):
    async with Sandbox(contacts=2000, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, tmp_path / "c.db")
        for each in ids_of(sandbox)[:3]:
            edit(sandbox, each)
        create(sandbox, 1)
        sandbox.requests.clear()

        report = await sync_contacts(client, tmp_path / "c.db")

        pages = [each for each in sandbox.requests if each.path == "/v2/contacts/list"]
    assert (report.added, report.changed, report.deleted) == (1, 3, 0)
    assert len(pages) <= 4


@pytest.mark.parametrize("name", ["c.csv", "c.db.gz"])
async def test_only_a_new_file_is_known_by_the_ending_of_its_name(name, tmp_path):
    async with Sandbox(contacts=20) as server, client_of(server) as client:
        with pytest.raises(ValueError, match=r"Leave out|Give it another ending"):
            await sync_contacts(client, tmp_path / name)
        assert not list(tmp_path.iterdir())
        await sync_contacts(client, tmp_path / "c.db")
        (tmp_path / "c.db").rename(tmp_path / name)

        assert (await sync_contacts(client, tmp_path / name)).contacts == 20


async def test_what_one_run_has_read_the_next_does_not_read_again(tmp_path):
    async with Sandbox(contacts=600, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, tmp_path / "c.db")
        for each in ids_of(sandbox):
            edit(sandbox, each)  # a minute and a half of edits
        assert (await sync_contacts(client, tmp_path / "c.db", settle_s=1)).changed == 600
        sandbox.requests.clear()

        report = await sync_contacts(client, tmp_path / "c.db", settle_s=1)

        pages = [each for each in sandbox.requests if each.path == "/v2/contacts/list"]
    assert (report.changed, len(pages)) == (0, 1)


async def test_a_run_in_which_nothing_changed_changes_nothing(tmp_path):
    async with Sandbox(contacts=200, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, tmp_path / "c.db")

        report = await sync_contacts(client, tmp_path / "c.db")

    assert (report.added, report.changed, report.deleted, report.doubts) == (0, 0, 0, [])


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_what_is_edited_during_a_run_is_in_the_file(surface, newest_first, tmp_path):
    readings = Readings(newest_first=newest_first)
    async with Sandbox(contacts=600, ties=9, seed=4, readings=readings, limit=None) as sandbox:
        for times in (20, 40):
            editor = Editor(sandbox, edit_one, times=times)
            async with client_of(sandbox, on_attempt=editor) as client:
                report = await sync_contacts(
                    client, tmp_path / "c.db", surface=surface, page_size=30, concurrency=2
                )

            assert current(tmp_path / "c.db") == editor.at_last_page
            assert report.doubts == []


@pytest.mark.parametrize("newest_first", [True, False])
async def test_an_account_that_began_with_one_contact_is_followed(newest_first, tmp_path):
    path, readings = tmp_path / "c.db", Readings(newest_first=newest_first)
    async with Sandbox(contacts=1, seed=4, readings=readings) as sandbox:
        async with client_of(sandbox) as client:
            for number in range(5):
                report = await sync_contacts(client, path, surface="v1", page_size=7, settle_s=0)

                assert current(path) == sorted(sandbox.store.lines())
                assert report.doubts == []
                assert report.requests < 15  # it reads what changed, not all
                for each in range(20):
                    create(sandbox, 100 * number + each)
                edit(sandbox, ids_of(sandbox)[0])


async def test_a_file_of_an_export_is_not_taken_for_a_sync(tmp_path):
    async with Sandbox(contacts=5, seed=4) as sandbox, client_of(sandbox) as client:
        await export_contacts(client, Sqlite(tmp_path / "c.db"))

        with pytest.raises(ValueError, match="holds an export"):
            await sync_contacts(client, tmp_path / "c.db")


async def test_an_empty_account_is_followed_too(tmp_path):
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        assert (await sync_contacts(client, tmp_path / "c.db")).contacts == 0
        await client.contacts.create_batch(_new(3))

        report = await sync_contacts(client, tmp_path / "c.db")

    assert (report.contacts, report.added) == (3, 3)


def _new(number):
    from heymarket_async import NewContact  # noqa: PLC0415 - here alone

    return [NewContact(phone=f"1510555334{each}") for each in range(number)]


async def test_a_write_that_shows_up_late_is_not_missed(tmp_path):
    async with Sandbox(contacts=200, seed=4) as sandbox, client_of(sandbox) as client:
        first, second = ids_of(sandbox)[:2]
        edit(sandbox, first)
        late = sandbox.store.by_id(second)
        sandbox.store.remove(late)
        edit(sandbox, ids_of(sandbox)[5])
        await sync_contacts(client, tmp_path / "c.db")
        # Its `updated` lies before what the run has seen, but the run could not see it.
        record = sandbox.store.record(sandbox.store.by_id(first))
        stamp = sandbox.store.by_id(first).stamp
        other = sandbox.store.record(late)
        other.rev, other.updated = other.rev + 1, record.updated
        sandbox.store.put(other, late.uuid, stamp, None)

        await sync_contacts(client, tmp_path / "c.db")

        assert current(tmp_path / "c.db") == sorted(sandbox.store.lines())


# Interrupted, refused


async def test_a_first_run_that_is_interrupted_is_gone_on_with(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=2000, ties=5, seed=4) as sandbox, client_of(sandbox) as client:
        for after in (5, 8):
            sandbox.faults.answer(400, on="POST /v2/contacts/list", after=after)
            with pytest.raises(BadRequestError):
                await sync_contacts(client, path, concurrency=2, page_size=50)
        sandbox.requests.clear()

        report = await sync_contacts(client, path, concurrency=2, page_size=50)

        assert len(sandbox.requests) < 50
        assert current(path) == sorted(sandbox.store.lines())
    assert (report.kind, report.resumed, report.doubts) == ("full", True, [])
    outcomes = query(path, "SELECT outcome FROM runs ORDER BY number")
    assert outcomes == [("BadRequestError",), ("BadRequestError",), ("done",)]


@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_a_later_run_that_is_interrupted_is_made_up_for(surface, tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=500, ties=5, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path, surface=surface, page_size=30)
        for each in ids_of(sandbox)[::2]:
            edit(sandbox, each)
        sandbox.faults.answer(
            400, on=f"POST /{surface}/contacts{'/list' * (surface == 'v2')}", after=4
        )
        with pytest.raises(BadRequestError):
            await sync_contacts(client, path, surface=surface, page_size=30)
        assert current(path) != sorted(sandbox.store.lines())

        report = await sync_contacts(client, path, surface=surface, page_size=30)

        assert current(path) == sorted(sandbox.store.lines())
    assert report.doubts == []


async def test_a_run_that_is_cancelled_is_noted_as_interrupted_by_the_next(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=500, seed=4) as sandbox, client_of(sandbox) as client:
        sandbox.faults.delay(30, on="POST /v2/contacts/list", after=2)
        run = asyncio.create_task(sync_contacts(client, path))
        await asyncio.sleep(0.3)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

        await sync_contacts(client, path)

    assert query(path, "SELECT outcome FROM runs") == [("interrupted",), ("done",)]


async def test_a_run_that_fails_at_its_first_call_is_noted(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=5) as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(400, on="GET /v1/team")
        with pytest.raises(BadRequestError):
            await sync_contacts(client, path)

        report = await sync_contacts(client, path)

    assert (report.contacts, report.resumed) == (5, False)
    outcomes = query(path, "SELECT outcome, ended IS NULL FROM runs ORDER BY number")
    assert outcomes == [("BadRequestError", 0), ("done", 0)]


async def test_a_file_follows_one_account_and_one_list(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=50) as one, Sandbox(contacts=50) as other:
        async with client_of(one) as client, client_of(other) as stranger:
            await sync_contacts(client, path)

            with pytest.raises(ValueError, match="belongs to another account: team 7001 of"):
                await sync_contacts(stranger, path)
            with pytest.raises(ValueError, match="belongs to another list: v2, not v1"):
                await sync_contacts(client, path, surface="v1")
            with pytest.raises(ValueError, match=r"A sync keeps .* up to date"):
                await export_contacts(client, Sqlite(path))


async def test_two_runs_on_one_file_are_kept_apart(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=50) as sandbox, client_of(sandbox) as client:
        sandbox.faults.delay(0.3, on="POST /v2/contacts/list")
        first = asyncio.create_task(sync_contacts(client, path))
        await asyncio.sleep(0.1)

        with pytest.raises(OSError, match="another job is using it"):
            await sync_contacts(client, path)
        assert (await first).contacts == 50
    assert [each.name for each in tmp_path.iterdir()] == ["c.db"]


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"surface": "v3"}, 'surface must be "v1" or "v2"'),
        ({"page_size": 101}, "page_size must be an integer from 1 to 100"),
        ({"concurrency": 0}, "concurrency must be an integer from 1 to 100"),
        ({"detect_deletions": 1}, "detect_deletions must be of type bool"),
        ({"settle_s": -1}, "settle_s must be a number of seconds, 0 or above"),
        ({"settle_s": "60"}, "settle_s must be of type int or float"),
    ],
)
async def test_a_wrong_argument_is_told_before_anything_is_done(options, rule, tmp_path):
    async with Sandbox(contacts=3) as sandbox, client_of(sandbox) as client:
        with pytest.raises(ValueError, match=rule):
            await sync_contacts(client, tmp_path / "c.db", **options)

    assert not sandbox.requests
    assert not list(tmp_path.iterdir())


async def test_a_run_that_is_cancelled_while_it_opens_the_file_lets_go_of_it(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=10) as sandbox, client_of(sandbox) as client:
        opening = asyncio.create_task(sync_contacts(client, path))
        await asyncio.sleep(0)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)

        assert (await sync_contacts(client, path)).contacts == 10
    assert [each.name for each in tmp_path.iterdir()] == ["c.db"]


async def test_a_file_with_an_unfinished_export_is_not_followed_with(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=300) as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(400, on="POST /v1/contacts", after=2)
        with pytest.raises(BadRequestError):
            await export_contacts(client, Sqlite(path), page_size=30)

        with pytest.raises(ValueError, match="holds an export"):
            await sync_contacts(client, path)
        assert (await export_contacts(client, Sqlite(path))).resumed


async def test_a_damaged_file_is_an_error_of_the_file(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=500) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        with path.open("r+b") as file:
            file.seek(8192)
            file.write(b"\xff" * (path.stat().st_size - 8192))

        with pytest.raises(OSError, match=r"c\.db: "):
            await sync_contacts(client, path)


async def test_triggers_of_others_are_not_counted(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=5) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE seen (id)")
            database.execute(
                "CREATE TRIGGER see AFTER INSERT ON contacts"
                " BEGIN INSERT INTO seen VALUES (new.id); END"
            )
        database.close()
        create(sandbox, 1)

        report = await sync_contacts(client, path)

    assert (report.added, report.changed) == (1, 0)

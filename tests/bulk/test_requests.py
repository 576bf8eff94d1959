"""Jobs ask for nothing that they know already."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import replace

import pytest

from heymarket_async import ApiSecret, BadRequestError, HeymarketClient, ServerError
from heymarket_async.bulk import Csv, JsonLines, export_contacts, sync_contacts
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.accounts import (
    client_of,
    create,
    current,
    delete,
    edit,
    edit_one,
    ids_of,
    lines_of,
    query,
    restamp,
)
from tests.bulk.two_accounts import two_accounts

TEAM, FIELDS, COUNT = "/v1/team", "/v1/contact-fields", "/v1/contacts/count"
LISTS = {"v1": "/v1/contacts", "v2": "/v2/contacts/list"}


async def asked(sandbox: Sandbox, job) -> Counter:
    """Return how often each path was asked for in a job without doubts."""
    sandbox.requests.clear()
    report = await job
    assert report.doubts == []
    assert report.requests == len(sandbox.requests)
    return Counter(each.path for each in sandbox.requests)


@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_a_sync_asks_for_the_newest_page_and_the_count(surface, tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=300, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path, surface=surface)

        unchanged = await asked(sandbox, sync_contacts(client, path, surface=surface))
        edit(sandbox, ids_of(sandbox)[7])
        changed = await asked(sandbox, sync_contacts(client, path, surface=surface))

        assert current(path) == sorted(sandbox.store.lines())
    assert unchanged == {LISTS[surface]: 1, COUNT: 1}
    assert changed == {LISTS[surface]: 1, COUNT: 1, FIELDS: 1}


@pytest.mark.parametrize(("surface", "pages"), [("v1", 3), ("v2", 2)])
async def test_an_export_of_one_page_needs_no_team(surface, pages, tmp_path):
    async with Sandbox(contacts=25) as sandbox, client_of(sandbox) as client:
        job = export_contacts(client, JsonLines(tmp_path / "c"), surface=surface)
        assert await asked(sandbox, job) == {LISTS[surface]: pages, COUNT: 1}

        job = export_contacts(client, Csv(tmp_path / "c.csv"), surface=surface)
        assert await asked(sandbox, job) == {LISTS[surface]: pages, COUNT: 1, FIELDS: 1}


# v1 is asked for its default of 30 first. The table in docs/bulk.md has these numbers.
@pytest.mark.parametrize(("surface", "pages", "synced"), [("v1", 106, 105), ("v2", 103, 103)])
async def test_ten_thousand_contacts_take_their_pages_and_few_more_requests(
    surface, pages, synced, tmp_path
):
    async with Sandbox(10_000, seed=4, limit=None) as sandbox, client_of(sandbox) as client:
        export = export_contacts(client, JsonLines(tmp_path / "c"), surface=surface)
        assert await asked(sandbox, export) == {LISTS[surface]: pages, TEAM: 1, COUNT: 1}

        first = await asked(sandbox, sync_contacts(client, tmp_path / "c.db", surface=surface))
        assert first == {LISTS[surface]: synced, TEAM: 1, FIELDS: 1, COUNT: 1}


async def test_the_total_is_asked_for_if_progress_is_shown(tmp_path):
    async with Sandbox(contacts=300) as sandbox, client_of(sandbox) as client:
        shown = []

        export = export_contacts(client, JsonLines(tmp_path / "c"), on_progress=shown.append)
        assert (await asked(sandbox, export))[COUNT] == 2
        sync = sync_contacts(client, tmp_path / "c.db", on_progress=shown.append)
        assert (await asked(sandbox, sync))[COUNT] == 2
        again = sync_contacts(client, tmp_path / "c.db", on_progress=shown.append)
        assert (await asked(sandbox, again))[COUNT] == 1

    assert {each.total for each in shown} >= {300, None}


@pytest.mark.parametrize("answer", range(1, 5))
@pytest.mark.parametrize("change", [edit_one, lambda sandbox, _: create(sandbox, 7)])
async def test_a_small_export_is_as_the_account_was_at_its_last_page(answer, change, tmp_path):
    then = []

    def change_once(event):
        events.append(event)
        if event.call == "POST /v1/contacts":
            then[:] = sorted(sandbox.store.lines())
        if len(events) == answer:
            change(sandbox, random.Random(answer))

    events: list[object] = []
    async with Sandbox(contacts=25, seed=4) as sandbox:
        async with client_of(sandbox, on_attempt=change_once) as client:
            report = await export_contacts(client, JsonLines(tmp_path / "c"))

    assert report.doubts == []
    assert lines_of(tmp_path / "c") == then


async def test_an_edit_below_a_part_that_has_come_to_the_end_is_caught_up_with(tmp_path):
    for answer in range(4, 16):
        events: list[object] = []
        async with Sandbox(contacts=300, seed=4) as sandbox:
            middle = sandbox.store.contacts[160]["id"]

            def edit_once(event, answer=answer, events=events, sandbox=sandbox, middle=middle):
                events.append(event)
                if len(events) == answer:
                    restamp(sandbox, middle, int(time.time()))

            async with client_of(sandbox, on_attempt=edit_once) as client:
                report = await export_contacts(
                    client, JsonLines(tmp_path / "c"), surface="v2", page_size=30, concurrency=2
                )
            assert report.doubts == []
            assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())


@pytest.mark.parametrize("places", [(9, 1, 30), (39, 38, 37), (39,)])
async def test_a_page_that_is_not_newest_first_is_not_believed(places, tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=40, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        edit(sandbox, ids_of(sandbox)[3])
        lines = sandbox.store.lines()
        page = b"[%b]" % b",".join(lines[place] for place in places)
        sandbox.faults.answer(200, on="POST /v2/contacts/list", body=page)

        assert (await sync_contacts(client, path)).changed == 1
        assert current(path) == sorted(sandbox.store.lines())


async def test_an_element_that_is_no_contact_counts_only_among_the_changes(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=40, seed=4) as sandbox, client_of(sandbox) as client:
        newest, *_, other = [each["id"] for each in sandbox.store.contacts]
        await sync_contacts(client, path)
        sandbox.show_as(other, b"null")
        assert (await sync_contacts(client, path)).doubts == []

        sandbox.show_as(newest, b"null")
        assert "skipped once" in "".join((await sync_contacts(client, path)).doubts)


@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_sync_begins_with_the_page_size_that_an_earlier_one_has_found(
    newest_first, tmp_path
):
    readings = Readings(max_limit=400, newest_first=newest_first)
    async with Sandbox(contacts=1500, seed=4, limit=None, readings=readings) as sandbox:

        async def limits(**options) -> list[int | None]:
            async with client_of(sandbox, max_page_size=400) as client:
                await asked(sandbox, sync_contacts(client, path, surface="v1", **options))
            lists = [each for each in sandbox.requests if each.path == LISTS["v1"]]
            return [each.body.get("limit") for each in lists]

        path, deletions = tmp_path / "c.db", {"detect_deletions": True}
        assert (await limits())[:4] == [None, 100, 200, 400]
        assert set(await limits()) == {None}
        assert (await limits(**deletions))[:2] == [None, 400]
        for contact_id in ids_of(sandbox)[:700]:
            edit(sandbox, contact_id)
        changes = await limits()
        assert changes[:3] == ([None, None, 400] if newest_first else [None, 100, 200])

        server, stingier = sandbox._server, replace(readings, max_limit=200)
        server._account = replace(server._account, readings=stingier)
        assert 200 in await limits(**deletions)
        assert (await limits(**deletions))[:2] == [None, 200]


# The account


async def test_a_job_that_resumes_with_other_credentials_asks_whose_they_are(tmp_path):
    async with Sandbox(contacts=300) as sandbox:
        for number, key in enumerate(["", sandbox.api_key]):
            path = tmp_path / f"{number}"
            # The first two refuse larger pages only, which ends no job.
            sandbox.faults.answer(400, on="POST /v1/contacts", after=2, times=3)
            async with client_of(sandbox) as client, client_of(sandbox, key=key) as other:
                with pytest.raises(BadRequestError):
                    await export_contacts(client, JsonLines(path))

                job = export_contacts(other, JsonLines(path))
                assert (await asked(sandbox, job))[TEAM] == number
            assert lines_of(path) == sorted(sandbox.store.lines())


async def test_an_export_whose_account_cannot_be_read_ends_and_asks_no_second_time(tmp_path):
    async with Sandbox(contacts=300) as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(501, on="GET /v1/team", times=None)

        with pytest.raises(ServerError):
            await export_contacts(client, JsonLines(tmp_path / "c"))

        assert sum(each.path == TEAM for each in sandbox.requests) == 1
    assert not list(tmp_path.iterdir())


async def test_an_export_of_one_page_that_cannot_be_finished_begins_anew(tmp_path, monkeypatch):
    path = tmp_path / "c"
    async with Sandbox(contacts=25) as sandbox, client_of(sandbox) as client:
        with monkeypatch.context() as patch:
            patch.setattr(JsonLines, "finish", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                await export_contacts(client, JsonLines(path))
        delete(sandbox, ids_of(sandbox)[3])
        async with client_of(sandbox, key=sandbox.api_key) as other:
            report = await export_contacts(other, JsonLines(path))

        assert lines_of(path) == sorted(sandbox.store.lines())
    assert (report.resumed, report.contacts) == (False, 24)
    assert [each.name for each in tmp_path.iterdir()] == ["c"]


async def test_a_callable_is_asked_for_its_credentials_before_the_server_is(tmp_path):
    path = tmp_path / "c.db"
    async with two_accounts(30) as both:
        async with both.client() as client:
            await sync_contacts(client, path)
        async with both.client() as client:
            assert (await asked(both.own, sync_contacts(client, path)))[TEAM] == 0
        both._key = "rotated"
        async with both.client() as client:
            assert (await asked(both.own, sync_contacts(client, path)))[TEAM] == 1
        both._key = both.other.api_key
        async with both.client() as client:
            with pytest.raises(ValueError, match="belongs to another account: team 7001 of"):
                await sync_contacts(client, path)

    assert [each.path for each in both.other.requests] == [TEAM]


async def test_an_account_is_known_by_its_server_too(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=5) as one, client_of(one) as client:
        await sync_contacts(client, path)
        async with Sandbox(contacts=5, secret_id=one.credentials[0]) as other:
            own = ApiSecret(one.credentials[0], other.credentials[1])
            async with HeymarketClient(own, base_url=other.url) as stranger:
                with pytest.raises(ValueError, match="belongs to another account"):
                    await sync_contacts(stranger, path)


# The custom fields


async def test_a_new_title_is_shown_within_an_hour_or_with_a_change(tmp_path):
    path, began = tmp_path / "c.db", time.time()
    async with Sandbox(contacts=25) as sandbox, client_of(sandbox, key=sandbox.api_key) as client:
        field = next(iter(sandbox._server._account.fields))
        await sync_contacts(client, path)
        for title, later_s in (("One", 3500), ("Two", 3700)):
            sandbox._server._account.fields[field] = title
            sandbox._server._now = lambda later_s=later_s: began + later_s
            await sync_contacts(client, path)
        with pytest.raises(Exception, match="no such column"):
            query(path, "SELECT [One] FROM current_contacts")
        assert len(query(path, "SELECT [Two] FROM current_contacts")) == 25

        sandbox._server._account.fields[field] = "Three"
        edit(sandbox, ids_of(sandbox)[0])
        await sync_contacts(client, path)
        assert len(query(path, "SELECT [Three] FROM current_contacts")) == 25

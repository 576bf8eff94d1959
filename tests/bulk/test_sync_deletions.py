"""Syncs that find out what was deleted."""

from __future__ import annotations

import json

import pytest

from heymarket_async.bulk import sync, sync_contacts
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.accounts import (
    client_of,
    current,
    delete,
    ids_of,
    query,
)


def hide_one(sandbox: Sandbox) -> None:
    """Leave a contact out of the list; it can still be asked for."""
    sandbox.store._rows.remove(sandbox.store.by_id(ids_of(sandbox)[3]))


async def test_deletions_are_detected_when_asked_for(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=200, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        gone = ids_of(sandbox)[:5]
        for each in gone:
            delete(sandbox, each)

        changes = await sync_contacts(client, path)
        full = await sync_contacts(client, path, detect_deletions=True)

        assert current(path) == sorted(sandbox.store.lines())
    assert (changes.deleted, changes.contacts) == (0, 200)
    assert "195, 5 fewer than the file has" in changes.doubts[0]
    assert (full.kind, full.deleted, full.contacts, full.doubts) == ("full", 5, 195, [])
    assert (full.added, full.changed) == (0, 0)
    marked = query(path, "SELECT id FROM contacts WHERE deleted_at LIKE '20__-%Z' ORDER BY id")
    assert marked == [(each,) for each in gone]


async def test_a_deletion_is_asked_for_where_the_count_is_not_known(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=200, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        delete(sandbox, ids_of(sandbox)[7])
        sandbox.faults.answer(403, on="POST /v1/contacts/count", times=None)
        sandbox.requests.clear()

        report = await sync_contacts(client, path, detect_deletions=True)

        assert current(path) == sorted(sandbox.store.lines())
        assert len([each for each in sandbox.requests if each.path.startswith("/v1/contact/")]) == 1
    assert report.deleted == 1


async def test_a_contact_that_is_said_to_be_gone_is_marked(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=60, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        hide_one(sandbox)
        sandbox.faults.answer(403, on="POST /v1/contacts/count", times=None)
        sandbox.faults.answer(410, on="GET /v1/contact/{id}")

        report = await sync_contacts(client, path, detect_deletions=True)

    assert report.deleted == 1


async def test_a_contact_that_is_there_after_all_is_not_marked(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=60, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        # A list that leaves one out, and a count that does not.
        hide_one(sandbox)
        sandbox.faults.answer(200, body=60, on="POST /v1/contacts/count", times=None)

        report = await sync_contacts(client, path, detect_deletions=True)

    assert (report.deleted, report.contacts) == (0, 60)
    assert report.doubts == ["the account counts 60, 1 more than were read"]


@pytest.mark.parametrize(
    "of_gateway",
    [{"headers": {"X-Request-Id": ""}}, {"body": "<html><title>404 Not Found</title></html>"}],
)
async def test_a_not_found_of_a_gateway_is_no_deletion(of_gateway, tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=60, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        hide_one(sandbox)
        sandbox.faults.answer(403, on="POST /v1/contacts/count", times=None)
        sandbox.faults.answer(404, on="GET /v1/contact/{id}", **of_gateway)

        report = await sync_contacts(client, path, detect_deletions=True)

    assert report.deleted == 0


async def test_too_many_missing_are_not_asked_for_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(sync, "_MOST_ASKED_FOR", 3)
    path = tmp_path / "c.db"
    async with Sandbox(contacts=60, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        for each in ids_of(sandbox)[:4]:
            delete(sandbox, each)
        sandbox.faults.answer(403, on="POST /v1/contacts/count", times=None)

        report = await sync_contacts(client, path, detect_deletions=True)

    assert report.deleted == 0
    assert (
        "4 of the contacts that were not found could not be asked for, so they are not marked"
        in (report.doubts)
    )


async def test_a_contact_that_is_back_is_not_deleted_any_more(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=60, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        row = sandbox.store.by_id(ids_of(sandbox)[3])
        sandbox.store.remove(row)
        assert (await sync_contacts(client, path, detect_deletions=True)).deleted == 1
        sandbox.store.put(sandbox.store.record(row), row.uuid, row.stamp, None)

        await sync_contacts(client, path, detect_deletions=True)

        assert current(path) == sorted(sandbox.store.lines())


async def test_a_contact_is_not_marked_because_a_count_agrees_by_chance(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=50, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        oldest_first = sorted(sandbox.store.lines(), key=lambda line: json.loads(line)["updated"])
        # The oldest is not met, and another one, which was, is deleted: the count is as it was.
        met = b"[" + b",".join(oldest_first[1:]) + b"]"
        sandbox.faults.answer(200, on="POST /v2/contacts/list", body=met)
        delete(sandbox, json.loads(oldest_first[1])["id"])

        report = await sync_contacts(client, path, detect_deletions=True)

    assert (report.counted, report.deleted) == (49, 0)
    assert query(path, "SELECT count(*) FROM contacts WHERE deleted_at IS NOT NULL") == [(0,)]


async def test_many_that_are_missing_are_believed_to_be_gone_if_the_count_agrees(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(sync, "_MOST_ASKED_FOR", 3)
    path = tmp_path / "c.db"
    async with Sandbox(contacts=50, seed=4) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        for each in ids_of(sandbox)[:5]:
            delete(sandbox, each)
        sandbox.requests.clear()

        report = await sync_contacts(client, path, detect_deletions=True)

        assert current(path) == sorted(sandbox.store.lines())
    assert (report.deleted, report.doubts) == (5, [])
    assert not [each for each in sandbox.requests if each.path.startswith("/v1/contact/")]


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("missing_get", ["error", "id"])
async def test_an_answer_that_shows_no_contact_is_no_proof_and_leaves_a_doubt(
    missing_get, counts, tmp_path
):
    sandbox = Sandbox(contacts=40, readings=Readings(missing_get=missing_get))
    async with sandbox, client_of(sandbox) as client:
        await sync_contacts(client, tmp_path / "c.db")
        for each in ids_of(sandbox)[:3]:
            delete(sandbox, each)
        if not counts:
            sandbox.faults.answer(403, on="POST /v1/contacts/count", times=None)

        report = await sync_contacts(client, tmp_path / "c.db", detect_deletions=True)

    assert (report.contacts, report.deleted) == (40, 0)
    assert report.doubts[-1] == (
        "3 of the contacts that were not found may be deleted, but no answer of Heymarket says so,"
        " so they are not marked"
    )


async def test_a_page_of_html_is_no_proof_of_a_deletion(tmp_path):
    async with Sandbox(contacts=40) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, tmp_path / "c.db")
        delete(sandbox, ids_of(sandbox)[3])
        sandbox.faults.answer(
            200, body=b"<html>Hello</html>", on="GET /v1/contact/{id}", times=None
        )

        report = await sync_contacts(client, tmp_path / "c.db", detect_deletions=True)

    assert (report.contacts, report.counted, report.deleted) == (40, 39, 0)
    assert report.doubts[-1].startswith("1 of the contacts that were not found may be deleted")


async def test_a_file_that_has_more_than_is_counted_leaves_a_doubt(tmp_path):
    async with Sandbox(contacts=40) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, tmp_path / "c.db")
        hidden = ids_of(sandbox)[3]
        shown = next(line for line in sandbox.store.lines() if json.loads(line)["id"] == hidden)
        hide_one(sandbox)
        sandbox.faults.answer(200, body=shown, on="GET /v1/contact/{id}", times=None)
        sandbox.faults.answer(200, body=39, on="POST /v1/contacts/count", times=None)

        report = await sync_contacts(client, tmp_path / "c.db", detect_deletions=True)

    assert report.deleted == 0
    assert report.doubts == ["the file has 40 contacts, 1 more than the account counts"]


@pytest.mark.parametrize("becomes", ["deleted", "right"])
@pytest.mark.parametrize("sent", [None, 2**63, "abc", -7, 0])
async def test_a_contact_whose_id_cannot_be_asked_for_is_marked_when_all_others_were_read(
    sent, becomes, tmp_path
):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=60) as sandbox, client_of(sandbox) as client:
        odd = ids_of(sandbox)[7]
        sandbox.show_as(odd, {"id": sent})
        await sync_contacts(client, path)
        sandbox.show_as(odd, None)
        if becomes == "deleted":
            delete(sandbox, odd)

        report = await sync_contacts(client, path, detect_deletions=True)

        assert current(path) == sorted(sandbox.store.lines())
    assert (report.deleted, report.added, report.doubts) == (1, becomes == "right", [])


async def test_a_contact_whose_id_cannot_be_asked_for_stays_while_contacts_may_be_missing(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=60) as sandbox, client_of(sandbox) as client:
        odd = ids_of(sandbox)[3]
        sandbox.show_as(odd, {"id": None})
        await sync_contacts(client, path)
        hide_one(sandbox)
        sandbox.faults.answer(200, body=60, on="POST /v1/contacts/count", times=None)

        report = await sync_contacts(client, path, detect_deletions=True)

    assert (report.deleted, report.contacts) == (0, 60)
    assert (
        "1 of the contacts that were not found could not be asked for, so they are not marked"
        in (report.doubts)
    )

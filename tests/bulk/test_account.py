"""A job's stored state is taken to its own account only, whatever may be read of the account."""

from __future__ import annotations

import pytest

from heymarket_async import BadRequestError, NewContact
from heymarket_async.bulk import JsonLines, export_contacts, import_contacts, sync_contacts
from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import client_of, create, current, lines_of, query

TEAM = "GET /v1/team"
PEOPLE = [NewContact(phone=f"1415555{number:04}") for number in range(3)]


def hide_team(sandbox):
    sandbox.faults.answer(403, on=TEAM, times=None)


@pytest.mark.parametrize("is_hidden_first", [True, False])
async def test_a_sync_goes_on_whether_the_team_can_be_read_or_not(is_hidden_first, tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=20) as sandbox, client_of(sandbox) as client:
        kinds = []
        for is_hidden in (is_hidden_first, not is_hidden_first, is_hidden_first):
            sandbox.faults.clear()
            if is_hidden:
                hide_team(sandbox)
            report = await sync_contacts(client, path)
            kinds.append((report.kind, report.doubts))

        assert current(path) == sorted(sandbox.store.lines())
        ((account,),) = query(path, "SELECT value FROM state WHERE name = 'account'")
        assert account == f"team 7001 of {sandbox.url}"
    assert kinds == [("full", []), ("changes", []), ("changes", [])]


async def test_without_the_team_other_credentials_are_another_account(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=20) as sandbox, client_of(sandbox) as client:
        async with client_of(sandbox, key=sandbox.api_key) as other:
            await sync_contacts(client, path)
            hide_team(sandbox)

            with pytest.raises(ValueError, match="belongs to another account: team 7001 of"):
                await sync_contacts(other, path)
            with pytest.raises(ValueError, match="it is not known that the team is the same"):
                await sync_contacts(other, path, rebind=True)


async def test_an_export_goes_on_without_the_team(tmp_path):
    async with Sandbox(contacts=300) as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(400, on="POST /v1/contacts", after=2, times=3)
        with pytest.raises(BadRequestError):
            await export_contacts(client, JsonLines(tmp_path / "c"))
        hide_team(sandbox)

        report = await export_contacts(client, JsonLines(tmp_path / "c"))

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert (report.resumed, report.doubts) == (True, [])


async def test_an_import_needs_no_right_to_read_the_team(tmp_path):
    path = tmp_path / "outcomes.jsonl"
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        hide_team(sandbox)
        await import_contacts(client, PEOPLE, outcomes=path)

        report = await import_contacts(client, PEOPLE, outcomes=path, resume=True)

    assert (report.created, report.skipped) == (3, 3)


# An account that has moved


async def test_a_file_follows_an_account_that_has_moved_if_it_is_rebound(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=20) as old, client_of(old) as client:
        await sync_contacts(client, path)
    async with Sandbox(contacts=20) as new, client_of(new) as client:
        create(new, 1)
        with pytest.raises(ValueError, match="or pass rebind=True if the account has moved"):
            await sync_contacts(client, path)

        assert (await sync_contacts(client, path, rebind=True)).kind == "changes"
        assert (await sync_contacts(client, path, detect_deletions=True)).doubts == []
        assert current(path) == sorted(new.store.lines())


async def test_a_first_sync_that_was_interrupted_can_be_rebound(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=300) as old, client_of(old) as client:
        old.faults.answer(400, on="POST /v2/contacts/list", after=2)
        with pytest.raises(BadRequestError):
            await sync_contacts(client, path)
    async with Sandbox(contacts=300) as new, client_of(new) as client:
        report = await sync_contacts(client, path, rebind=True)

        assert current(path) == sorted(new.store.lines())
    assert report.resumed


async def test_a_file_is_not_rebound_to_another_team(tmp_path):
    path = tmp_path / "c.db"
    async with Sandbox(contacts=20) as sandbox, client_of(sandbox) as client:
        await sync_contacts(client, path)
        sandbox.faults.answer(200, on=TEAM, body={"id": 8002}, times=None)

        with pytest.raises(ValueError, match="cannot be rebound, because it is not known"):
            await sync_contacts(client, path, rebind=True)

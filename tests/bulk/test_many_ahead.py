"""Accounts of which much is stamped later than the server's clock are read whole."""

from __future__ import annotations

import time

import pytest

from heymarket_async import BadRequestError
from heymarket_async.bulk import JsonLines, export_contacts, sync_contacts
from heymarket_async.bulk.read import catch_up
from heymarket_async.sandbox import Readings, Sandbox
from heymarket_async.timestamps import later
from tests.bulk import accounts
from tests.bulk.accounts import Editor, client_of, current, edit, ids_of, lines_of, store_clock

pytestmark = pytest.mark.unmeasured

COUNT = "POST /v1/contacts/count"


def ahead_of_the_clock(readings=None, *, counted=None, contacts=1_500):
    """A sandbox that counts wrongly, and whose contacts but one are stamped 1-2 hours ahead."""
    sandbox = Sandbox(contacts=contacts, readings=readings, limit=None)
    now = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}Z"
    for number, contact_id in enumerate(ids_of(sandbox)[1:]):
        sandbox.stamp(contact_id, later(now, 3_600 + 3_600 * number // contacts))
    if counted is None:
        sandbox.faults.answer(403, on=COUNT, times=None)
    else:
        sandbox.faults.answer(200, body=counted, on=COUNT, times=None)
    return sandbox


@pytest.mark.parametrize("counted", [None, 0])
@pytest.mark.parametrize("surface", ["v1", "v2"])
async def test_contacts_stamped_ahead_before_the_job_began_are_all_read(surface, counted, tmp_path):
    sandbox = ahead_of_the_clock(Readings(newest_first=False), counted=counted)
    async with sandbox, client_of(sandbox) as client:
        export = await export_contacts(
            client, JsonLines(tmp_path / "c"), surface=surface, page_size=10
        )
        sync = await sync_contacts(client, tmp_path / "c.db", surface=surface, page_size=10)
        edit(sandbox, ids_of(sandbox)[-1])
        again = await sync_contacts(client, tmp_path / "c.db", surface=surface, page_size=10)

        assert current(tmp_path / "c.db") == sorted(sandbox.store.lines())
    assert export.contacts == sync.contacts == again.contacts == len(lines_of(tmp_path / "c"))
    assert (export.contacts, again.kind, again.changed) == (1_500, "changes", 1)


async def test_an_account_is_read_whole_though_the_servers_date_is_a_year_behind(tmp_path):
    sandbox = Sandbox(contacts=1_500, limit=None)
    sandbox.faults.answer(200, body=0, on=COUNT, times=None)
    sandbox._server._now = lambda: 1_680_000_000.0
    async with sandbox, client_of(sandbox, key=sandbox.api_key) as client:
        report = await export_contacts(
            client, JsonLines(tmp_path / "c"), surface="v2", page_size=10
        )

        assert lines_of(tmp_path / "c") == sorted(sandbox.store.lines())
    assert report.contacts == 1_500


async def test_a_walk_that_was_cut_amid_contacts_ahead_resumes_there(tmp_path):
    sandbox = ahead_of_the_clock(contacts=300)
    async with sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(400, on="POST /v2/contacts/list", after=20)
        with pytest.raises(BadRequestError):
            await sync_contacts(client, tmp_path / "c.db", page_size=10)
        report = await sync_contacts(client, tmp_path / "c.db", page_size=10)

    assert (report.resumed, report.contacts) == (True, 300)
    assert report.added < 150, "what was read before is not read again"


async def test_a_pass_that_was_cut_is_not_quiet_and_says_that_contacts_may_be_missing(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(catch_up, "_MOST_STALE_PAGES", 2)
    monkeypatch.setattr(accounts, "_clock", [time.time()])
    readings = Readings(newest_first=False)
    async with Sandbox(contacts=20, seed=4, limit=None, readings=readings) as sandbox:

        def edit_one_after_the_other(sandbox, chance):
            for _ in range(4):
                store_clock()
            edit(sandbox, chance.choice(ids_of(sandbox)[:3]))

        editor = Editor(sandbox, edit_one_after_the_other, times=10**6)
        async with client_of(sandbox, on_attempt=editor) as client:
            report = await export_contacts(client, JsonLines(tmp_path / "c"))

    assert report.doubts[0] == (
        "the account changes faster than it can be read, so contacts or edits of them may be"
        " missing"
    )

"""A group of one `updated` that was too restless to be read is read when it has come to rest."""

from __future__ import annotations

import pytest

from heymarket_async import PaginationError
from heymarket_async.bulk import JsonLines, export_contacts, sync_contacts
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.accounts import client_of, current, ids_of, lines_of, restamp

pytestmark = pytest.mark.unmeasured


@pytest.fixture(autouse=True)
def no_rest(monkeypatch):
    """Let a walk not wait before it reads a group again."""
    monkeypatch.setattr("heymarket_async.walk.walk._REST_S", 0.0)


@pytest.mark.parametrize("job", ["export", "sync", "later sync"])
@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_job_goes_on_after_a_group_that_was_too_restless(job, newest_first, tmp_path):
    path = tmp_path / "c"
    readings = Readings(newest_first=newest_first, ties="shuffled")
    async with Sandbox(contacts=400, limit=None, readings=readings) as sandbox:
        async with client_of(sandbox) as client:

            async def run():
                if job == "export":
                    return await export_contacts(client, JsonLines(path), page_size=30)
                return await sync_contacts(client, path, surface="v1", page_size=30)

            if job == "later sync":
                await run()
            for each in ids_of(sandbox)[:120]:
                restamp(sandbox, each, 1_780_000_000)
            for _ in range(2):  # each try ends there, and the next one begins to count anew
                with pytest.raises(PaginationError, match="changed places"):
                    await run()
            sandbox.store.readings = Readings(newest_first=newest_first)

            report = await run()

        wanted = sorted(sandbox.store.lines())
        assert (lines_of(path) if job == "export" else current(path)) == wanted
    assert report.doubts == []

"""The walk of a job over the time range of an account."""

from __future__ import annotations

import json

import pytest

from heymarket_async import BadRequestError
from heymarket_async.bulk import JsonLines, export_contacts, sync_contacts
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.accounts import client_of, restamp

NOON = 1_776_000_000


@pytest.mark.parametrize(("apart_s", "covered_s"), [(0, 1.0), (10, 190.0)])
async def test_a_page_covers_at_least_a_second(apart_s, covered_s, tmp_path):
    state = tmp_path / "c.jsonl.partial" / "heymarket-state.json"
    async with Sandbox(contacts=100) as sandbox, client_of(sandbox) as client:
        for place, each in enumerate(sandbox.store.contacts):
            restamp(sandbox, each["id"], NOON + place * apart_s)
        sandbox.faults.answer(400, on="POST /v2/contacts/list", after=1)

        with pytest.raises(BadRequestError):
            await export_contacts(
                client, JsonLines(tmp_path / "c.jsonl"), surface="v2", page_size=20
            )

    (span,) = json.loads(json.loads(state.read_text())["checkpoint"])["windows"]
    assert span["page_s"] == covered_s


async def export(client, folder):
    return await export_contacts(client, JsonLines(folder / "c.jsonl"))


async def sync(client, folder):
    return await sync_contacts(client, folder / "c.db", surface="v1")


def limits_of(sandbox: Sandbox) -> list[int | None]:
    """The limits that pages were asked for with since the last time."""
    asked = [each.body.get("limit") for each in sandbox.requests if each.path == "/v1/contacts"]
    sandbox.requests.clear()
    return asked


async def interrupted(job, sandbox: Sandbox, folder, *, after: int) -> None:
    sandbox.faults.answer(400, on="POST /v1/contacts", after=after, times=None)
    async with client_of(sandbox) as client:
        with pytest.raises(BadRequestError):
            await job(client, folder)
    sandbox.faults.clear()


@pytest.mark.parametrize("job", [export, sync])
async def test_a_job_that_resumes_soon_asks_for_the_limit_that_it_had_come_to(job, tmp_path):
    readings = Readings(max_limit=1000)
    async with Sandbox(contacts=3000, limit=None, readings=readings) as sandbox:
        await interrupted(job, sandbox, tmp_path, after=4)
        assert limits_of(sandbox) == [None, 100, 200, 400, 800, 400, None]

        async with client_of(sandbox) as client:
            report = await job(client, tmp_path)

    assert (report.resumed, report.contacts, report.doubts) == (True, 3000, [])
    assert limits_of(sandbox)[:4] == [None, 400, 800, 1000]


@pytest.mark.parametrize("over_limit", ["cut", "400", "default", "empty", "500"])
async def test_a_job_does_not_believe_the_limit_of_an_earlier_run(over_limit, tmp_path):
    state = tmp_path / "c.jsonl.partial" / "heymarket-state.json"
    readings = Readings(over_limit=over_limit)
    async with Sandbox(contacts=300, limit=None, readings=readings) as sandbox:
        await interrupted(export, sandbox, tmp_path, after=1)
        # As if the server had given 800 then.
        state.write_text(state.read_text().replace(r"\"page_size\":30", r"\"page_size\":800"))
        limits_of(sandbox)

        async with client_of(sandbox) as client:
            report = await export(client, tmp_path)

    assert (report.contacts, report.doubts) == (300, [])
    assert limits_of(sandbox)[:3] == [None, 800, None]

"""Much work while everything fails now and then: nothing lost, nothing done twice."""

from __future__ import annotations

import msgspec
import pytest

from heymarket_async.bulk import JsonLines, export_contacts
from heymarket_async.sandbox import Readings, Sandbox
from tests.stories.mixed_calls import BUSY_S, WatchedSandbox, client_of, many_acts

pytestmark = pytest.mark.unmeasured


async def test_thousands_of_calls_of_all_groups_lose_nothing_and_repeat_nothing_unsafe():
    async with WatchedSandbox() as sandbox, client_of(sandbox) as client:
        counts = await many_acts(client, sandbox, seed=11, workers=20, acts=150)

    assert counts["writes that may have been done"] > 20, "the faults did strike"


async def test_a_large_export_under_faults_equals_the_store_line_by_line(tmp_path):
    readings = Readings(newest_first=True, inclusive=False, page_base=1, max_limit=100)
    sandbox = Sandbox(contacts=60_000, ties=250, seed=5, limit=None, readings=readings)
    async with sandbox, client_of(sandbox) as client:
        kinds = ("429", "500", "cut", "reset", "reset_after", "html500")
        sandbox.faults.random(0.05, kinds=kinds, seed=5, retry_after=BUSY_S)

        report = await export_contacts(client, JsonLines(tmp_path / "all.jsonl"), concurrency=3)

        lines = (tmp_path / "all.jsonl").read_bytes().splitlines()
        expected = sandbox.store.lines()

    assert report.contacts == report.counted_after == len(lines) == 60_000
    assert report.is_proved
    assert report.repeated > 15
    assert sorted(lines) == sorted(expected)
    assert len({msgspec.json.decode(line)["id"] for line in lines}) == 60_000


async def test_both_surfaces_export_the_same_contacts(tmp_path):
    async with Sandbox(contacts=2000, ties=40, seed=6) as sandbox, client_of(sandbox) as client:
        for surface in ("v1", "v2"):
            sink = JsonLines(tmp_path / f"{surface}.jsonl")
            await export_contacts(client, sink, surface=surface, page_size=30)

        one, other = ((tmp_path / f"{surface}.jsonl").read_bytes() for surface in ("v1", "v2"))

    assert sorted(one.splitlines()) == sorted(other.splitlines()) == sorted(sandbox.store.lines())

"""The progress that a job reports: within a stage it only grows, and never past the total."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import textwrap

import pytest

from heymarket_async import RateLimit
from heymarket_async.bulk import Csv, JsonLines, Parquet, Progress, Sqlite, Xlsx, export_contacts
from heymarket_async.bulk.progress import RequestStats
from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import client_of


@pytest.mark.parametrize("sink", [JsonLines, Csv, Parquet, Xlsx, Sqlite])
async def test_within_a_stage_the_progress_only_grows(sink, tmp_path, monkeypatch):
    told: list[Progress] = []
    progress = RequestStats.progress

    def note(*given: object, **options: object) -> Progress:
        told.append(progress(*given, **options))
        return told[-1]

    monkeypatch.setattr(RequestStats, "progress", note)
    monkeypatch.setattr("heymarket_async.bulk.progress._REPORTED_EVERY_S", 0.0)
    async with Sandbox(contacts=2_000, seed=9) as sandbox, client_of(sandbox) as client:
        path = tmp_path / f"c.{sink.__name__.lower()}"
        await export_contacts(client, sink(path), on_progress=lambda _: None)

    stages = {stage: list(each) for stage, each in itertools.groupby(told, lambda one: one.stage)}
    assert list(stages) == ["starting", "reading", "catching up", "writing"]
    for each in stages.values():
        assert [one.done for one in each] == sorted(one.done for one in each)
        assert all(one.total is None or one.done <= one.total for one in each)
    assert stages["writing"][0].done < 2_000 or sink is JsonLines
    assert (told[-1].done, told[-1].total) == (2_000, 2_000)


async def test_a_wait_for_the_rate_limit_says_how_long_it_still_is(tmp_path):
    told: list[Progress] = []
    limit = RateLimit(8, per_s=2.0)
    async with (
        Sandbox(contacts=1200, seed=9) as sandbox,
        client_of(sandbox, rate_limit=limit) as client,
    ):
        await export_contacts(
            client, JsonLines(tmp_path / "c"), page_size=100, on_progress=told.append
        )

    waits = [each for each in told if each.waiting == "the rate limit"]
    assert waits
    assert all(each.waiting_s is not None and 0.0 <= each.waiting_s <= 2.1 for each in waits)
    assert {each.budget for each in told} == {240}
    assert {each.waiting_s for each in told if not each.waiting} == {0.0}


async def test_what_is_kept_is_told_also_if_the_job_fails(tmp_path):
    told: list[Progress] = []
    async with Sandbox(contacts=600, seed=9) as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(400, on="POST /v1/contacts", after=3)
        with pytest.raises(Exception, match="answered 400"):
            await export_contacts(
                client, JsonLines(tmp_path / "c"), page_size=100, on_progress=told.append
            )
        failed = told[-1]
        report = await export_contacts(client, JsonLines(tmp_path / "c"), on_progress=told.append)

    assert 200 < failed.kept < 400
    assert report.resumed
    assert len((tmp_path / "c").read_bytes().splitlines()) == 600
    assert told[-1].kept == 600


@pytest.mark.parametrize("on_progress", [True, print.__name__])
async def test_a_hook_that_cannot_be_called_is_refused(tmp_path, on_progress):
    async with Sandbox(contacts=3) as sandbox, client_of(sandbox) as client:
        with pytest.raises(ValueError, match="on_progress must be a function, or None"):
            await export_contacts(client, JsonLines(tmp_path / "c"), on_progress=on_progress)
        assert not sandbox.requests


@pytest.mark.parametrize("leave", [SystemExit, KeyboardInterrupt])
def test_an_exit_in_the_hook_ends_the_program_without_a_complaint_of_asyncio(leave):
    program = f"""
    import asyncio
    from heymarket_async.bulk.progress import reporting

    def on_progress(progress):
        raise {leave.__name__}

    async def job():
        async with reporting(on_progress, object):
            await asyncio.sleep(600)

    asyncio.run(job())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == (0 if leave is SystemExit else -signal.SIGINT)
    assert "never retrieved" not in done.stderr

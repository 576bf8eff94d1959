"""A job that repeats for days says each thing once, with the time."""

from __future__ import annotations

import json
import re
import time

import pytest

from heymarket_async.cli import doubts, repeated
from heymarket_async.cli.repeated import Runs
from heymarket_async.errors import ServerError

STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")


@pytest.fixture
def said(capsys):
    def said() -> list[str]:
        lines = capsys.readouterr().err.splitlines()
        assert all(STAMP.match(line) for line in lines), lines
        return [STAMP.sub("", line) for line in lines]

    return said


def test_a_run_that_finds_nothing_new_is_silent(said):
    runs = Runs(3)
    runs.finished(["5 contacts", "a doubt"], is_news=True)
    runs.finished(["5 contacts", "a doubt"], is_news=False)
    first = said()
    runs.finished(["6 contacts", "a doubt"], is_news=True)
    runs.finished(["6 contacts", "a doubt", "another"], is_news=False)
    runs.finished(["6 contacts"], is_news=False)
    runs.finished(["6 contacts"], is_news=False)

    assert first == ["5 contacts", "a doubt"]
    assert said() == ["6 contacts", "6 contacts", "another", "6 contacts"]


def test_a_failure_is_said_once_with_the_next_try_and_its_end(said):
    runs = Runs(300)
    for request_id in ("a", "b", "c"):
        runs.failed(ServerError("POST /v1/x answered 503", status=503, request_id=request_id))
    runs.failed(OSError(28, "No space left on device"))
    runs.finished(["5 contacts"], is_news=False)
    runs.failed(OSError(28, "No space left on device"))

    lines = said()
    assert lines[0].startswith("Error: POST /v1/x answered 503")
    assert lines[1] == "Next try in 5 min."
    assert lines[2].startswith("Error: ")
    assert lines[3:6] == ["Next try in 5 min.", "It works again, after 1 failed run.", "5 contacts"]
    assert lines[-1] == "Next try in 5 min."
    assert len(lines) == 8


def test_once_an_hour_a_silent_job_shows_that_it_lives(said, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(repeated.time, "monotonic", lambda: now[0])
    runs = Runs(60)
    for _ in range(130):
        runs.finished(["5 contacts"], is_news=False)
        now[0] += 60
    ok = said()
    for _ in range(62):
        runs.failed(OSError(28, "No space left on device"))
        now[0] += 60
    runs.finished(["5 contacts"], is_news=False)

    assert ok == [
        "5 contacts",
        "60 runs since then found nothing new.",
        "120 runs since then found nothing new.",
    ]
    assert said()[1:] == [
        "Next try in 1 min.",
        "60 runs since then failed in the same way.",
        "It works again, after 62 failed runs.",
        "5 contacts",
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(3, "3 s"), (90, "90 s"), (300, "5 min"), (7200, "2 h"), (86_400, "1 d"), (90_000, "25 h")],
)
def test_a_pause_in_words(seconds, shown):
    assert repeated._span(seconds) == shown


def test_each_doubt_has_its_remedy():
    given = ["the account counts 5, 2 fewer than were read; they may", "something else"]

    shown = doubts.with_remedies(given, anew="Read again.", gone="Mark them.")

    assert shown == [f"{given[0]}. Mark them.", "something else"]


def test_a_sync_that_repeats_says_what_is_new_and_the_time(start, run, sandbox, tmp_path):
    process = start("sync", tmp_path / "c.db", "--every", "1s", "--quiet")
    first = process.stderr.readline()
    before = len(sandbox.requests)
    while len(sandbox.requests) < before + 6:  # some runs
        assert process.poll() is None
        time.sleep(0.01)
    created = json.loads(run("contacts", "create", "--phone", "15105550000", "--json").stdout)
    second = process.stderr.readline()
    run("contacts", "delete", created["id"], "--yes")
    third = process.stderr.readline() + process.stderr.readline()
    process.terminate()
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 143
    assert STAMP.match(first.decode())
    assert b" 130 contacts in " in first
    assert b" 131 contacts in " in second
    assert b", 1 added, " in second
    assert third.endswith(b" Mark those that are gone with --full.\n")
    assert errors in {b"", b"Interrupted. Run the same command again.\n"}

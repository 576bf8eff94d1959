"""`heymarket probe`, and a sandbox with the profile that it saves."""

from __future__ import annotations

import json
import os
import pty
import signal
import time
from pathlib import Path

import pytest
import typer

from heymarket_async import ApiProfile
from heymarket_async.cli import show
from heymarket_async.probe import Findings


def test_it_prints_a_table_of_80_columns(run, sandbox):
    result = run("probe", env={**run_environment(sandbox), "COLUMNS": "200"})

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "  order                        -              either           newest first" in lines
    assert any(line.startswith("  `Retry-After` on a 429") and "? " in line for line in lines)
    assert "Could not tell:" in lines
    assert any(line.endswith("no 429 came, and the probe does not provoke one") for line in lines)
    assert f"{len(sandbox.requests)} requests, all of them reads." in result.stderr


def run_environment(sandbox) -> dict[str, str]:
    return {
        "HEYMARKET_BASE_URL": sandbox.url,
        "HEYMARKET_SECRET_ID": sandbox.credentials.secret_id,
        "HEYMARKET_SECRET_KEY": sandbox.credentials.secret_key,
    }


def test_it_prints_json_and_saves_the_profile(run, tmp_path):
    path = tmp_path / "profile.json"
    result = run("probe", "--json", "--save", path)

    found = json.loads(result.stdout)
    profile = ApiProfile.load(path)
    assert found["profile"] == json.loads(path.read_text())
    assert profile.v1.order == found["profile"]["v1"]["order"] == "newest first"
    assert {"name", "about", "question", "documented", "assumed", "seen", "reason"} == set(
        found["facts"][0]
    )
    assert found["requests"] <= 40


def test_without_open_facts_it_gives_no_reasons(run, monkeypatch):
    findings = Findings(profile=ApiProfile(), facts=[], requests=1)

    async def found(_, **options):
        return findings

    monkeypatch.setattr("heymarket_async.probe.probe", found)
    result = run("probe")

    assert "Could not tell" not in result.stdout
    assert "1 request, all of them reads." in result.stderr


def test_a_profile_says_nothing_about_the_account(run, sandbox, tmp_path):
    path = tmp_path / "profile.json"
    assert run("probe", "--save", path).exit_code == 0

    text = path.read_text()
    for contact in sandbox.store.contacts:
        for value in (contact["id"], contact.get("phone"), contact["updated"], contact["uuid"]):
            assert str(value) not in text
    assert str(len(sandbox.store)) not in text


def test_a_place_that_cannot_be_written_is_an_error_before_anything_is_sent(run, sandbox, tmp_path):
    other = tmp_path / "contacts.csv"
    other.write_text("id,name\n")
    for path, code, reason in (
        (tmp_path / "missing" / "profile.json", 1, "missing"),
        (other, 2, "holds no profile of the API. Name another file"),
        ("-", 2, "--save takes the name of a file"),
    ):
        result = run("probe", "--save", path)
        assert (result.exit_code, result.stdout) == (code, "")
        assert reason in result.stderr

    assert other.read_text() == "id,name\n"
    assert not sandbox.requests


def test_a_file_that_cannot_be_written_at_the_end_costs_no_table(run, monkeypatch, tmp_path):
    path = tmp_path / "profile.json"
    path.write_text('{"version": 1}')

    def full(*_):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "replace", full)
    result = run("probe", "--save", path)

    assert result.exit_code == 1
    assert "  order " in result.stdout
    assert path.read_text() == '{"version": 1}'
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_requests_are_counted_on_stderr_and_an_interrupt_is_confirmed(
    is_terminal, start, sandbox, tmp_path
):
    sandbox.faults.delay(60, on="POST /v1/contacts/count")
    ours, theirs = pty.openpty()
    path = tmp_path / "profile.json"
    process = start("probe", "--save", path, stderr=theirs if is_terminal else -1)
    os.close(theirs)
    while all(each.path != "/v1/contacts/count" for each in sandbox.requests):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    shown = b""
    while is_terminal and f"request {len(sandbox.requests)} of at most 40".encode() not in shown:
        shown += os.read(ours, 65536)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    shown += os.read(ours, 65536) if is_terminal else errors
    os.close(ours)

    assert (process.returncode, output, path.exists()) == (130, b"", False)
    last = b"Interrupted. Run the same command again."
    assert last in shown if is_terminal else shown == last + b"\n"


@pytest.fixture
def started(run, monkeypatch):
    """Start a sandbox with options, and return how it behaves."""

    def started(*options):
        from heymarket_async.sandbox import Sandbox  # noqa: PLC0415

        made = []

        def end(_):
            raise typer.Exit

        whole = Sandbox.start

        async def start(self):
            made.append(self)
            await whole(self)

        monkeypatch.setattr(Sandbox, "start", start)
        monkeypatch.setattr(show, "print_json", end)
        result = run("sandbox", "--port", 0, "--json", *options)
        return result, made

    return started


def test_a_sandbox_behaves_as_a_profile_says(started, run, tmp_path):
    path = tmp_path / "profile.json"
    path.write_text('{"version": 1, "v1": {"order": "oldest first", "includes_date": true}}')
    result, (sandbox,) = started("--api-profile", path)

    assert result.exit_code == 0
    assert not sandbox.readings.newest_first
    assert sandbox.readings.inclusive


def test_a_sandbox_refuses_another_file(started, tmp_path):
    path = tmp_path / "profile.json"
    path.write_text("no JSON")
    result, made = started("--api-profile", path)

    assert (result.exit_code, made) == (2, [])
    assert result.stderr.startswith(f"Error: {path} holds no profile of the API (JSON is malformed")
    assert result.stderr.endswith(f"Write one with `heymarket probe --save {path}`\n")


def test_an_account_is_not_a_profile_of_the_api(started, run):
    result, made = started("--profile", "profile.json")

    assert (result.exit_code, made) == (2, [])
    assert "use --api-profile FILE" in result.stderr
    assert run("--profile", "a", "sandbox", "--port", 0).stderr == result.stderr

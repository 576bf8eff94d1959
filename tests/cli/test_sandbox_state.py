"""An embedded sandbox is one account in all runs, and `--state FILE` keeps it."""

from __future__ import annotations

import json
import stat
import time
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from heymarket_async.cli import sandbox_state
from heymarket_async.sandbox.sandbox import Sandbox

NEW = ("contacts", "create", "--phone", "15105553399", "--first", "Ada", "--json")


def count(run, *options):
    return run("contacts", "count", *options).stdout.strip()


def test_a_sync_of_an_embedded_sandbox_can_be_repeated(run, tmp_path):
    first = run("sync", tmp_path / "c.db", "--sandbox", 50)
    again = run("sync", tmp_path / "c.db", "--sandbox", 50)

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "50 added" in first.stderr
    assert "0 added" in again.stderr


def test_another_embedded_sandbox_is_another_account(run, tmp_path):
    run("sync", tmp_path / "c.db", "--sandbox", 50)
    result = run("sync", tmp_path / "c.db", "--sandbox", 51)

    assert result.exit_code == 2
    assert "team 7001 of a sandbox with 50 contacts" in result.stderr
    assert "not team 7001 of a sandbox with 51 contacts" in result.stderr


def test_an_export_of_an_embedded_sandbox_resumes(run, tmp_path, monkeypatch):
    export = ("contacts", "export", tmp_path / "c.jsonl", "--sandbox", 1000)
    start = Sandbox.start

    async def fails_soon(sandbox):
        sandbox.faults.answer(400, on="POST /v1/contacts", after=4, times=None)
        await start(sandbox)

    with monkeypatch.context() as patched:
        patched.setattr(Sandbox, "start", fails_soon)
        assert run(*export).exit_code == 1
    result = run(*export)

    assert result.exit_code == 0, result.stderr
    assert "resumed" in result.stderr
    lines = (tmp_path / "c.jsonl").read_bytes().splitlines()
    assert sorted(lines) == sorted(Sandbox(1000, messages=1000, seed=7).store.lines())


def test_a_state_keeps_writes_between_runs(run, tmp_path):
    state = ("--sandbox", 10, "--state", tmp_path / "account.json")

    made = run(*NEW, *state)
    found = run("contacts", "find", "--phone", "15105553399", "--json", *state)

    assert json.loads(found.stdout)["id"] == json.loads(made.stdout)["id"]
    assert count(run, *state) == "11"
    assert count(run, "--sandbox", 10) == "10"
    assert stat.S_IMODE((tmp_path / "account.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["account.json"]


def test_a_sync_follows_a_state(run, tmp_path):
    state = ("--sandbox", 10, "--state", tmp_path / "account.json")
    run("sync", tmp_path / "c.db", *state)
    run(*NEW, *state)

    assert "1 added, 0 changed" in run("sync", tmp_path / "c.db", *state).stderr
    other = ("--sandbox", 10, "--state", tmp_path / "other.json")
    assert run("sync", tmp_path / "c.db", *other).exit_code == 2


def test_a_state_is_written_only_if_it_changed(run, tmp_path):
    state = ("--sandbox", 10, "--state", tmp_path / "account.json")
    run("contacts", "count", *state)
    before = (tmp_path / "account.json").stat()

    assert count(run, *state) == "10"
    after = (tmp_path / "account.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_started_sandbox_uses_the_same_file(run, tmp_path):
    path = tmp_path / "account.json"
    run(*NEW, "--sandbox", 10, "--state", path)
    environment = json.loads(path.read_bytes())

    command = ("sh", "-c", f"echo $HEYMARKET_SECRET_ID >{tmp_path}/id")
    result = run("sandbox", "--port", 0, "--state", path, "--", *command)

    assert result.exit_code == 0
    assert (tmp_path / "id").read_text().strip() == environment["secret_id"]


def test_a_state_is_saved_while_the_sandbox_runs(start, run, tmp_path):
    path = tmp_path / "account.json"
    process = start("sandbox", "--port", 0, "--contacts", 5, "--state", path, "--json")
    environment = json.loads(process.stdout.readline())
    assert run(*NEW, env=environment).exit_code == 0

    while not path.exists() or b"Ada" not in contacts_of(path):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.communicate(timeout=60)

    assert count(run, "--sandbox", 5, "--state", path) == "6"


def contacts_of(path):
    store = Sandbox(state=path.read_bytes()).store
    return b"".join(store.lines())


def test_a_save_that_fails_is_said_and_tried_again(run, tmp_path, monkeypatch):
    path = tmp_path / "account.json"
    replace, failures = sandbox_state.private_files.replace_file, [OSError(28, "no space")] * 2

    def failing(*arguments):
        if failures:
            raise failures.pop()
        replace(*arguments)

    monkeypatch.setattr(sandbox_state.private_files, "replace_file", failing)
    monkeypatch.setattr(sandbox_state, "_SAVE_EVERY_S", 0.001)
    wait = ("sh", "-c", f"until [ -e {path} ]; do sleep 0.01; done")
    result = run("sandbox", "--port", 0, "--state", path, "--", *wait)

    assert result.exit_code == 0
    assert result.stderr.count("Error: no space") == 2


def test_the_last_state_stays_if_the_new_one_cannot_be_written(run, tmp_path, monkeypatch):
    path = tmp_path / "account.json"
    state = ("--sandbox", 10, "--state", path)
    run("contacts", "count", *state)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("os.fsync", full)
    result = run(*NEW, *state)

    assert result.exit_code == 1
    assert "disk is full" in result.stderr
    assert path.read_bytes() == before


def test_two_commands_do_not_share_a_state(run, tmp_path):
    path = tmp_path / "account.json"
    lock = sandbox_state.private_files.Lock(tmp_path / "account.json.lock")
    result = run("contacts", "count", "--sandbox", 10, "--state", path)
    lock.release()

    assert result.exit_code == 1
    assert f"{path} is in use by another command" in result.stderr
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "{}", "HEYMARKET_SECRET_KEY=a"])
def test_a_file_that_holds_no_state_is_refused_and_stays(text, run, tmp_path):
    path = tmp_path / "other"
    path.write_text(text)

    result = run("contacts", "count", "--sandbox", 10, "--state", path)

    assert result.exit_code == 2
    assert f"{path} cannot be used: state must be from Sandbox.state()" in result.stderr
    assert path.read_text() == text


def test_a_state_needs_a_sandbox(run, tmp_path):
    result = run("contacts", "count", "--state", tmp_path / "account.json")

    assert result.exit_code == 2
    assert "--state needs --sandbox" in result.stderr


async def test_an_error_of_a_new_sandbox_is_not_about_its_file(tmp_path):
    def make(_state):
        raise ValueError("contacts must be at least 0")

    with pytest.raises(ValueError, match=r"^contacts must be at least 0$"):
        async with sandbox_state.kept(tmp_path / "new.json", make):
            pass


def test_only_commands_with_a_sandbox_get_the_option():
    app, inner = typer.Typer(), typer.Typer()
    seen = []

    @app.command()
    def plain(name: str) -> None:
        seen.append(name)

    @inner.command()
    def embedded(*, sandbox: Annotated[int | None, typer.Option()] = None) -> None:
        seen.append((sandbox, sandbox_state.chosen.get()))

    app.add_typer(inner, name="inner")
    inner.callback()(lambda: None)
    sandbox_state.add_option(app)

    assert CliRunner().invoke(app, ["plain", "a", "--state", "f"]).exit_code == 2
    assert CliRunner().invoke(app, ["inner", "embedded", "--sandbox", "3"]).exit_code == 0
    assert seen == [(3, None)]

"""`heymarket messages export|count` and `heymarket conversations export|count`."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator

import pytest

from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import lines_of
from tests.bulk.archives import a_phone, conversations_of, messages_of, stored


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(contacts=20, messages=130, seed=2) as sandbox:
        yield sandbox


def test_an_export_of_messages_is_what_the_server_holds(run, sandbox, tmp_path):
    path = tmp_path / "messages.jsonl"

    result = run("messages", "export", path, "--page-size", 40, "--report", tmp_path / "report")

    assert result.exit_code == 0
    assert (result.stdout, result.stderr.startswith(f"130 messages to {path}, ")) == ("", True)
    assert lines_of(path) == messages_of(sandbox)
    assert json.loads((tmp_path / "report").read_bytes())["messages"] == 130


def test_an_export_of_conversations_is_what_the_server_holds(run, sandbox, tmp_path):
    path, inbox_id = tmp_path / "c.jsonl", sandbox.conversations._rows[0].inbox_id

    everything = run("conversations", "export", path)
    lines = lines_of(path)
    one = run("conversations", "export", path, "--inbox", inbox_id, "--json")

    assert (everything.exit_code, lines) == (0, conversations_of(sandbox))
    assert one.exit_code == 0
    assert json.loads(one.stdout)["conversations"] == len(lines_of(path)) < len(lines)


def test_a_later_export_into_a_database_says_what_is_new(run, sandbox, tmp_path):
    path = tmp_path / "a.db"
    assert "130 messages to" in run("messages", "export", path).stderr
    sandbox.customer.text(a_phone(sandbox), "Hi")

    result = run("messages", "export", path, "--window", "1h")

    assert (result.exit_code, stored(path)) == (0, messages_of(sandbox))
    assert re.search(f"131 messages to {path}, 1 added, \\d+ requests, ", result.stderr)


def test_messages_of_a_conversation_and_of_a_phone(run, sandbox, tmp_path):
    chat, path = sandbox.conversations._rows[0], tmp_path / "m.jsonl"
    wanted = [row.line for row in sandbox.messages._rows if row.chat_id == chat.id]

    of_chat = run("messages", "export", path, "--conversation", chat.id)
    found = lines_of(path)
    of_phone = run("messages", "export", path, "--phone", chat.targets[0], "--inbox", chat.inbox_id)

    assert found == lines_of(path) == sorted(wanted)
    for result in (of_chat, of_phone):
        assert result.exit_code == 0
        assert "to the end of the list. Heymarket does not count such messages." in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["m.jsonl", "--follow"], "--follow needs a .db file"),
        (["m.db", "--follow", "--restart"], "--follow and --restart exclude each other."),
        (["m.db", "--every", "soon"], "--every must be a time such as 30s, 5m, 1h or 1d."),
        (["m.db", "--window", "1w"], "--window must be a time such as 30s, 5m, 1h or 1d."),
        (["m.jsonl", "--phone", "15105550100"], "--phone needs --inbox"),
        (["m.jsonl", "--bom"], "--bom and --raw-formulas are for .csv files only."),
    ],
)
def test_options_that_do_not_fit_are_one_line(arguments, message, run, sandbox):
    result = run("messages", "export", *arguments)

    assert (result.exit_code, len(sandbox.requests)) == (2, 0)
    assert message in result.stderr


def test_counts_are_for_people_and_for_programs(run, sandbox):
    sandbox.faults.answer(200, on="POST /v1/messages/all/count", body="1042")

    assert run("messages", "count").stdout == "1,042\n"
    assert run("messages", "count", "--json").stdout == "130\n"
    assert run("conversations", "count").stdout == f"{len(conversations_of(sandbox))}\n"


def test_to_follow_adds_until_it_is_interrupted(start, sandbox, tmp_path):
    path = tmp_path / "a.db"
    process = start("messages", "export", path, "--every", "1s", "--quiet")
    assert b"130 messages" in process.stderr.readline()
    sandbox.customer.text(a_phone(sandbox), "Hi")
    assert b"1 added" in process.stderr.readline()

    process.send_signal(signal.SIGINT)

    assert process.wait(10) == 130
    assert process.stderr.read() in {b"", b"Interrupted. Run the same command again.\n"}
    assert stored(path) == messages_of(sandbox)
    assert [each.name for each in tmp_path.iterdir()] == ["a.db"]


def test_to_follow_reads_a_short_window_in_between(run, monkeypatch, tmp_path):
    read = []

    async def export(*_: object, window_s: float, **__: object) -> None:
        read.append(window_s)
        raise BrokenPipeError if len(read) == 2 else OSError

    monkeypatch.setattr("heymarket_async.bulk.export_messages", export)
    run("messages", "export", tmp_path / "a.db", "--every", "1s", "--window", "1d")

    assert read == [86_400, 3600]


def test_a_sandbox_has_messages(run, tmp_path):
    result = run("messages", "export", tmp_path / "m.jsonl", "--sandbox", 7)

    assert (result.exit_code, len(lines_of(tmp_path / "m.jsonl"))) == (0, 7)

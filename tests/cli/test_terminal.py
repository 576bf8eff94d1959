"""The command on a terminal: colours, the progress bar, and help that fits."""

from __future__ import annotations

import os
import pty
import re

import pytest

from tests.cli.test_commands import COMMANDS

pytestmark = pytest.mark.unmeasured

COLOUR = re.compile(rb"\x1b\[(?:3|9)\dm|\x1b\[1;3\dm")
PROGRESS = b"requests/min"


@pytest.fixture
def on_terminal(start, environment, monkeypatch):
    """Run the command with a terminal as standard error, and return its exit code and output."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "CI"):
        monkeypatch.delenv(name, raising=False)

    def on_terminal(*arguments: object, **changes: str) -> tuple[int, bytes]:
        environment.update({"TERM": "xterm-256color", "COLUMNS": "100", **changes})
        ours, theirs = pty.openpty()
        process = start(*arguments, stderr=theirs)
        os.close(theirs)
        output = b""
        try:
            while piece := os.read(ours, 65_536):
                output += piece
        except OSError:  # on Linux, the end
            pass
        finally:
            os.close(ours)
        process.communicate(timeout=60)
        return process.returncode, output

    return on_terminal


def test_an_error_is_red_unless_no_colour_is_wanted(on_terminal):
    wrong = ("contacts", "get", "abc")
    code, red = on_terminal(*wrong)
    _, plain = on_terminal(*wrong, NO_COLOR="1")

    assert code == 2
    assert COLOUR.search(red)
    assert not COLOUR.search(plain)
    assert b"Error: ID must be a positive integer or a UUID." in plain


def test_no_progress_shows_none(on_terminal, tmp_path, sandbox):
    path = tmp_path / "c.jsonl"
    shown = on_terminal("contacts", "export", path)
    hidden = on_terminal("--no-progress", "contacts", "export", path)
    after = on_terminal("contacts", "export", path, "--no-progress")

    assert [code for code, _ in (shown, hidden, after)] == [0, 0, 0]
    assert b"\x1b[?25l" in shown[1]  # a bar hides the cursor
    for _, output in (hidden, after):
        assert b"\x1b" not in output
        assert b"130 contacts to" in output


@pytest.mark.parametrize("name", [(), ("contacts",), ("messages",), *COMMANDS], ids="-".join)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_fits_eighty_columns(name, option, run):
    result = run(*name, option, env={"COLUMNS": "80"})

    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_the_options_of_all_commands_are_in_the_help_of_the_command(run):
    text = run("--help").stdout

    for option in ("--profile", "--config", "-v, --verbose", "--no-progress", "--show-completion"):
        assert option in text
    for command in (["contacts"], ["contacts", "get"], ["sync"]):
        text = run(*command, "--help").stdout
        assert "--profile" not in text
        assert text.endswith("Options of every command: heymarket -h\n")

"""Completion in bash, zsh and fish, by the protocol that their scripts speak."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

HEYMARKET = "import sys; sys.argv[0] = 'heymarket'; from heymarket_async.cli import main; main()"
"""The command under its own name, which the variable has."""

BASH, ZSH, FISH = "bash", "zsh", "fish"


@pytest.fixture
def complete(run):
    """Return the output for a line that is typed up to its end."""

    def complete(shell: str, line: str) -> str:
        asked = {"_ROOT_COMPLETE": f"complete_{shell}"}
        if shell == BASH:
            asked |= {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
        else:
            asked |= {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
        result = run(env=asked)
        assert (result.exit_code, result.stderr) == (0, "")
        return result.stdout

    return complete


@pytest.mark.parametrize("shell", [BASH, ZSH, FISH])
@pytest.mark.parametrize(
    ("line", "offered", "not_offered"),
    [
        ("root ", ["whoami", "doctor", "contacts", "sync"], "count"),
        ("root cont", ["contacts"], "doctor"),
        ("root contacts ", ["export", "import", "find"], "whoami"),
        ("root contacts export --su", ["--surface"], "--since"),
        ("root contacts export x.csv --surface ", ["v1", "v2"], "v3"),
        ("root --pro", ["--profile"], "--config"),
        ("root contacts get --pro", ["--profile"], "--config"),
        ("root contacts --ver", ["--verbose"], "--config"),
    ],
)
def test_the_rest_of_a_line_is_offered(shell, line, offered, not_offered, complete):
    output = complete(shell, line)

    assert all(each in output for each in offered)
    assert not re.search(rf"(?m)^\W*{not_offered}\b", output)


def test_files_are_left_to_the_shell(complete):
    assert complete(BASH, "root contacts import peo").strip() == ""
    assert complete(ZSH, "root contacts import peo").strip() == "_files"
    assert complete(FISH, "root contacts import peo").strip() == ""


WATCHED = """
import atexit, socket, sys
def refuse(*_): raise OSError("there is no network")
socket.socket.connect = socket.getaddrinfo = refuse
atexit.register(lambda: print("aiohttp" in sys.modules))
"""


def test_completion_needs_neither_network_nor_client():
    done = subprocess.run(
        [sys.executable, "-c", WATCHED + HEYMARKET],
        env={
            **os.environ,
            "_HEYMARKET_COMPLETE": "complete_bash",
            "COMP_WORDS": "heymarket contacts ex",
            "COMP_CWORD": "2",
        },
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["export", "False"]


@pytest.mark.parametrize(
    ("shell", "part"),
    [(BASH, "complete -o default -F"), (ZSH, "compdef"), (FISH, "complete --command heymarket")],
)
def test_the_script_of_a_shell_is_printed_and_is_right(shell, part):
    done = subprocess.run(
        [sys.executable, "-c", HEYMARKET],
        env={**os.environ, "_HEYMARKET_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert part in done.stdout
    if checker := shutil.which(shell):
        subprocess.run([checker, "-n"], input=done.stdout, text=True, check=True)


@pytest.fixture
def env(tmp_path):
    """An environment in which `heymarket` is the command."""
    (tmp_path / "heymarket").write_text(f'#!/bin/sh\nexec {sys.executable} -c "{HEYMARKET}" "$@"\n')
    (tmp_path / "heymarket").chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_a_line(env):
    program = (
        'eval "$(_HEYMARKET_COMPLETE=source_bash heymarket)"; COMP_WORDS=(heymarket con);'
        " COMP_CWORD=1; _heymarket_completion heymarket; echo ${COMPREPLY[*]}"
    )

    done = subprocess.run(
        ["bash", "-c", program], env=env, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["contacts", "conversations"]


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
def test_fish_completes_a_line(env):
    program = '_HEYMARKET_COMPLETE=source_fish heymarket | source; complete -C "heymarket con"'

    done = subprocess.run(
        ["fish", "--no-config", "-c", program], env=env, capture_output=True, text=True, check=True
    )

    found = [line.partition("\t")[0] for line in done.stdout.splitlines()]
    assert found == ["contacts", "conversations"]

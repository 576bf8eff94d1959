"""Completion in bash, zsh and fish, by the protocol that their scripts speak."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys

import pytest

from tests.conftest import unmeasured

HEYMARKET = "import sys; sys.argv[0] = 'heymarket'; from heymarket_async.cli import main; main()"
"""The command under its own name, which the variable has."""

BASH, ZSH, FISH = "bash", "zsh", "fish"


def complete(shell: str, line: str, before: str = "") -> str:
    """Return the output for a line that is typed up to its end."""
    asked = {"_HEYMARKET_COMPLETE": f"complete_{shell}"}
    if shell == BASH:
        asked |= {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    else:
        asked |= {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run(
        [sys.executable, "-c", before + HEYMARKET],
        env={**unmeasured(), **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("shell", [BASH, ZSH, FISH])
@pytest.mark.parametrize(
    ("line", "offered", "not_offered"),
    [
        ("heymarket ", ["whoami", "doctor", "contacts", "sync"], "export"),
        ("heymarket cont", ["contacts"], "doctor"),
        ("heymarket contacts ", ["export", "import", "find"], "whoami"),
        ("heymarket contacts export --su", ["--surface"], "--since"),
        ("heymarket contacts export x.csv --surface ", ["v1", "v2"], "v3"),
        ("heymarket --pro", ["--profile"], "--config"),
    ],
)
def test_the_rest_of_a_line_is_offered(shell, line, offered, not_offered):
    output = complete(shell, line)

    assert all(each in output for each in offered)
    assert not_offered not in output


def test_files_are_left_to_the_shell():
    assert complete(BASH, "heymarket contacts import peo").strip() == ""
    assert complete(ZSH, "heymarket contacts import peo").strip() == "_files"
    assert complete(FISH, "heymarket contacts import peo").strip() == ""


def test_completion_needs_neither_network_nor_client():
    refuse = (
        "import socket\n"
        "def refuse(*_): raise OSError('no network')\n"
        "socket.socket.connect = refuse\n"
        "socket.getaddrinfo = refuse\n"
        "import atexit, sys\n"
        "atexit.register(lambda: print('aiohttp' in sys.modules))\n"
    )

    assert complete(BASH, "heymarket contacts ", refuse).splitlines()[-1] == "False"
    assert socket.socket  # untouched here


@pytest.mark.parametrize(
    ("shell", "part"),
    [(BASH, "complete -o default -F"), (ZSH, "compdef"), (FISH, "complete --command heymarket")],
)
def test_the_script_of_a_shell_is_printed_and_is_right(shell, part):
    done = subprocess.run(
        [sys.executable, "-c", HEYMARKET, "--show-completion"],
        env={**unmeasured(), "_HEYMARKET_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert part in done.stdout
    if checker := shutil.which(shell):
        subprocess.run([checker, "-n"], input=done.stdout, text=True, check=True)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_a_line(tmp_path):
    (tmp_path / "heymarket").write_text(f'#!/bin/sh\nexec {sys.executable} -c "{HEYMARKET}" "$@"\n')
    (tmp_path / "heymarket").chmod(0o755)
    env = {**unmeasured(), "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    program = (
        'eval "$(_HEYMARKET_COMPLETE=source_bash heymarket)"; COMP_WORDS=(heymarket con);'
        " COMP_CWORD=1; _heymarket_completion heymarket; echo ${COMPREPLY[*]}"
    )

    done = subprocess.run(
        ["bash", "-c", program], env=env, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["contacts", "conversations"]

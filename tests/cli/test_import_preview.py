"""The preview of an import, and the question whether to begin."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from pathlib import Path

import pytest

from tests.cli.conftest import COMMAND

CSV = """\
Cell phone,First,Plan,SMS Consent,Shoe size
+14155550100,Zoë,Premium,yes,44
+14155550101,Al,,no,
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(CSV)
    return path


def in_terminal(
    arguments: list[object], answer: bytes | int, environment: dict[str, str]
) -> tuple[str, int]:
    """Run the command in a terminal, and answer its question by keys or by a signal."""
    child, terminal = pty.fork()
    if not child:
        os.environ.update(environment, COLUMNS="150")
        os.execvp(COMMAND[0], [*COMMAND, *map(str, arguments)])
    shown, ends = b"", time.monotonic() + 30
    while time.monotonic() < ends:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            read = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not read:
            break
        shown += read
        if answer and (b"[Y/n]" in shown or b"[y/N]" in shown):
            if isinstance(answer, int):
                os.kill(child, answer)
            else:
                os.write(terminal, answer)
            answer = b""
    else:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return shown.decode(), os.waitstatus_to_exitcode(status)


def test_the_preview_says_what_columns_mean(run, file):
    lines = run("contacts", "import", file).stderr.splitlines()

    assert lines[:5] == [
        "Cell phone  → phone",
        "First       → first",
        "Plan        → custom field Plan (123)",
        "SMS Consent → not is_opted_out",
        "Not imported: Shoe size",
    ]


def test_a_log_gets_no_cells(run, file):
    preview = run("contacts", "import", file, "--dry-run").stderr

    assert not any(cell in preview for cell in ("Zoë", "4155550100", "Premium"))


@pytest.mark.parametrize("option", ["--json", "--quiet"])
def test_there_is_no_preview_if_it_is_not_wanted(option, run, file):
    assert "→" not in run("contacts", "import", file, option).stderr


@pytest.mark.parametrize(
    ("answer", "code", "made"),
    [
        (b"\n", 0, 2),
        (b"y\n", 0, 2),
        (b"n\n", 1, 0),
        (b"nope\n", 1, 0),
        (b"\x04", 1, 0),  # the end of the input
        (b"\x03", 130, 0),
        (signal.SIGTERM, 143, 0),
    ],
)
def test_the_question_decides(answer, code, made, sandbox, environment, file):
    shown, ended = in_terminal(["contacts", "import", file], answer, environment)

    assert ended == code, shown
    assert len(sandbox.store) == 130 + made
    assert ("Nothing was imported." in shown) is (code == 1)
    assert "Zoë" in shown  # an example, in a terminal
    assert "Warning" not in shown
    assert "Traceback" not in shown
    assert "lock" not in shown


@pytest.mark.parametrize(
    ("option", "made"), [("--yes", 2), ("--dry-run", 0), ("--quiet", 2), ("--json", 2)]
)
def test_options_that_leave_no_question(option, made, sandbox, environment, file):
    shown, code = in_terminal(["contacts", "import", file, option], b"", environment)

    assert (code, len(sandbox.store)) == (0, 130 + made), shown
    assert "[Y/n]" not in shown

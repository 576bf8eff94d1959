"""Records an export in a real terminal, interrupted and resumed, as a picture."""

from __future__ import annotations

import os
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from heymarket_async.sandbox import Readings, Sandbox

COLUMNS = 66
CONTACTS = 30_000
ANSWER_S = 0.3
"""Seconds that the sandbox takes for an answer, as a server far away does."""
_SHOWN = "heymarket contacts export contacts.jsonl"
_CONTROL = re.compile(r"\x1b\[[?0-9;]*[A-HJKSTa-ln-z]")
_CHARACTER, _LINE, _MARGIN = 12.2, 24.4, 14

_LIGHT = TerminalTheme(
    (255, 255, 255),
    (31, 35, 40),
    [
        (31, 35, 40),
        (207, 34, 46),
        (26, 127, 55),
        (154, 103, 0),
        (9, 105, 218),
        (130, 80, 223),
        (27, 124, 131),
        (110, 119, 129),
    ],
)
_DARK = TerminalTheme(
    (13, 17, 23),
    (240, 246, 252),
    [
        (72, 79, 88),
        (255, 123, 114),
        (63, 185, 80),
        (210, 153, 34),
        (88, 166, 255),
        (188, 140, 255),
        (57, 197, 207),
        (177, 186, 196),
    ],
)
# Rich's own format loads a font from elsewhere, and knows one theme.
_FORMAT = """<svg class="rich-terminal" viewBox="0 0 WIDTH HEIGHT" width="WIDTH" height="HEIGHT"
xmlns="http://www.w3.org/2000/svg" role="img">
<title>An export with its progress bar, interrupted and resumed</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
font-size: {char_height}px; line-height: {line_height}px }}
{styles}
</style>
<defs>{lines}</defs>
<rect x="1" y="1" width="INNER_WIDTH" height="INNER_HEIGHT" rx="10" class="terminal"/>
<g transform="translate(MARGIN, MARGIN)">{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def record(path: Path) -> None:
    """Export from a sandbox twice, the first time until Ctrl-C, and write the picture."""
    readings = Readings(max_limit=1000)
    account = Sandbox(contacts=CONTACTS, seed=7, readings=readings)
    with account as sandbox, tempfile.TemporaryDirectory() as folder:
        sandbox.faults.delay(ANSWER_S, times=None)
        environment = {
            **os.environ,
            "HEYMARKET_BASE_URL": sandbox.url,
            "HEYMARKET_SECRET_ID": sandbox.credentials.secret_id,
            "HEYMARKET_SECRET_KEY": sandbox.credentials.secret_key,
            "TERM": "xterm-256color",
            "COLUMNS": str(COLUMNS),
        }
        pages = CONTACTS // 1000
        first = _run(environment, folder, lambda: len(sandbox.requests) > pages * 2 // 3)
        before = len(sandbox.requests)
        second = _run(
            environment, folder, lambda: len(sandbox.requests) > before + pages * 2 // 5, stop=False
        )
    path.write_text(_picture([*first, "", *second]))


def _run(
    environment: dict[str, str], folder: str, moment: Callable[[], bool], *, stop: bool = True
) -> list[str]:
    """Run the command in a terminal. Return the bar of a moment, and the lines at the end.

    With `stop`, Ctrl-C is pressed at that moment.
    """
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    arguments = [sys.executable, "-m", "heymarket_async.cli", *_SHOWN.split()[1:]]
    bar = written = ""
    with subprocess.Popen(  # noqa: S603  our own command
        arguments, stdout=theirs, stderr=theirs, stdin=theirs, env=environment, cwd=folder
    ) as process:
        os.close(theirs)
        for part in _parts(ours):
            written += part.replace(f"{folder}/", "")  # a name that is new each time
            if not bar and "━" in part and moment():
                bar = next(each for each in reversed(_states(part)) if "━" in each)
                if stop:
                    process.send_signal(signal.SIGINT)
    os.close(ours)
    if process.returncode != (128 + signal.SIGINT if stop else 0):
        raise RuntimeError(f"the command has failed: {written}")
    lines = [_states(line)[-1] for line in written.replace("\r\n", "\n").split("\n")]
    return [f"$ {_SHOWN}", bar, *(each for each in lines if each.strip() and "━" not in each)]


def _states(written: str) -> list[str]:
    """Return what a line showed, one after the other: a bar is written again and again."""
    states = re.split(r"\r|\x1b\[2K", written)
    return [_CONTROL.sub("", each) for each in states if _CONTROL.sub("", each)] or [""]


def _parts(terminal: int) -> Iterator[str]:
    try:
        while part := os.read(terminal, 65536):
            yield part.decode(errors="replace")
    except OSError:
        return  # Linux says so when the other end is closed


def _picture(screen: list[str]) -> str:
    """Return the lines as a picture, with the colours of a light and of a dark terminal."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        for line in screen:
            console.print(Text.from_ansi(line))
        lines = console.export_text(clear=False).count("\n")
        width, height = COLUMNS * _CHARACTER + 2 * _MARGIN, lines * _LINE + 2 * _MARGIN
        sizes = {"INNER_WIDTH": width - 2, "INNER_HEIGHT": height - 2, "MARGIN": _MARGIN}
        code = _FORMAT
        for name, size in {**sizes, "WIDTH": width, "HEIGHT": height}.items():
            code = code.replace(name, f"{size:g}")
        light, dark = (
            console.export_svg(theme=theme, code_format=code, clear=False, unique_id="t")
            for theme in (_LIGHT, _DARK)
        )
    rules = "\n".join(re.findall(r"\.t-r\d+ \{.*\}", dark))
    return light.replace(
        "</style>",
        ".terminal { fill: #ffffff; stroke: #d1d9e0 }\n@media (prefers-color-scheme: dark) {\n"
        f"{rules}\n.terminal {{ fill: #0d1117; stroke: #3d444d }}\n}}\n</style>",
        1,
    )

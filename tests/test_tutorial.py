"""The tutorial, followed from its top to its end as a reader follows it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import unmeasured
from tests.ports import free_port
from tests.test_documents import BLOCK, ROOT

PAGE = (ROOT / "docs" / "tutorial.md").read_text()
SAVED = re.compile(r"Save this as `(\w+\.py)`")
PATHS = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def environment():
    """The second terminal: with the three lines that the page's sandbox has printed."""
    (start,) = re.findall(r"^heymarket (sandbox .*)$", PAGE, re.MULTILINE)
    command = start.replace("8080", str(free_port())).split()
    terminal = {**unmeasured(), "PATH": PATHS}
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "heymarket_async.cli", *command],
        stdout=subprocess.PIPE,
        env=terminal,
        text=True,
    ) as server:
        assert server.stdout
        try:
            printed = [server.stdout.readline() for _ in range(3)]
            pairs = [line.removeprefix("export ").strip().split("=", 1) for line in printed]
            yield {**terminal, **dict(pairs)}
        finally:
            server.terminate()


def shown(text: str) -> list[str]:
    """The words of an output, without the time that it took and the number of requests."""
    return re.sub(r"\d+ requests|\d+\.\d s", "…", text).split()


def test_each_step_prints_what_the_page_shows(environment, tmp_path):
    names = iter(SAVED.findall(PAGE))
    blocks = BLOCK.findall(PAGE.partition("Ask who you are:")[2].partition("## With your own")[0])
    compared = 0
    for (language, text), (following, expected) in zip(
        blocks, [*blocks[1:], ("", "")], strict=True
    ):
        if language == "python":
            (tmp_path / next(names)).write_text(text)
        elif language == "sh":
            done = subprocess.run(
                ["/bin/sh", "-ec", text],
                env=environment,
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, done.stdout
            assert following == "text"
            assert shown(done.stdout) == shown(expected)
            compared += 1

    assert next(names, None) is None
    assert compared == 5
    rows = (tmp_path / "contacts.csv").read_text().splitlines()
    assert rows[1].startswith("11001,")

"""The tutorial, followed from its top to its end as a reader follows it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.test_documents import BLOCK, ROOT

pytestmark = pytest.mark.unmeasured

PAGE = (ROOT / "docs" / "tutorial.md").read_text()
SAVED = re.compile(r"Save this as `(\w+\.py)`")
SETTING = "set -a; . ./sandbox.env; set +a"
PATHS = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def environment(tmp_path):
    """The second terminal, while the page's sandbox runs in the first one."""
    (start,) = re.findall(r"^heymarket (sandbox .*)$", PAGE, re.MULTILINE)
    command = start.replace("8080", str(free_port())).split()
    terminal = {**os.environ, "PATH": PATHS}
    with subprocess.Popen(
        [sys.executable, "-m", "heymarket_async.cli", *command], cwd=tmp_path, env=terminal
    ) as server:
        try:
            while not (tmp_path / "sandbox.env").exists():
                assert server.poll() is None
                time.sleep(0.05)
            yield terminal
        finally:
            server.terminate()


def shown(text: str) -> list[str]:
    """The words of an output, without the time that it took and the number of requests."""
    return re.sub(r"\d+ requests|\d+\.\d s|[\d,]+ contacts/s", "…", text).split()


def test_each_step_prints_what_the_page_shows(environment, tmp_path):
    names = iter(SAVED.findall(PAGE))
    blocks = BLOCK.findall(
        PAGE.partition(SETTING)[2].partition("## With your own")[0].partition("```\n")[2]
    )
    compared = 0
    for (language, text), (following, expected) in zip(
        blocks, [*blocks[1:], ("", "")], strict=True
    ):
        if language == "python":
            (tmp_path / next(names)).write_text(text)
        elif language == "sh":
            done = subprocess.run(
                ["/bin/sh", "-ec", f"{SETTING}\n{text}"],
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

"""The table of environment variables in docs/cli.md is complete."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
NAME = re.compile(r"(?<![A-Z_])HEYMARKET_[A-Z_]*[A-Z]")
EXAMPLES = {"HEYMARKET_DEV_SECRET_ID"}
"""Variables that a user names in a file of profiles."""


def test_the_table_has_every_variable_that_the_code_reads():
    files = (ROOT / "heymarket_async").rglob("*.py")
    in_code = {name for file in files for name in NAME.findall(file.read_text("utf-8"))}
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    section = page.partition("## Environment variables\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]

    assert sorted(NAME.findall(" ".join(cells))) == sorted(in_code - EXAMPLES)

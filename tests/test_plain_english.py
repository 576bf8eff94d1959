"""Texts for people say what they mean: no sentence about "what …" or "who …", no riddles."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unmeasured

ROOT = Path(__file__).parent.parent
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *(ROOT / "findings").glob("*.md"),
    *(ROOT / "benchmarks").glob("README.md"),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
MODULES = [
    *sorted((ROOT / "heymarket_async").rglob("*.py")),
    *sorted((ROOT / "examples").rglob("*.py")),
]
RIDDLES = [
    # A question may begin so.
    re.compile(r"(?:^|(?<=[.!?:;] ))(?:What|Who|Whoever|Whatever)\b(?![^.!?]*\?)", re.MULTILINE),
    re.compile(r"\b(?:is|are|was|were|be|being) told\b"),
    re.compile(r"\bgo(?:es|ne|ing)? on\b"),
    re.compile(r"\beach (?:of which|has|is|as)\b"),
    re.compile(r"\bof wh(?:ich|om)\b"),
    re.compile(r"\b(?:[Ww]hoever|[Nn]obody's|[Nn]o one's|as such|to who)\b"),
    re.compile(r"\bLet no\b"),
]
RIDDLES_OF_MODULES = [
    # "is no list" is "is not a list"; "there is no list" is plain.
    re.compile(r"(?<!\b[Tt]here\s)\b(?:is|are|was|were)\s+no\s(?!longer\b|more\b)"),
]


def texts(path: Path) -> Iterator[str]:
    """Return the prose of a file: a page without its code, or docstrings, messages and comments."""
    source = path.read_text()
    if path.suffix == ".md":
        yield re.sub(r"```.*?```", "", source, flags=re.DOTALL)
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string.lstrip("# ")
        elif token.type == tokenize.STRING and " " in token.string:
            value = ast.literal_eval(token.string) if token.string[0] in "\"'r" else token.string
            yield value.strip("f\"'") if isinstance(value, str) else ""


@pytest.mark.parametrize(
    "path", [*PAGES, *MODULES], ids=lambda path: str(path.relative_to(ROOT)).replace("/", ".")
)
def test_a_text_is_in_plain_english(path):
    found = [
        " ".join(text[max(0, match.start() - 20) : match.end() + 40].split())
        for text in texts(path)
        for riddle in (RIDDLES if path.suffix == ".md" else [*RIDDLES, *RIDDLES_OF_MODULES])
        for match in riddle.finditer(text)
    ]

    assert found == []

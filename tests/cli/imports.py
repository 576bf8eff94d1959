"""What a test of an import looks at: the preview, and the lines of the report below it."""

from __future__ import annotations

import re

import typer.testing

_SUMMARY = r"[\d,]+ rows?[:;] "


def lines_of(result: typer.testing.Result, start: str = _SUMMARY) -> list[str]:
    """Return the lines on stderr from the summary on, or from another beginning of a line."""
    lines = result.stderr.splitlines()
    places = [at for at, line in enumerate(lines) if re.match(start, line)]
    assert places, result.stderr
    return lines[places[0] :]


def preview_of(result: typer.testing.Result) -> dict[str, str]:
    """Return the meanings of columns that were shown, by heading."""
    shown = (line.split(" → ") for line in result.stderr.splitlines() if " → " in line)
    return {heading.strip(): meaning for heading, meaning in shown}

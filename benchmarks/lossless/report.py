"""The tables: for a terminal, and in `docs/walk.md` after a full run."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.lossless.reading import ENDLESS, ERROR, Outcome
from benchmarks.lossless.scenarios import SCENARIOS, Scenario
from benchmarks.lossless.tools import TOOLS
from benchmarks.tables import Table

DATA = Path(__file__).parent / "results.json"
PAGE = Path(__file__).parents[2] / "docs" / "walk.md"
_PLACE = re.compile(
    r"(?<=<!-- start: figures of python -m benchmarks lossless -->\n).*(?=\n<!-- end -->)",
    re.DOTALL,
)

Outcomes = dict[str, dict[str, Outcome]]
"""By scenario, then by tool."""


def save(outcomes: Outcomes) -> None:
    """Write what was counted, with the versions of the tools."""
    tools = {tool: TOOLS[tool].package for row in outcomes.values() for tool in row}
    record = {
        "taken": datetime.now(UTC).strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "packages": tools,
        "outcomes": {
            scenario: {tool: each._asdict() for tool, each in row.items()}
            for scenario, row in outcomes.items()
        },
    }
    DATA.write_text(f"{json.dumps(record, indent=1)}\n")


def write() -> None:
    """Write the tables into the page again, from the data of the last full run."""
    shown = text(json.loads(DATA.read_text()))
    PAGE.write_text(_PLACE.sub(lambda _: shown, PAGE.read_text()))


def text(record: dict[str, Any]) -> str:
    """Return the text between the two marks."""
    outcomes = {
        scenario: {tool: Outcome(**each) for tool, each in row.items()}
        for scenario, row in record["outcomes"].items()
    }
    packages = ", ".join(dict.fromkeys(record["packages"].values()))
    parts = [
        "Contacts that are missing from the result, where the tool reported success:",
        _markdown(lost(outcomes, SCENARIOS)),
        "Requests:",
        _markdown(requests(outcomes, SCENARIOS)),
        f"Counted by `python -m benchmarks lossless` on {record['taken']} with {packages} and"
        f" Python {record['python']}.",
    ]
    return "\n\n".join(parts)


def lost(outcomes: Outcomes, scenarios: dict[str, Scenario]) -> Table:
    """Return the table of contacts lost."""
    return _table("Contacts lost", outcomes, scenarios, _lost)


def requests(outcomes: Outcomes, scenarios: dict[str, Scenario]) -> Table:
    """Return the table of requests."""
    return _table("Requests", outcomes, scenarios, _requests)


def _lost(outcome: Outcome) -> str:
    if outcome.reported == ENDLESS:
        return "never ends"
    if outcome.reported == ERROR:
        return "error: loop" if "Loop detected" in outcome.said else "error"
    old = f", {outcome.old} old" if outcome.old else ""
    return f"{outcome.missing:,}{old}"


def _requests(outcome: Outcome) -> str:
    return f"{outcome.requests:,}{'+' * (outcome.reported == ENDLESS)}"


def _table(
    title: str,
    outcomes: Outcomes,
    scenarios: dict[str, Scenario],
    shown: Callable[[Outcome], str],
) -> Table:
    tools = list(dict.fromkeys(tool for row in outcomes.values() for tool in row))
    rows = [
        [scenarios[scenario].title, *(shown(row[tool]) for tool in tools)]
        for scenario, row in outcomes.items()
    ]
    return Table(title, ["Account", *(TOOLS[tool].title for tool in tools)], rows)


def _markdown(table: Table) -> str:
    marks = ["---", *("---:" for _ in table.columns[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (table.columns, marks, *table.rows))

"""The files that a full run writes: raw data, tables, and the chart."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import goals, machine, upshot
from benchmarks.measuring import Lab, Results
from benchmarks.tables import Table, as_markdown
from benchmarks.works import WORKS

ROOT = Path(__file__).parents[1]
DATA = ROOT / "benchmarks" / "results.json"
TABLES = ROOT / "benchmarks" / "results.md"
CHART = ROOT / "docs" / "performance"


def save(lab: Lab, results: Results) -> None:
    """Write the results, with the machine and the settings."""
    pinned = lab.client_core is not None
    record = {
        "taken": datetime.now(UTC).strftime("%Y-%m-%d"),
        "rounds": lab.rounds,
        "seconds": lab.seconds,
        "pinned": pinned,
        "machine": machine.described(),
        "results": results,
    }
    rows = json.dumps(record, indent=1, ensure_ascii=False)
    DATA.write_text(f"{rows}\n")


def show() -> None:
    """Make tables, chart and the documented figures again, from the data of the last full run."""
    from benchmarks import chart  # noqa: PLC0415 - a heavy one, and here nothing is measured

    record = json.loads(DATA.read_text())
    TABLES.write_text(document(record))
    upshot.write(record)
    chart.draw(record["results"], CHART)


def all_tables(results: Results) -> list[Table]:
    return [table for work in WORKS.values() for table in work.tables(results)]


def document(record: dict[str, Any]) -> str:
    """Return the tables as one page."""
    known, rounds = record["machine"].items(), record["rounds"]
    pinned = "on a core each" if record["pinned"] else "not pinned to cores"
    parts = [
        "# Results",
        "Written by `python -m benchmarks`, with the raw data in [results.json](results.json);"
        " [README.md](README.md) says what is compared, and how.",
        f"{record['taken']}, {rounds} rounds ({2 * rounds} of imports, {min(7, rounds)} of memory),"
        f" client and server {pinned}. Cells are the median of all rounds (minimum-maximum). A"
        " ratio is taken within each round. Only ratios mean anything on another machine, or in"
        " another hour.",
        as_markdown(goals.table(record["results"])).replace("### ", "## "),
        "## Measured",
        *(as_markdown(table) for table in all_tables(record["results"])),
        "## Measured with",
        "\n".join(f"- {name}: {value}" for name, value in known),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"

"""The files that a full run writes: raw data, tables, and the chart."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import goals, machine, upshot
from benchmarks.measuring import Lab, Results
from benchmarks.tables import Table, as_markdown
from benchmarks.works import WORKS, instructions

ROOT = Path(__file__).parents[1]
DATA = ROOT / "benchmarks" / "results.json"
TABLES = ROOT / "benchmarks" / "results.md"
CHART = ROOT / "docs" / "performance"


def save(lab: Lab, results: Results) -> None:
    """Write the results, with the machine and the settings."""
    pinned = lab.client_core is not None
    taken = {"taken": _today(), "machine": machine.described()}
    settings = {"rounds": lab.rounds, "seconds": lab.seconds, "pinned": pinned}
    _write({**settings, **taken, "counted": taken, "results": results})


def save_counts(results: Results) -> None:
    """Write the counts of instructions, and leave all else as it was."""
    record = json.loads(DATA.read_text())
    record["counted"] = {"taken": _today(), "machine": machine.described()}
    record["results"] |= results
    _write(record)


def _today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")


def _write(record: dict[str, Any]) -> None:
    DATA.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")


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
    parts = [
        "# Results",
        "Written by `python -m benchmarks`, with the raw data in [results.json](results.json);"
        " [README.md](README.md) says what is compared, and how.",
        *_described(record),
        as_markdown(goals.table(record["results"])).replace("### ", "## "),
        "## Measured",
        *(as_markdown(table) for table in all_tables(record["results"])),
        "## Measured with",
        "\n".join(f"- {name}: {value}" for name, value in record["machine"].items()),
        *_counted_with(record),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _described(record: dict[str, Any]) -> list[str]:
    rounds, counted = record["rounds"], record["counted"]
    pinned = "on a core each" if record["pinned"] else "not pinned to cores"
    counts = (
        f"Instructions, counted once on {counted['taken']}: the same work takes the same number,"
        " within half a percent. The kernel's part is not in them."
    )
    clocks = (
        f"CPU, time and memory, measured on {record['taken']}: {rounds} rounds ({2 * rounds} of"
        f" imports, {min(7, rounds)} of memory), client and server {pinned}. Cells are the median"
        " of all rounds (minimum-maximum). A ratio is taken within each round. Only ratios mean"
        " anything on another machine, or in another hour."
    )
    if instructions.tables(record["results"]):
        return [counts, clocks]
    return ["No instructions were counted: valgrind was missing. CPU stands for them.", clocks]


def _counted_with(record: dict[str, Any]) -> list[str]:
    """List the versions of the counts, where they differ from those of the clocks."""
    clocks, counts = record["machine"], record["counted"]["machine"]
    other = [f"- {name}: {value}" for name, value in counts.items() if clocks.get(name) != value]
    return ["But instructions with:", "\n".join(other)] if other else []

"""Writes the figures of `docs/performance.md` after a full run."""

from __future__ import annotations

import re
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import goals
from benchmarks.measuring import Results
from benchmarks.rivals import BARE, BY_CONTACT, BY_PAGE, HTTPX, RIVALS, SCRIPT, WREQ
from benchmarks.tables import paired
from benchmarks.works import creates, imports, instructions, layers, loops, memory, walks

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_PLACE = re.compile(
    r"(?<=<!-- start: figures of python -m benchmarks -->\n).*(?=\n<!-- end -->)", re.DOTALL
)


def write(record: dict[str, Any]) -> None:
    """Write the figures of a run into the page."""
    PAGE.write_text(_PLACE.sub(lambda _: text(record), PAGE.read_text()))


def text(record: dict[str, Any]) -> str:
    """Return the text between the two marks."""
    results: Results = record["results"]
    verdicts = [row[-1] for row in goals.table(results).rows]
    machine = record["machine"]
    # Times that are older than the counts may be of another version.
    is_timed = record["taken"] >= record["counted"]["taken"]
    rows = "\n".join(f"| {' | '.join(row)} |" for row in _rows(results, is_timed=is_timed))
    added = median(memory.added_mb(results[memory.name(100)], BY_PAGE))
    return (
        "| Work | Compared with | Instructions, ratio | CPU, ratio |\n|---|---|---:|---:|\n"
        f"{rows}\n\n"
        f"A walk over 1,000,000 contacts takes at most {added:.1f} MB more memory than an idle"
        " client.\n\n"
        f"Measured by `python -m benchmarks` on {record['taken']}, and instructions on"
        f" {record['counted']['taken']} ({machine['processor']}, Python"
        f" {machine['Python'].split()[1]}).\n{verdicts.count('reached')} of {len(verdicts)} goals"
        " were reached. [The first table](../benchmarks/results.md) lists them."
    )


def _rows(results: Results, *, is_timed: bool) -> list[tuple[str, str, str, str]]:
    walk, hundred = walks.name(30), walks.name(100)
    create, many = creates.name(1), creates.name(100)
    ratios = [
        *((create, BY_PAGE, to) for to in (BARE, SCRIPT, WREQ, HTTPX)),
        (many, BY_PAGE, BARE),
        *((walk, BY_PAGE, to) for to in (BARE, SCRIPT, WREQ, HTTPX)),
        (walk, BY_CONTACT, BARE),
        *((hundred, BY_PAGE, to) for to in (BARE, SCRIPT)),
        *((work + ", TLS", BY_PAGE, BARE) for work in (create, walk)),
    ]
    shown = [
        (
            _capital(f"{work}, {_how(work, mine)}"),
            RIVALS[to].title,
            _ratio(results, instructions.name(work), mine, to, instructions.KEY),
            _ratio(results, work, mine, to) if is_timed else "",
        )
        for work, mine, to in ratios
    ]
    return [*shown, *((what, to, "", value) for what, to, value in _clocked(results))]


def _clocked(results: Results) -> list[tuple[str, str, str]]:
    """Return those that are not counted."""
    shown = []
    for name in loops.NAMES:
        work = _capital(name.removeprefix("loops, "))
        gain = _ratio(results, name, BY_PAGE + loops.UVLOOP, BY_PAGE)
        shown.append((f"{work}, with uvloop", "heymarket_async without it", gain))
    logging = _ratio(results, layers.WALK, "with_logging", BY_PAGE)
    shown.append(("Walk of 30 a page, with logging of DEBUG", "the same without it", logging))
    imported = _ratio(results, imports.NAME, imports.OURS, imports.NEEDED, "cpu_ms")
    shown.append(("Importing heymarket_async", imports.NEEDED, imported))
    return shown


def _how(work: str, mine: str) -> str:
    if work.startswith("create"):
        return creates.title(mine)
    return RIVALS[mine].title.replace(",", "")


def _ratio(results: Results, work: str, mine: str, to: str, key: str = "cpu_us") -> str:
    """Show the median, or nothing if one of them was not measured."""
    rounds = results.get(work, {})
    if mine not in rounds or to not in rounds:
        return ""
    return f"{median(paired(rounds, mine, to, key)):.2f}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]

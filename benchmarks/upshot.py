"""Writes the figures of `docs/performance.md` after a full run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import goals
from benchmarks.measuring import Results
from benchmarks.rivals import BARE, BY_CONTACT, BY_PAGE, HTTPX, RIVALS, SCRIPT
from benchmarks.tables import paired
from benchmarks.works import creates, imports, layers, loops, memory, walks

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
    rows = "\n".join(f"| {what} | {to} | {value} |" for what, to, value in _rows(results))
    return (
        f"| CPU of | Compared with | Ratio |\n|---|---|---:|\n{rows}\n\n"
        f"Measured by `python -m benchmarks` on {record['taken']} ({machine['processor']}, Python"
        f" {machine['Python'].split()[1]}).\n{verdicts.count('reached')} of {len(verdicts)} goals"
        " were reached. [The first table](../benchmarks/results.md) lists them."
    )


def _rows(results: Results) -> list[tuple[str, str, str]]:
    walk, hundred = walks.name(30), walks.name(100)
    create, many = creates.name(1), creates.name(100)
    ratios = [
        *((walk, BY_PAGE, to) for to in (BARE, SCRIPT, HTTPX)),
        (walk, BY_CONTACT, BARE),
        *((hundred, BY_PAGE, to) for to in (BARE, SCRIPT)),
        *((create, BY_PAGE, to) for to in (BARE, SCRIPT, HTTPX)),
        (many, BY_PAGE, BARE),
    ]
    shown = [
        (_capital(f"{work}, {_how(work, mine)}"), RIVALS[to].title, _ratio(results, work, mine, to))
        for work, mine, to in ratios
    ]
    for name in loops.NAMES:
        work = _capital(name.removeprefix("loops, "))
        gain = _ratio(results, name, BY_PAGE + loops.UVLOOP, BY_PAGE)
        shown.append((f"{work}, with uvloop", "heymarket_async without it", gain))
    logging = _ratio(results, layers.WALK, "with_logging", BY_PAGE)
    shown.append(("Walk of 30 a page, with logging of DEBUG", "the same without it", logging))
    imported = paired(results[imports.NAME], imports.OURS, imports.NEEDED, "cpu_ms")
    shown.append(("Importing heymarket_async", imports.NEEDED, _shown(imported)))
    added = median(memory.added_mb(results[memory.name(100)], BY_PAGE))
    shown.append(
        ("Most memory of a walk over 1,000,000 contacts", "an idle client", f"+ {added:.1f} MB")
    )
    return shown


def _how(work: str, mine: str) -> str:
    if work.startswith("create"):
        return creates.title(mine)
    return RIVALS[mine].title.replace(",", "")


def _ratio(results: Results, work: str, mine: str, to: str) -> str:
    return _shown(paired(results[work], mine, to))


def _shown(values: Sequence[float]) -> str:
    return f"{median(values):.2f}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]

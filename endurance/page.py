"""The page of the results: `docs/endurance.md`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from endurance.record import Kept, Record
from endurance.run import Run
from endurance.runs import RUNS

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "endurance.md"


def write(record: Record) -> None:
    """Write the page: what it is about, the results, and the failures that were found."""
    PAGE.write_text(text_of(record))


def text_of(record: Record) -> str:
    """Return the page in Markdown."""
    runs = [(run, record.get(run.name, Kept())) for run in RUNS.values()]
    parts = [(HERE / "before.md").read_text(), _table(runs)]
    parts += [_section(run, kept) for run, kept in runs if kept.seeds]
    parts.append((HERE / "after.md").read_text())
    return "\n".join(parts)


def _table(runs: list[tuple[Run, Kept]]) -> str:
    rows = [
        f"| {f'[{run.title}](#{run.name})' if kept.seeds else run.title}"
        f" | {run.goal:,} {run.unit} | {kept.figures.units:,}"
        f" | {len(kept.errors) or 'none'} |"
        for run, kept in runs
    ]
    return "\n".join(
        ["| Run | At least | Done | Pieces that failed |", "|---|---|---|---|", *rows, ""]
    )


def _section(run: Run, kept: Kept) -> str:
    seen = kept.figures
    figures = {
        **{key: f"{value:,}" for key, value in seen.total.items()},
        **{f"{key}, at most": _shown(value) for key, value in seen.most.items()},
        **{f"{key}, at least": _shown(value) for key, value in seen.least.items()},
    }
    figures = {name: figures[name] for name in _in_groups(figures)}
    seeds = f"Seeds 0 to {kept.seeds - 1:,}" if kept.seeds > 1 else "Seed 0"
    versions = ", ".join(f"{name} {version}" for name, version in sorted(seen.versions.items()))
    return "\n".join(
        [
            f"## {run.title} {{ #{run.name} }}",
            "",
            run.holds,
            "",
            f"{seeds}: {seen.units:,} {run.unit} in {_hours(kept.seconds)}"
            f" over all processes, {_failed(kept)}. {versions}",
            "",
            *(["| Seen | |", "|---|---|"] if figures else []),
            *(f"| {name} | {text} |" for name, text in figures.items()),
            *(f"\nSeed {seed} fails:\n\n```\n{text}\n```" for seed, text in kept.errors.items()),
            "",
        ]
    )


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _failed(kept: Kept) -> str:
    count = len(kept.errors)
    return f"{count} piece{'s' * (count > 1)} failed" if count else "none failed"


def _in_groups(names: Iterable[str]) -> list[str]:
    """Return names in their order, but those that begin with one word together, and sorted."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.split()[0], []).append(name)
    return [name for group in groups.values() for name in sorted(group, key=_with_numbers)]


def _with_numbers(name: str) -> list[str | int]:
    """Return a key that puts 6.2.5 before 6.2.14."""
    parts = re.split(r"(\d+)", name)
    return [int(part) if part.isdigit() else part for part in parts]


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.1f} minutes"

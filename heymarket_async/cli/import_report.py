"""Tells people what an import did."""

from __future__ import annotations

from pathlib import Path

from heymarket_async.bulk import ImportReport, RowOutcome
from heymarket_async.bulk.importing.columns import Columns
from heymarket_async.cli.output import counted
from heymarket_async.cli.running import say


def show(report: ImportReport, columns: Columns, outcomes: Path | None, *, dry_run: bool) -> None:
    """Print what was done, which rows were rejected first, and what to do about the rest."""
    lines = [_summary(report, dry_run=dry_run)]
    lines += [f"row {each.row}: {each.reason}" for each in report.rejections]
    if columns.left_out:
        lines.append(f"Left out: {', '.join(columns.left_out)}")
    if columns.unseen:
        lines.append(f"In no row, to map or to ignore: {', '.join(columns.unseen)}")
    if outcomes is not None:
        lines.append(f"What became of each row is in {outcomes}")
    if report.unknown and outcomes is not None:
        lines.append("Some outcomes are unknown: run it again with --resume to look them up")
    elif report.unknown:
        lines.append("Some outcomes are unknown: run it again, no phone gets a second contact")
    say("\n".join(lines))


def _summary(report: ImportReport, *, dry_run: bool) -> str:
    is_or = "would be " if dry_run else ""
    numbers = {each.value: int(getattr(report, each)) for each in RowOutcome}
    counts = [f"{number:,} {is_or}{each}" for each, number in numbers.items() if number]
    rows = counted(report.rows, "row")
    parts = [f"{rows}: {', '.join(counts)}" if counts else rows]
    if report.duplicates:
        parts.append(f"{report.duplicates:,} of them with the phone of an earlier row")
    if report.skipped:
        parts.append(f"{report.skipped:,} of them settled by an earlier run")
    parts.append(f"{counted(report.requests, 'request')}, {report.seconds:.1f} s")
    if dry_run:
        parts.append("nothing was written")
    return "; ".join(parts)

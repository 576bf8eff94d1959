"""The report of an import, as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from heymarket_async.bulk import ImportReport, RowOutcome
from heymarket_async.cli.kept import same_command
from heymarket_async.cli.show import counted

_MOST_REASONS = 10
_BY_NUMBERING = " (by the numbering plans of "


def lines_of_import(
    report: ImportReport,
    notes: Sequence[str],
    outcomes: Path | None,
    rejected: Path | None,
    *,
    dry_run: bool,
    restart: bool,
) -> list[str]:
    """Return the lines that say how an import ended, and what to do about the rest."""
    lines = [_summary(report, dry_run=dry_run)]
    lines += [f"row {each.row}: {short(each.reason)}" for each in report.rejections]
    if (hidden := sum(report.reasons.values()) - len(report.rejections)) > 0:
        place = rejected or outcomes
        lines.append(f"… and {hidden:,} more{f' in {place}' if place else ''}. By reason:")
        lines += lines_of_reasons(report.reasons)
    if any("has an extension" in each.reason for each in report.rejections):
        lines.append("To import phones without their extensions, use --drop-extensions.")
    lines += line_of_numbering(report.reasons)
    lines += _lines_of_opt_outs(report, dry_run=dry_run)
    lines += notes
    if outcomes is not None:
        lines.append(f"The outcome of each row is in {outcomes}")
    if report.skipped:
        lines.append("To import the rows of the earlier run once more, use --restart.")
    if report.unknown:
        remedy = (
            "Run the import again: no phone gets a second contact."
            if outcomes is None
            else f"{same_command(restart=restart).capitalize()} to look them up."
        )
        lines.append(f"Some outcomes are unknown. {remedy}")
    if rejected is not None:
        lines.append(f"The rejected rows are in {rejected}. Mend them, and import that file.")
    return lines


def lines_of_reasons(reasons: Mapping[str, int]) -> list[str]:
    """Return how many rows have a reason, the largest number first."""
    shown = list(reasons.items())[:_MOST_REASONS]
    left = sum(reasons.values()) - sum(number for _, number in shown)
    lines = [f"  {counted(number, 'row')}: {short(reason)}" for reason, number in shown]
    return lines + ([f"  {counted(left, 'row')}: other reasons"] if left else [])


def short(reason: str) -> str:
    """Return a reason without the words that `line_of_numbering` says once for all rows."""
    return reason.partition(_BY_NUMBERING)[0]


def line_of_numbering(reasons: Iterable[str]) -> list[str]:
    """Return a line on the plans by which phones were found to be wrong, if some were."""
    plans = next(
        (each.partition(_BY_NUMBERING)[2] for each in reasons if _BY_NUMBERING in each), ""
    )
    return (
        [f"Phones were checked by the numbering plans of {plans.removesuffix(')')}."]
        if plans
        else []
    )


def _lines_of_opt_outs(report: ImportReport, *, dry_run: bool) -> list[str]:
    lines: list[str] = []
    if number := report.opted_out:
        was = "would be" if dry_run else "was" if number == 1 else "were"
        contacts = counted(number, "existing contact")
        lines.append(f"{contacts} {was} opted out, as the file says.")
    if number := report.opt_outs_kept:
        stays = "would stay" if dry_run else "stayed"
        contacts = counted(number, "contact")
        lines.append(f"{contacts} {stays} opted out, although the file says otherwise.")
    return lines


def _summary(report: ImportReport, *, dry_run: bool) -> str:
    is_or = "would be " if dry_run else ""
    numbers = {each.value: int(getattr(report, each)) for each in RowOutcome}
    counts = [f"{number:,} {is_or}{each}" for each, number in numbers.items() if number]
    rows = counted(report.rows, "row")
    parts = [
        f"{rows}: {', '.join(counts)}" if counts else rows,
        f"{counted(report.duplicates, 'duplicate')} of an earlier row" if report.duplicates else "",
        f"{report.skipped:,} of them done by an earlier run" if report.skipped else "",
        f"{counted(report.requests, 'request')}, {report.seconds:.1f} s",
        "nothing was written" if dry_run else "",
    ]
    return "; ".join(filter(None, parts))

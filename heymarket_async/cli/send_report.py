"""The draft and the report of texts, as lines for people."""

from __future__ import annotations

from pathlib import Path

from heymarket_async.bulk import Draft, SendOutcome, SendReport
from heymarket_async.cli.import_report import line_of_numbering, lines_of_reasons, short
from heymarket_async.cli.kept import same_command
from heymarket_async.cli.show import counted, one_line

_MOST_CHARACTERS = 10

_ROWS = "Rows count from 1, without the headings:"


def lines_of_draft(draft: Draft, *, has_texts: bool) -> list[str]:
    """Return the lines that say what is going to be sent.

    Args:
        draft: The texts.
        has_texts: Whether to show some of them. In a log they would be personal data in the wrong
            place.
    """
    lines = [f"→ {one_line(each)}" for each in draft.examples] if has_texts else []
    numbers = counted(draft.recipients, "text")
    if draft.segments:
        longest = f", at most {draft.most_segments} each" if draft.most_segments > 1 else ""
        numbers = f"{numbers} in {counted(draft.segments, 'segment')}{longest}"
    lines.append(f"{numbers}, before people who opted out are looked up.")
    if draft.in_ucs_2:
        lines.append(
            f"{counted(draft.in_ucs_2, 'text')} in UCS-2, which holds 70 characters instead of 160,"
            f" because of {_characters(draft)}."
        )
    return lines


def lines_of_texts(
    report: SendReport, outcomes: Path | None, *, dry_run: bool, restart: bool
) -> list[str]:
    """Return the lines that say how the sending ended, and what to do about the rest."""
    lines = [_summary(report, dry_run=dry_run)]
    if report.problems:
        lines.append(_ROWS)
    lines += [f"row {each.row}: {short(each.reason)}" for each in report.problems]
    hidden = report.skipped + report.rejected + report.unknown - len(report.problems)
    if hidden > 0:
        lines.append(f"… and {hidden:,} more{f' in {outcomes}' if outcomes else ''}. By reason:")
        lines += lines_of_reasons(report.reasons)
    lines += line_of_numbering(report.reasons)
    if outcomes is not None:
        lines.append(f"The outcome of each row is in {outcomes}")
    if report.sent_before:
        lines.append("To text the people of the earlier run once more, use --restart.")
    if report.unknown:
        again = same_command(restart=restart).capitalize()
        lines.append(f"Some outcomes are unknown. {again} to look them up.")
    return lines


def _characters(draft: Draft) -> str:
    shown = [f"{each!r} (in {number:,})" for each, number in draft.forcing.items()]
    more = [f"{len(shown) - _MOST_CHARACTERS} more"] if len(shown) > _MOST_CHARACTERS else []
    return ", ".join(shown[:_MOST_CHARACTERS] + more)


def _summary(report: SendReport, *, dry_run: bool) -> str:
    is_or, of_them = ("would be ", "") if dry_run else ("", "of them ")
    numbers = {each.value: int(getattr(report, each)) for each in SendOutcome}
    if dry_run:
        numbers["sent"] -= report.sent_before
    counts = [f"{number:,} {is_or}{each}" for each, number in numbers.items() if number]
    rows = counted(report.rows, "row")
    people = "person" if report.opted_out == 1 else "people"
    parts = [
        f"{rows}: {', '.join(counts)}" if counts else rows,
        f"{report.opted_out:,} {people} opted out" if report.opted_out else "",
        f"{counted(report.duplicates, 'duplicate')} of an earlier row" if report.duplicates else "",
        f"{report.sent_before:,} {of_them}sent by an earlier run" if report.sent_before else "",
        counted(report.segments, "segment") if report.segments else "",
        f"{counted(report.requests, 'request')}, {report.seconds:.1f} s",
        "nothing was sent" if dry_run else "",
    ]
    return "; ".join(filter(None, parts))

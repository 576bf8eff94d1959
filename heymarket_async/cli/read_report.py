"""The reports of exports and syncs, as lines for people."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from heymarket_async.cli.doubts import AGAIN, with_remedies
from heymarket_async.cli.show import counted

if TYPE_CHECKING:
    from heymarket_async.bulk import ReadReport, SyncReport

_ANEW = "Read all of them again with --restart."
_FULL = "Read all contacts again with --full."


def lines_of_export(
    report: ReadReport, path: Path, noun: str, *, adds: bool, replaced: bool
) -> list[str]:
    """Return the lines that say how an export of such records ended.

    Args:
        report: Its report.
        path: The file, or - for standard output.
        noun: The records.
        adds: It adds to what the file had.
        replaced: The file was there before, and was replaced.
    """
    where = "standard output" if str(path) == "-" else path
    number, changed = int(getattr(report, f"{noun}s")), int(getattr(report, "changed", 0))
    added = int(getattr(report, "added", number))
    parts = [
        f"{counted(number, noun)} to {where}",
        "which was replaced" if replaced else "",
        f"{added:,} added" if added != number else "",
        f"{changed:,} changed" if changed else "",
        counted(report.pages, "page") if report.pages else "",  # a later run has none
        counted(report.requests, "request"),
        f"{report.repeated:,} of them repeated" if report.repeated else "",
        # A run that resumes does not say how many it has read itself.
        _seconds(report.seconds, 0 if report.resumed else added, noun),
        f"{counted(report.edited, noun)} edited meanwhile" if report.edited else "",
        f"{counted(report.mended, noun)} mended" if report.mended else "",
        "resumed" if report.resumed else "",
    ]
    anew = _ANEW if adds else AGAIN
    doubts = with_remedies(report.doubts, anew=anew, gone=anew)
    notes = [f"Not proved to be complete: {doubt}" for doubt in doubts]
    if not notes and report.counted_after is None:
        notes = [f"Read to the end of the list. Heymarket does not count such {noun}s."]
    if noun == "contact" and not report.doubts and sys.stderr.isatty():
        notes.append("To keep a file up to date, use heymarket sync contacts.db.")
    return [", ".join(filter(None, parts)), *notes]


def lines_of_sync(report: SyncReport, path: Path, *, repeats: bool) -> list[str]:
    """Return the lines that say how a sync ended.

    Args:
        report: Its report.
        path: The file.
        repeats: The command runs it again by itself.
    """
    read = report.added if report.kind == "full" and not report.resumed else 0
    parts = [
        f"{counted(report.contacts, 'contact')} in {path}",
        f"{report.added:,} added",
        f"{report.changed:,} changed",
        f"{report.deleted:,} deleted",
        counted(report.requests, "request"),
        _seconds(report.seconds, read, "contact"),
        f"{report.mended:,} mended" if report.mended else "",
        "resumed" if report.resumed else "",
    ]
    doubts = with_remedies(report.doubts, anew=_FULL, gone="Mark those that are gone with --full.")
    notes = [f"Something may be missing: {doubt}" for doubt in doubts]
    if not notes and not repeats and sys.stderr.isatty():
        notes = ["To read what changed, run the same command again, or add --every 5m."]
    return [", ".join(filter(None, parts)), *notes]


def _seconds(seconds: float, records: int, noun: str) -> str:
    """Return how long a run took, and how fast it was, if that says anything."""
    speed = records / max(seconds, 0.001)
    return f"{seconds:.1f} s" + (f" ({speed:,.0f} {noun}s/s)" if speed >= 1 else "")

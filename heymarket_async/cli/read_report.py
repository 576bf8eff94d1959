"""The reports of exports and syncs, as lines for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from heymarket_async.cli.show import counted

if TYPE_CHECKING:
    from heymarket_async.bulk import ReadReport, SyncReport


def lines_of_export(report: ReadReport, path: Path, noun: str) -> list[str]:
    """Return the lines that say how an export of such records ended."""
    where = "standard output" if str(path) == "-" else path
    number, changed = int(getattr(report, f"{noun}s")), int(getattr(report, "changed", 0))
    added = int(getattr(report, "added", number))
    parts = [
        f"{counted(number, noun)} to {where}",
        f"{added:,} added" if added != number else "",
        f"{changed:,} changed" if changed else "",
        counted(report.pages, "page") if report.pages else "",  # a later run has none
        counted(report.requests, "request"),
        f"{report.repeated:,} of them repeated" if report.repeated else "",
        f"{report.seconds:.1f} s",
        f"{counted(report.edited, noun)} edited meanwhile" if report.edited else "",
        f"{counted(report.mended, noun)} mended" if report.mended else "",
        "resumed" if report.resumed else "",
    ]
    notes = [f"Not proved to be complete: {doubt}" for doubt in report.doubts]
    if not notes and report.counted_after is None:
        notes = [f"Read to the end of the list. Heymarket does not count such {noun}s."]
    return [", ".join(filter(None, parts)), *notes]


def lines_of_sync(report: SyncReport, path: Path) -> list[str]:
    """Return the lines that say how a sync ended."""
    parts = [
        f"{counted(report.contacts, 'contact')} in {path}",
        f"{report.added:,} added",
        f"{report.changed:,} changed",
        f"{report.deleted:,} deleted",
        counted(report.requests, "request"),
        f"{report.seconds:.1f} s",
        f"{report.mended:,} mended" if report.mended else "",
        "resumed" if report.resumed else "",
    ]
    doubts = [f"Something may be missing: {doubt}" for doubt in report.doubts]
    return [", ".join(filter(None, parts)), *doubts]

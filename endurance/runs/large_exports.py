"""Exports of a large account: memory does not grow, and each request is needed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import msgspec

from benchmarks.measuring import Lab
from endurance.exporting import Exported
from endurance.run import Figures, Run, small
from endurance.versions import versions

SINKS = {
    "jsonl": "JSON Lines",
    "csv": "CSV",
    "parquet": "Parquet",
    "db": "SQLite",
    "xlsx": "Excel",
}
SMALL, LARGE = (10_000, 40_000) if small() else (100_000, 5_000_000)
LARGEST = {"xlsx": 1_048_575}
"""A sheet has no more rows."""
MOST_MB = 10.0
DOCUMENTED = {1000: 7, 10_000: 16}
"""The requests of a walk where 1,000 contacts come at once, from docs/walk.md."""


def pages_of(contacts: int) -> int:
    """Return the pages that an export needs.

    It asks for 30, for 100, and for twice as many up to 1,000. Each page begins with the last
    contact of the one before. An end is believed without a limit only, and then it is asked for
    what has changed.
    """
    pages, left, limit = 1, contacts - 30, 100
    while left > 0:
        pages, left, limit = pages + 1, left - (limit - 1), min(2 * limit, 1000)
    return pages + 2


def work(seed: int) -> Figures:
    """Export a small and a large account into one kind of file, each in a process of its own."""
    assert {each: pages_of(each) for each in DOCUMENTED} == DOCUMENTED
    ending = list(SINKS)[seed % len(SINKS)]
    sizes = (SMALL, min(LARGE, LARGEST.get(ending, LARGE)))
    with Lab() as lab, tempfile.TemporaryDirectory() as folder:
        few, many = (_export(lab.url, size, Path(folder), ending) for size in sizes)
    more = many.peak_mb - few.peak_mb
    name = f"{SINKS[ending]}, {sizes[1]:,} contacts: peak of memory, MB"
    assert more <= MOST_MB or small(), (
        f"{name}: {many.peak_mb:.1f}, {more:.1f} more than {sizes[0]:,} contacts"
    )
    return Figures(
        total={"requests": sum(few.requests.values()) + sum(many.requests.values())},
        most={name: many.peak_mb, f"{name} more than {sizes[0]:,} contacts": more},
        versions=versions("pyarrow", "xlsxwriter", "uvloop"),
    )


def _export(url: str, contacts: int, folder: Path, ending: str) -> Exported:
    file = folder / f"contacts.{ending}"
    command = [*(sys.executable, "-W", "error", "-m", "endurance.exporting"), url, str(contacts)]
    done = subprocess.run([*command, str(file)], stdout=subprocess.PIPE, check=True)
    exported = msgspec.json.decode(done.stdout, type=Exported)
    assert exported.contacts == contacts, f"{exported.contacts} of {contacts} contacts"
    assert exported.doubts == []
    needed = Counter({"POST /v1/contacts": pages_of(contacts)})
    needed |= Counter(["GET /v1/team", "POST /v1/contacts/count"])
    needed |= Counter(["POST /v1/contact-fields"] if ending != "jsonl" else [])
    assert exported.requests == needed, f"{exported.requests}, not {dict(needed)}"
    file.unlink()
    return exported


RUNS = [
    Run(
        name="large-exports",
        title="Exports of 5,000,000 contacts",
        unit="kinds of files",
        goal=len(SINKS),
        holds="The peak of memory of exporting 5,000,000 contacts is within 10 MB of that of"
        " 100,000, into each kind of file; a spreadsheet has 1,048,575 rows at most, so it gets as"
        " many. All contacts are in the file, and the requests are those that docs/walk.md states"
        " for a server that gives 1,000 at once, with the team, the count, and for a table the"
        " custom fields. The ids of the contacts follow each other; where they are far apart, a"
        " contact takes two to five bytes more.",
        work=work,
        at_once=1,
        limit_s=7200,
    )
]

"""Exports of a large account: memory does not grow, and each request is needed."""

from __future__ import annotations

import csv
import gzip
import itertools
import re
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

import msgspec
import pyarrow.parquet

from benchmarks.contacts import FIRST_ID
from benchmarks.measuring import Lab
from endurance.exporting import Exported
from endurance.run import Figures, Run, small
from endurance.versions import ZSTD, versions

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SINKS = {
    "jsonl": "JSON Lines",
    "csv": "CSV",
    "parquet": "Parquet",
    "db": "SQLite",
    "xlsx": "Excel",
    "jsonl.gz": "JSON Lines in gzip",
    "jsonl.zst": "JSON Lines in Zstandard",
}
"""The kinds of files. A new one comes at the end, so that a seed stays the same kind."""
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
        versions=versions("pyarrow", "xlsxwriter", "uvloop", *ZSTD),
    )


def _export(url: str, contacts: int, folder: Path, ending: str) -> Exported:
    file = folder / f"contacts.{ending}"
    command = [*(sys.executable, "-W", "error", "-m", "endurance.exporting"), url, str(contacts)]
    done = subprocess.run([*command, str(file)], stdout=subprocess.PIPE, check=True)
    exported = msgspec.json.decode(done.stdout, type=Exported)
    assert exported.contacts == contacts, f"{exported.contacts} of {contacts} contacts"
    counts = bytearray(contacts)
    for number in ids_in(file):
        counts[number - FIRST_ID] += 1
    assert counts == bytes([1]) * contacts, "each contact is in the file once"
    assert exported.doubts == []
    needed = Counter({"POST /v1/contacts": pages_of(contacts)})
    needed |= Counter(["GET /v1/team", "POST /v1/contacts/count"])
    needed |= Counter(["POST /v1/contact-fields"] if "jsonl" not in ending else [])
    assert exported.requests == needed, f"{exported.requests}, not {dict(needed)}"
    file.unlink()
    return exported


def ids_in(file: Path) -> Iterator[int]:
    """Give the ids of the contacts in an export, without holding it in memory."""
    ending = file.name.partition(".")[2]
    if ending == "parquet":
        with pyarrow.parquet.ParquetFile(file) as table:
            for batch in table.iter_batches(columns=["id"]):
                yield from batch.column(0).to_pylist()
    elif ending == "db":
        with closing(sqlite3.connect(file)) as database:
            yield from (number for (number,) in database.execute("SELECT id FROM contacts"))
    elif ending == "csv":
        with file.open(newline="") as lines:
            rows = csv.reader(lines)
            place = next(rows).index("id")
            yield from (int(row[place]) for row in rows)
    elif ending == "xlsx":
        with zipfile.ZipFile(file) as book, book.open("xl/worksheets/sheet1.xml") as sheet:
            for row in itertools.islice(rows_of(sheet), 1, None):  # without the headings
                yield int(_FIRST_CELL.search(row)[1])
    else:
        opened = {"jsonl": Path.open, "jsonl.gz": gzip.open, "jsonl.zst": zstd.open}[ending]
        with opened(file, "rb") as lines:
            yield from (_CONTACT.decode(line).id for line in lines)


class _Contact(msgspec.Struct):
    id: int


_CONTACT = msgspec.json.Decoder(_Contact)
_FIRST_CELL = re.compile(rb'<c r="A\d+"[^>]*><is><t>(\d+)</t>')


def rows_of(sheet: IO[bytes]) -> Iterator[bytes]:
    """Give the rows of a sheet in XML; in the text of a cell, "<" is "&lt;"."""
    data = b""
    while more := sheet.read(1 << 20):
        *rows, data = (data + more).split(b"</row>")
        yield from rows


RUNS = [
    Run(
        name="large-exports",
        title="Exports of 5,000,000 contacts",
        unit="kinds of files",
        goal=len(SINKS),
        holds="The peak of memory of exporting 5,000,000 contacts is within 10 MB of that of"
        " 100,000, into each kind of file. A sheet of an .xlsx holds 1,048,575 contacts, so it"
        " gets as many. Each contact is in the file once. The requests are those that [the"
        " documentation](walk.md) states for a server that gives 1,000 at once, with the team,"
        " the count, and for a table the custom fields. The ids of the contacts are consecutive."
        " An export keeps the ids it has seen: here, 5,000,000 of them take less than 1 MB."
        " Measured once by hand, they took 10 MB where one number in twenty is an id, and 22 MB"
        " where one in a thousand is. For such an account, the difference is above 10 MB.",
        work=work,
        at_once=1,
        limit_s=7200,
    )
]

"""The file of an import, where it is none by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from heymarket_async.bulk.contact_files.contacts import ContactReader
from heymarket_async.bulk.contact_files.phones import phone_reader
from heymarket_async.bulk.importing.source import SourceRow
from heymarket_async.cli.import_file import ImportFile


@pytest.fixture
def descriptor(monkeypatch):
    read, write = os.pipe()
    os.write(write, b"phone\n14155550100\n14155550101\n")
    os.close(write)
    with os.fdopen(read) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield read


async def rows_of(path: Path) -> list[SourceRow]:
    file = ImportFile(path, file_format=None, delimiter=None, encoding=None, mapped={})
    async with file.opened(10):
        plan = file.plan([], ignored=(), ignore_others=False, ignore_opt_outs=False)
        return list(file.rows(ContactReader(plan, phone=phone_reader(None), notes=file.notes)))


async def test_standard_input_stays_open(descriptor):
    rows = await rows_of(Path("-"))

    assert [row.item.phone for row in rows] == ["14155550100", "14155550101"]
    os.fstat(descriptor)

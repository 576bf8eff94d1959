"""The file of an import, where it is none by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from heymarket_async.bulk.contact_files.columns import Columns
from heymarket_async.cli.import_source import Source
from heymarket_async.cli.options import Format


@pytest.fixture
def descriptor(monkeypatch):
    read, write = os.pipe()
    os.write(write, b"phone\n14155550100\n14155550101\n")
    os.close(write)
    with os.fdopen(read) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield read


def test_standard_input_stays_open(descriptor):
    source = Source(Path("-"), Format.CSV, None, None)

    rows = list(source.rows(Columns([])))

    assert [row.phone for row in rows] == ["14155550100", "14155550101"]

    os.fstat(descriptor)

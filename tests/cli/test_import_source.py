"""The file of an import, where it is none by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from heymarket_async.bulk.importing.columns import Columns
from heymarket_async.cli.import_source import Source


@pytest.fixture
def descriptor(monkeypatch):
    read, write = os.pipe()
    os.write(write, b"a\nb\n")
    os.close(write)
    with os.fdopen(read) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield read


def test_standard_input_stays_open(descriptor):
    source = Source(Path("-"), lambda lines, _: iter(lines))

    assert list(source.rows(Columns([]))) == [b"a\n", b"b\n"]

    os.fstat(descriptor)

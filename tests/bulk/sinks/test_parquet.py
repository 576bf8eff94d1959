"""The types of the columns of a Parquet file, in the programs that people read it with."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet
import pytest

from heymarket_async import ContactField
from heymarket_async.bulk import Parquet
from heymarket_async.bulk.kind import CONVERSATION
from heymarket_async.bulk.sinks import parquet
from heymarket_async.bulk.sinks.arrow import ArrowTable

STAMP = datetime(2026, 4, 12, 15, 30, 0, 250_000, UTC)
USUAL = {
    "id": 7,
    "phone": "15105550101",
    "is_opted_out": False,
    "created": "2026-04-12T15:30:00.25Z",
    "updated": "2026-04-12T17:30:00.25+02:00",
    "tags": [{"id": 1, "tag_id": 5}, {"tag_id": 6}],
    "note": [],
    "contact_channels": [{"id": 12, "channel_type": "phone", "channel_id": "15105550101"}],
    "custom": {"123": "Premium"},
}


def written(path, *records, kind=None):
    """Write records, and return the path."""
    sink = Parquet(path)
    if kind is not None:
        sink.kind = kind
    sink.open(None, restart=False)
    sink.write([json.dumps(each).encode() for each in records], "{}")
    list(sink.finish(frozenset(), [ContactField(id=123, title="Plan")]))
    sink.close()
    return path


def row_of(path):
    (row,) = pyarrow.parquet.read_table(path).to_pylist()
    return row


@pytest.mark.parametrize(
    ("rows", "groups"), [(0, []), (1, [1]), (4, [4]), (5, [4, 1]), (11, [4, 4, 3])]
)
def test_rows_are_converted_few_at_once_and_written_in_large_groups(
    rows, groups, tmp_path, monkeypatch
):
    at_once = []

    def counted(table, columns, of_columns=ArrowTable.of_columns):
        at_once.append(len(columns[0]))
        return of_columns(table, columns)

    monkeypatch.setattr(parquet, "_ROWS_AT_ONCE", 2)
    monkeypatch.setattr(parquet, "_ROWS_IN_A_GROUP", 4)
    monkeypatch.setattr(ArrowTable, "of_columns", counted)
    path = written(tmp_path / "c.parquet", *({"id": each} for each in range(rows)))

    file = pyarrow.parquet.ParquetFile(path)
    sizes = [file.metadata.row_group(each).num_rows for each in range(file.num_row_groups)]
    assert sizes == groups
    assert pyarrow.parquet.read_table(path)["id"].to_pylist() == list(range(rows))
    assert max(at_once, default=0) <= 2


def test_times_and_lists_are_read_without_a_conversion(tmp_path):
    path = written(tmp_path / "c.parquet", USUAL, {"id": 8})

    frame = pd.read_parquet(path)
    assert frame["updated"].max() == STAMP
    assert str(frame["created"].dtype) == "datetime64[us, UTC]"
    assert [tag["tag_id"] for tag in frame["tags"][0]] == [5, 6]
    assert frame["phone"][0] == "15105550101"

    table = pl.read_parquet(path)
    assert table["updated"].max() == STAMP
    assert table["tags"].list.len().to_list() == [2, None]
    assert table["note"].list.len().to_list() == [0, None]

    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        found = database.execute(
            f"SELECT phone, epoch_us(updated), tags[2].tag_id, contact_channels[1].id, Plan"
            f" FROM '{path}' WHERE updated > TIMESTAMPTZ '2026-04-12 15:30:00+00'"
        ).fetchall()
    assert found == [("15105550101", int(STAMP.timestamp() * 1e6), 6, "12", "Premium")]


def test_the_usual_leaves_nothing_over(tmp_path):
    assert row_of(written(tmp_path / "c.parquet", USUAL))["other"] is None


@pytest.mark.parametrize(
    ("sent", "cell"),
    [
        ({"updated": "2026-04-12T15:30:00.250000001Z"}, STAMP),
        ({"updated": "0001-01-01T00:00:00Z"}, None),
        ({"updated": "2026-02-30T00:00:00Z"}, None),
        ({"updated": "soon"}, None),
        ({"updated": ""}, None),
        ({"updated": "9999-12-31T23:59:59-12:00"}, None),
        ({"updated": "0001-01-01T00:00:00+12:00"}, None),
        ({"tags": ["vip"]}, []),
        ({"tags": [{"tag_id": 5, "color": "red"}]}, [{"id": None, "tag_id": 5}]),
        ({"tags": [{"tag_id": 2**64}]}, [{"id": None, "tag_id": None}]),
        ({"tags": "vip"}, None),
        ({"tags": {"tag_id": 5}}, None),
    ],
)
def test_what_a_column_does_not_hold_is_kept_in_other(sent, cell, tmp_path):
    row = row_of(written(tmp_path / "c.parquet", {**USUAL, **sent, "new": 1}))

    ((name, value),) = sent.items()
    assert row[name] == cell
    assert json.loads(row["other"]) == {"new": 1, name: value}


def test_an_odd_row_changes_no_row_beside_it(tmp_path):
    odd = {"id": 8, "created": "never", "tags": ["vip", {"tag_id": 1}], "note": None}
    path = written(tmp_path / "c.parquet", USUAL, odd, {**USUAL, "id": 9})

    first, second, third = pyarrow.parquet.read_table(path).to_pylist()
    assert {**first, "id": 9} == third
    assert (first["created"], first["other"]) == (STAMP, None)
    assert (second["created"], second["tags"]) == (None, [{"id": None, "tag_id": 1}])
    assert json.loads(second["other"]) == {"created": "never", "tags": odd["tags"]}


@pytest.mark.parametrize(
    ("sent", "cell", "other"),
    [
        ({"targets": ["1", "2"]}, ["1", "2"], None),
        ({"targets": None}, None, None),
        ({"targets": ["1", 2]}, ["1"], {"targets": ["1", 2]}),
        ({"unread_users": [4201]}, [4201], None),
        ({"unread_users": [2**63]}, [], {"unread_users": [2**63]}),
    ],
)
def test_lists_of_a_conversation_are_lists(sent, cell, other, tmp_path):
    row = row_of(written(tmp_path / "c.parquet", {"id": 1, **sent}, kind=CONVERSATION))

    ((name, _),) = sent.items()
    assert row[name] == cell
    assert (row["other"] and json.loads(row["other"])) == other

"""Parquet files of exports and of table tools: every cell as text."""

from __future__ import annotations

import io
import re
import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import duckdb
import msgspec
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heymarket_async.bulk import Csv, Parquet, export_contacts
from heymarket_async.bulk.contact_files import parquet
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.accounts import client_of
from tests.bulk.contact_files.reading import Read, read_file
from tests.bulk.test_files import rows_of


def read(content: bytes) -> list[dict[str, str]]:
    table = parquet.read(io.BytesIO(content))
    assert table.unit == "row"
    return [dict(zip(table.headings, row.cells, strict=True)) for row in table]


def parquet_of(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("columns", "has_apostrophes"),
    [
        ({"id": [1], "rev": [1], "updated": ["a"], "phone": ["1"]}, False),
        ({"id": [1], "rev": [1], "updated": ["a"], "phone": [1]}, True),
        ({"id": [1], "rev": [1], "updated": ["a"], "phone": [1.0]}, True),
        ({"id": ["1"], "rev": ["1"], "updated": ["a"], "phone": ["1"]}, True),
        ({"id": ["1"], "phone": [1]}, False),
    ],
)
def test_an_export_that_was_csv_has_its_apostrophes(columns, has_apostrophes):
    table = parquet.read(io.BytesIO(parquet_of(pa.table(columns))))

    assert table.has_apostrophes is has_apostrophes


def by_pandas(path, target) -> None:
    frame = pd.read_parquet(path)
    frame[frame["id"] > 0].sort_values("id", ascending=False).to_parquet(target)


def by_polars(path, target) -> None:
    pl.read_parquet(path).write_parquet(target)


def by_duckdb(path, target) -> None:
    duckdb.sql(f"COPY (SELECT * FROM '{path}') TO '{target}' (FORMAT parquet)")


def as_it_is(path, target) -> None:
    target.write_bytes(path.read_bytes())


def meanings_of(row: dict[str, str]) -> dict[str, object]:
    """Return the cells of an export, with times and lists read, and the numbers in lists as text.

    A Parquet file has times and lists of its own. One of its columns has one type, so the ids of
    channels, which Heymarket sends as numbers or as text, are text there.
    """
    return {name: meaning_of(name, cell) for name, cell in row.items()}


def meaning_of(name: str, cell: str) -> object:
    if cell and name in {"created", "updated"}:
        return datetime.fromisoformat(cell)
    if cell and name in {"tags", "contact_channels", "note", "email_suppressions"}:
        return msgspec.json.decode(re.sub(r"(?<=[:,\[])\d+(?=[,}\]])", r'"\g<0>"', cell))
    return cell


def imported(made: Read) -> list[str]:
    """Return the contacts of a file, and why the other rows are none, without their places."""
    return sorted(re.sub(r" \(\w+ \d+\)$", "", str(row)) for row in made.rows)


@pytest.mark.parametrize("tool", [as_it_is, by_pandas, by_polars, by_duckdb])
async def test_all_fields_of_an_export_come_back_through_a_tool(tool, tmp_path):
    readings = Readings(undocumented_keys=True, list_has_channels=True, list_has_uuid=True)
    async with Sandbox(contacts=300, seed=2, readings=readings) as sandbox:
        async with client_of(sandbox) as client:
            await export_contacts(client, Csv(tmp_path / "c.csv", defuse=False))
            await export_contacts(client, Parquet(tmp_path / "c.parquet"))
            fields = await client.contact_fields.all()
    tool(tmp_path / "c.parquet", tmp_path / "made.parquet")

    rows = read((tmp_path / "made.parquet").read_bytes())

    def row_id(row: dict[str, str]) -> int:
        return int(row["id"])

    expected = sorted(rows_of(tmp_path / "c.csv"), key=row_id)
    assert [*map(meanings_of, sorted(rows, key=row_id))] == [*map(meanings_of, expected)]
    made, plain = (read_file(tmp_path / name, fields) for name in ("made.parquet", "c.csv"))
    assert imported(made) == imported(plain)
    contacts = [row for row in made.rows if isinstance(row, dict)]
    assert len(contacts) > 250
    assert {name for row in contacts for name in row} >= {"phone", "tags", "custom"}
    assert (made.plan.is_export, made.left_out) == (True, plain.left_out)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (15105550147, pa.int64(), "15105550147"),
        (15105550147.0, pa.float64(), "15105550147"),
        (2**53 + 1, pa.int64(), "9007199254740993"),
        (1.5, pa.float64(), "1.5"),
        (float("nan"), pa.float64(), ""),
        (float("inf"), pa.float64(), "inf"),
        (None, pa.int64(), ""),
        (True, pa.bool_(), "true"),
        (False, pa.bool_(), "false"),
        (Decimal("15105550147.00"), pa.decimal128(20, 2), "15105550147"),
        (Decimal("1.50"), pa.decimal128(20, 2), "1.50"),
        (b"Zo\xc3\xab\xff", pa.binary(), "Zoë\N{REPLACEMENT CHARACTER}"),
        ("x", pa.dictionary(pa.int32(), pa.string()), "x"),
        ("Zoë", pa.large_string(), "Zoë"),
        (date(2026, 4, 12), pa.date32(), "2026-04-12"),
        (
            datetime(2026, 4, 12, 15, 30, tzinfo=UTC),
            pa.timestamp("us", "UTC"),
            "2026-04-12T15:30:00+00:00",
        ),
        (time(15, 30), pa.time64("us"), "15:30:00"),
        (timedelta(hours=30), pa.duration("s"), "30:00:00"),
        ([1, None], pa.list_(pa.int64()), "[1,null]"),
        ([{"tag_id": 5}], pa.list_(pa.struct([("tag_id", pa.int64())])), '[{"tag_id":5}]'),
        (
            {"a": datetime(2026, 4, 12, tzinfo=UTC)},
            pa.struct([("a", pa.timestamp("ns", "UTC"))]),
            '{"a":"2026-04-12T00:00:00+00:00"}',
        ),
    ],
)  # fmt: skip
def test_a_cell_is_text(value, kind, text):
    table = pa.table({"it": pa.array([value], kind)})

    assert read(parquet_of(table)) == [{"it": text}]


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_times_that_python_does_not_have_are_text(zone):
    stamps = [253_402_343_999 * 10**6, 0, None, -(2**62)]
    table = pa.table({"it": pa.array(stamps, pa.timestamp("us", zone))})

    found = [row["it"] for row in read(parquet_of(table))]

    assert found[0].startswith("10000-01-01 11:59:59")
    assert found[1].startswith("1970-01-01T00:00:00")
    assert found[2] == ""
    assert "-" in found[3]  # Arrow's own text


def test_a_text_that_is_not_utf_8_is_damage():
    texts = pa.StringArray.from_buffers(
        1, pa.array([b"Zo\xeb"]).buffers()[1], pa.py_buffer(b"Zo\xeb")
    )

    with pytest.raises(ValueError, match="The Parquet file is damaged"):
        read(parquet_of(pa.table({"it": texts})))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8")), st.integers(-(2**63), 2**63 - 1)),
        max_size=20,
    )
)
def test_texts_and_numbers_arrive_as_they_are(rows):
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.Int64}, orient="row")
    file = io.BytesIO()
    frame.write_parquet(file)

    assert read(file.getvalue()) == [{"a": text, "b": str(number)} for text, number in rows]


def test_the_index_of_pandas_is_left_out():
    frame = pd.DataFrame({"phone": [1.0, None], "first": ["a", None]}, index=[7, 9])
    file = io.BytesIO()
    frame.to_parquet(file)

    assert "__index_level_0__" in pq.ParquetFile(file).schema_arrow.names
    assert read(file.getvalue()) == [{"phone": "1", "first": "a"}, {"phone": "", "first": ""}]


def test_rows_are_numbered_through_all_batches():
    count = 12_345
    content = parquet_of(pa.table({"n": range(1, count + 1)}))

    rows = list(parquet.read(io.BytesIO(content)))

    assert [(row.number, row.cells[0]) for row in rows] == [
        (number, str(number)) for number in range(1, count + 1)
    ]


def test_two_columns_may_have_one_name():
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["x", "x"])

    read_table = parquet.read(io.BytesIO(parquet_of(table)))

    assert read_table.headings == ["x", "x"]
    assert [list(row.cells) for row in read_table] == [["a", "b"]]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"x" * 99 + b"PAR1", b"phone\n1\n"])
def test_a_file_that_is_damaged_is_refused(content):
    with pytest.raises(ValueError, match=r"The Parquet file is damaged\. Write it again\."):
        read(content)


def test_damage_behind_the_first_rows_is_named():
    content = bytearray(parquet_of(pa.table({"n": [f"{n:050}" for n in range(50_000)]})))
    content[4 : len(content) // 2] = b"\xff" * (len(content) // 2 - 4)

    with pytest.raises(ValueError, match="The Parquet file is damaged"):
        read(bytes(content))


def test_a_file_without_columns_is_refused():
    file = io.BytesIO()
    pd.DataFrame(index=[5, 7]).to_parquet(file)

    with pytest.raises(ValueError, match="has no columns"):
        read(file.getvalue())


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(ValueError, match="needs the extra parquet: pip install pyarrow"):
        read(b"")

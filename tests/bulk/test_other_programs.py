"""Every column and every text of an export is found again after other programs."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from heymarket_async import ContactField
from heymarket_async.bulk import Csv, Parquet, Sqlite
from heymarket_async.bulk.headings import compared, ids_by_heading
from heymarket_async.bulk.kind import COLUMNS
from heymarket_async.bulk.sinks.tables import as_it_was
from tests.bulk import table_tools as tools
from tests.bulk.test_files import contact, written

pytestmark = pytest.mark.unmeasured

TITLES = [
    "Plan", "Plan ", "plan", "Plan  name", "Plan name", "Email Suppressions", "Assignee ID",
    "Display Name", "E mail", "E-mail", "Phone", "Tags", "'=x", "=x", "two\nlines", "", "Notes;=1",
    "custom", "id", "007", "2026-04-12", "True", "Größe (cm)", "other", "nan", "NULL", "N/A",
    "2024",
]  # fmt: skip
FIELDS = [ContactField(id=number, title=title) for number, title in enumerate(TITLES, 123)]
NAMES = [
    "Zoë", "=1+1", "'=1+1", "''@x", "a;=b", "a;'=b", 'quo"te', "王", "O'Neil", "'", "line\nbreak",
    "tab\there", " padded ", "-", "'-5", "x,y", "🎉",
]  # fmt: skip
SINKS = {".csv": Csv, ".parquet": Parquet, ".db": Sqlite}

TRIPS: list[tuple[str, tools.Tool, str]] = [
    (".csv", tools.as_it_is, ".csv"),
    (".csv", tools.pandas_as_people_use_it, ".csv"),
    (".csv", tools.pandas_as_people_use_it, ".jsonl"),
    (".csv", tools.pandas_as_people_use_it, ".xlsx"),
    (".csv", tools.pandas_of_text, ".csv"),
    (".parquet", tools.pandas_of_parquet, ".csv"),
    (".parquet", tools.pandas_of_parquet, ".parquet"),
    (".db", tools.pandas_of_sqlite, ".csv"),
    (".csv", tools.polars, ".csv"),
    (".csv", tools.polars, ".jsonl"),
    (".csv", tools.polars, ".xlsx"),
    (".parquet", tools.polars, ".csv"),
    (".csv", tools.in_duckdb, ".csv"),
    (".csv", tools.in_duckdb, ".jsonl"),
    (".csv", tools.in_duckdb, ".parquet"),
    (".parquet", tools.in_duckdb, ".csv"),
    (".csv", tools.in_pyarrow, ".csv"),
    (".csv", tools.in_pyarrow, ".parquet"),
    (".parquet", tools.in_pyarrow, ".csv"),
    (".csv", tools.in_openpyxl, ".xlsx"),
    (".csv", tools.sqlite_utils, ".csv"),
    (".db", tools.sqlite_utils, ".csv"),
    (".csv", tools.libreoffice, ".csv"),
    (".csv", tools.libreoffice, ".xlsx"),
    (".csv", tools.libreoffice, ".ods"),
]


@pytest.mark.parametrize(
    ("kind", "tool", "ending"),
    TRIPS,
    ids=[f"{one}-{tool.__name__}-{to}" for one, tool, to in TRIPS],
)
def test_every_column_and_every_text_is_found_again(kind, tool, ending, tmp_path):
    if tool is tools.libreoffice and tools.SOFFICE is None:
        pytest.skip("LibreOffice is not installed")
    # The bare reader of .ods leaves tabs out; an import does not.
    names = [name for name in NAMES if ending != ".ods" or "\t" not in name]
    custom = {str(field.id): f"text {field.id}" for field in FIELDS}
    people = [
        contact(id=number, first=name, phone=f"1510555{number:04}", custom=custom)
        for number, name in enumerate(names)
    ]
    source, target = tmp_path / f"export{kind}", tmp_path / f"after{ending}"
    written(SINKS[kind](source), *people, fields=FIELDS)

    tool(source, target)

    headings, *rows = _table(target)
    ids = ids_by_heading(FIELDS)
    found = {
        field_id: heading
        for heading in headings
        if heading not in {*COLUMNS, ""} and (field_id := ids.get(compared(heading)))
    }
    assert list(found) == list(custom)
    assert {"id", "rev", "updated", "first", "phone"} < set(headings)
    undo = as_it_was if kind == ".csv" else str
    for name, row in zip(names, rows, strict=True):
        cells = dict(zip(headings, row, strict=True))
        assert undo(cells["first"]) == name
        assert {field_id: cells[heading] for field_id, heading in found.items()} == custom


def _table(path: Path) -> list[list[str]]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [list(rows[0]), *(list(row.values()) for row in rows)]
    if path.suffix == ".parquet":
        table = pl.read_parquet(path)
        return [table.columns, *map(list, table.rows())]
    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    # The format has no integers.
    return [[str(int(cell) if isinstance(cell, float) else cell) for cell in row] for row in rows]

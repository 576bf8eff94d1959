"""Programs that people put an export through before they import it again."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import polars as pl
import pyarrow.csv
import pyarrow.parquet

Tool = Callable[[Path, Path], object]
"""Reads the first file and writes the second."""

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")

_UTF_8 = "44,34,76,1"
"""LibreOffice's words for: commas, double quotes, UTF-8, from the first line on."""


def as_it_is(source: Path, target: Path) -> None:
    shutil.copy(source, target)


def pandas_as_people_use_it(source: Path, target: Path) -> None:
    _pandas_write(pd.read_csv(source), target, index=True)


def pandas_of_text(source: Path, target: Path) -> None:
    _pandas_write(pd.read_csv(source, dtype=str, keep_default_na=False), target, index=False)


def pandas_all_text(source: Path, target: Path) -> None:
    """Make everything text, also the empty cells."""
    _pandas_write(pd.read_csv(source).astype(object).map(str), target, index=False)


def pandas_of_xlsx(source: Path, target: Path) -> None:
    _pandas_write(pd.read_excel(source, engine="openpyxl"), target, index=False)


def pandas_of_parquet(source: Path, target: Path) -> None:
    _pandas_write(pd.read_parquet(source), target, index=True)


def pandas_of_sqlite(source: Path, target: Path) -> None:
    database = sqlite3.connect(source)
    try:
        _pandas_write(pd.read_sql("SELECT * FROM current_contacts", database), target, index=False)
    finally:
        database.close()


def pandas_of_json(source: Path, target: Path) -> None:
    pd.read_json(source, lines=True).to_json(target, orient="records", lines=True)


def _pandas_write(table: pd.DataFrame, target: Path, *, index: bool) -> None:
    if target.suffix == ".xlsx":
        table.to_excel(target, index=index)
    elif target.suffix == ".parquet":
        table.to_parquet(target, index=index)
    elif target.suffix == ".jsonl":
        table.to_json(target, orient="records", lines=True, date_format="iso")
    else:
        table.to_csv(target, index=index)


def polars(source: Path, target: Path) -> None:
    is_csv = source.suffix == ".csv"
    table = pl.read_csv(source, infer_schema_length=None) if is_csv else pl.read_parquet(source)
    if target.suffix in {".csv", ".xlsx"}:  # they have no lists
        lists = [each for each in table.iter_columns() if each.dtype == pl.List]
        table = table.with_columns([pl.Series(each.name, _as_json(each)) for each in lists])
    write = {
        ".csv": table.write_csv,
        ".parquet": table.write_parquet,
        ".xlsx": table.write_excel,
        ".jsonl": table.write_ndjson,
    }
    write[target.suffix](target)


def _as_json(lists: Iterable[object]) -> list[str | None]:
    return [None if each is None else json.dumps(list(each)) for each in lists]


def in_duckdb(source: Path, target: Path) -> None:
    form = {".csv": "csv, header", ".parquet": "parquet", ".jsonl": "json"}[target.suffix]
    with duckdb.connect() as database:
        database.execute(f"COPY (FROM '{source}') TO '{target}' (FORMAT {form})")


def in_pyarrow(source: Path, target: Path) -> None:
    if source.suffix == ".csv":
        several_lines = pyarrow.csv.ParseOptions(newlines_in_values=True)
        table = pyarrow.csv.read_csv(source, parse_options=several_lines)
    else:
        table = pyarrow.parquet.read_table(source)
    if target.suffix == ".csv":
        for place, field in enumerate(table.schema):
            if pyarrow.types.is_list(field.type):
                texts = _as_json(table.column(place).to_pylist())
                table = table.set_column(place, field.name, pyarrow.array(texts, pyarrow.string()))
        pyarrow.csv.write_csv(table, target)
    else:
        pyarrow.parquet.write_table(table, target)


def in_openpyxl(source: Path, target: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    with source.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            sheet.append(row)
    book.save(target)


def sqlite_utils(source: Path, target: Path) -> None:
    """Put CSV into a database, or take the contacts out of ours, and write CSV."""
    database, table = source, "current_contacts"
    if source.suffix == ".csv":
        database, table = target.with_suffix(".mine"), "contacts"
        _run(sys.executable, "-m", "sqlite_utils", "insert", database, table, source, "--csv")
    target.write_bytes(_run(sys.executable, "-m", "sqlite_utils", "rows", database, table, "--csv"))


def libreoffice(source: Path, target: Path) -> None:
    """Open a file, and save it in another format."""
    folder = target.with_suffix(".folder")
    kind = target.suffix[1:]
    form = f"csv:Text - txt - csv (StarCalc):{_UTF_8}" if kind == "csv" else kind
    reading = [f"--infilter=CSV:{_UTF_8}"] if source.suffix == ".csv" else []
    profile = f"-env:UserInstallation={(target.parent / 'profile').as_uri()}"
    options = ["--headless", profile, *reading, "--convert-to", form, "--outdir", folder]
    _run(SOFFICE, *options, source)
    (folder / source.with_suffix(target.suffix).name).replace(target)


def _run(*command: object) -> bytes:
    done = subprocess.run(list(map(str, command)), check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout

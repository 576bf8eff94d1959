"""An export that went through a program comes back with every contact and every field."""

from __future__ import annotations

from pathlib import Path

import pytest

from heymarket_async.bulk.sinks.tables import as_it_was
from heymarket_async.sandbox.records import Record, Tag
from tests.bulk import table_tools as tools
from tests.stories.trips import FIELDS, Trip

pytestmark = pytest.mark.unmeasured

NAMES = [
    ("Zoë", "Álvarez"), ("=1+1", "-Bob"), ("'=1+1", "''@x"), ("a;=b", "a;'=b"), ('quo"te', "a,b"),
    ("王", "🎉"), ("O'Neil", "'"), ("Null", "N"), ("tab\there", "semi;colon"), ("line\nbreak", "x"),
]  # fmt: skip
"""Names that every program keeps, and that spreadsheets do not run."""

ODD = [
    "nul\0", " padded ", "cr\rhere", "crlf\r\nhere", "007", "1.0", "1e5", "true", "2026-04-12",
    "1/2", "N/A", "\ufeffx", "''=1", "a\t'=1", " ",
    "12345678901234567890", "+15105550147", "-5", "=1", "\\u0000", "\u200b", '"', "trail\n", "",
]  # fmt: skip
"""Texts that some programs change."""


def _person(number: int, first: str = "Jordan", last: str = "Lee", **fields: object) -> Record:
    is_rich = number % 2 == 0
    return Record(
        id=20_000 + number,
        phone=f"1510555{1000 + number}",
        first=first,
        last=last,
        email=f"person{number}@example.com" if is_rich else None,
        display_name=f"{first} {last}",
        avatar="https://example.com/a.jpg" if is_rich else None,
        assigned_user_id=4203 if is_rich else None,
        tags=[Tag(id=1, tag_id=55), Tag(id=2, tag_id=56)] if is_rich else [],
        **{"custom": {}, "is_opted_out": number % 3 == 0, **fields},
    )


def _people() -> list[Record]:
    """People with usual texts in all custom fields, one after the other and all together."""
    people = [_person(number, *name) for number, name in enumerate(NAMES)]
    for place, key in enumerate(FIELDS):
        people.append(_person(len(people), custom={str(key): f"value {place}"}))
    says = {"Opt Out": "yes", "Unsubscribed": "unsubscribed", "Accepts SMS Marketing": "no"}
    people.append(
        _person(
            len(people),  # not opted out: only `is_opted_out` says so in an export
            custom={str(key): says[title] for key, title in FIELDS.items() if title in says},
            is_opted_out=False,
        )
    )
    everything = {str(key): f"text of {key}" for key in FIELDS}
    return [*people, _person(len(people), custom=everything)]


@pytest.fixture
def trip(tmp_path: Path) -> Trip:
    return Trip(tmp_path, _people())


TRIPS: dict[str, tuple[str, tools.Tool, str]] = {
    "CSV": ("csv", tools.as_it_is, "csv"),
    "JSON Lines": ("jsonl", tools.as_it_is, "jsonl"),
    "Parquet": ("parquet", tools.as_it_is, "parquet"),
    "SQLite": ("db", tools.as_it_is, "db"),
    "pandas, CSV": ("csv", tools.pandas_as_people_use_it, "csv"),
    "pandas, JSON Lines": ("csv", tools.pandas_as_people_use_it, "jsonl"),
    "pandas, .xlsx": ("csv", tools.pandas_as_people_use_it, "xlsx"),
    "pandas, CSV to Parquet": ("csv", tools.pandas_as_people_use_it, "parquet"),
    "pandas, CSV of text to Parquet": ("csv", tools.pandas_of_text, "parquet"),
    "pandas, CSV with words for empty cells": ("csv", tools.pandas_all_text, "csv"),
    "pandas, .xlsx with words for empty cells": ("csv", tools.pandas_all_text, "xlsx"),
    "pandas, JSON Lines with words for empty cells": ("csv", tools.pandas_all_text, "jsonl"),
    "pandas, .xlsx to CSV": ("xlsx", tools.pandas_of_xlsx, "csv"),
    "pandas, .xlsx to JSON Lines": ("xlsx", tools.pandas_of_xlsx, "jsonl"),
    "pandas, .xlsx to Parquet": ("xlsx", tools.pandas_of_xlsx, "parquet"),
    "pandas, Parquet to JSON Lines": ("parquet", tools.pandas_of_parquet, "jsonl"),
    "pandas, CSV of text": ("csv", tools.pandas_of_text, "csv"),
    "pandas, Parquet to CSV": ("parquet", tools.pandas_of_parquet, "csv"),
    "pandas, Parquet": ("parquet", tools.pandas_of_parquet, "parquet"),
    "pandas, SQLite to CSV": ("db", tools.pandas_of_sqlite, "csv"),
    "pandas, JSON Lines of JSON Lines": ("jsonl", tools.pandas_of_json, "jsonl"),
    "polars, CSV": ("csv", tools.polars, "csv"),
    "polars, JSON Lines": ("csv", tools.polars, "jsonl"),
    "polars, .xlsx": ("csv", tools.polars, "xlsx"),
    "polars, CSV to Parquet": ("csv", tools.polars, "parquet"),
    "polars, Parquet to JSON Lines": ("parquet", tools.polars, "jsonl"),
    "polars, Parquet": ("parquet", tools.polars, "parquet"),
    "polars, Parquet to CSV": ("parquet", tools.polars, "csv"),
    "duckdb, CSV": ("csv", tools.in_duckdb, "csv"),
    "duckdb, JSON Lines": ("csv", tools.in_duckdb, "jsonl"),
    "duckdb, CSV to Parquet": ("csv", tools.in_duckdb, "parquet"),
    "duckdb, Parquet to JSON Lines": ("parquet", tools.in_duckdb, "jsonl"),
    "duckdb, Parquet": ("parquet", tools.in_duckdb, "parquet"),
    "duckdb, Parquet to CSV": ("parquet", tools.in_duckdb, "csv"),
    "pyarrow, CSV": ("csv", tools.in_pyarrow, "csv"),
    "pyarrow, CSV to Parquet": ("csv", tools.in_pyarrow, "parquet"),
    "pyarrow, Parquet": ("parquet", tools.in_pyarrow, "parquet"),
    "pyarrow, Parquet to CSV": ("parquet", tools.in_pyarrow, "csv"),
    "openpyxl, .xlsx": ("csv", tools.in_openpyxl, "xlsx"),
    "sqlite-utils, CSV": ("csv", tools.sqlite_utils, "csv"),
    "sqlite-utils, SQLite to CSV": ("db", tools.sqlite_utils, "csv"),
    "JSON Lines, .gz": ("jsonl.gz", tools.as_it_is, "jsonl.gz"),
    "JSON Lines, .zst": ("jsonl.zst", tools.as_it_is, "jsonl.zst"),
    "LibreOffice, CSV": ("csv", tools.libreoffice, "csv"),
    "LibreOffice, .xlsx": ("csv", tools.libreoffice, "xlsx"),
    "LibreOffice, .ods": ("csv", tools.libreoffice, "ods"),
}

RAW = {"Parquet to CSV", "SQLite to CSV"}
"""In these, a text with an apostrophe before a formula looks like one that an export made
harmless."""


@pytest.mark.parametrize("name", TRIPS)
def test_every_contact_comes_back_with_every_field(name, trip):
    kind, tool, ending = TRIPS[name]
    if tool is tools.libreoffice and tools.SOFFICE is None:
        pytest.skip("LibreOffice is not installed")
    path = trip.folder / f"after.{ending}"
    tool(trip.export(kind), path)

    arrived = trip.imported(path)

    assert arrived.keys() == trip.sent.keys()
    is_raw = name.split(", ")[-1] in RAW
    for phone, sent in trip.sent.items():
        assert arrived[phone] == (_without_apostrophes(sent) if is_raw else sent)


def _without_apostrophes(fields: dict[str, object]) -> dict[str, object]:
    return {
        name: as_it_was(value) if isinstance(value, str) else value
        for name, value in fields.items()
    }


@pytest.mark.parametrize(
    ("tool", "ending"),
    [(tools.as_it_is, "xlsx"), (tools.libreoffice, "xlsx"), (tools.libreoffice, "csv")],
)
def test_a_spreadsheet_keeps_odd_texts_of_the_xlsx_export(tool, ending, tmp_path):
    if tool is tools.libreoffice and tools.SOFFICE is None:
        pytest.skip("LibreOffice is not installed")
    texts = [text for text in ODD if not set(text) & set("\0\r\ufeff\u200b")]
    people = [_person(number, custom={"123": text}) for number, text in enumerate(texts)]
    trip = Trip(tmp_path, people)
    path = tmp_path / f"after.{ending}"
    tool(trip.export("xlsx"), path)

    assert trip.imported(path) == trip.sent


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "db"])
def test_odd_texts_come_back_from_an_export_as_it_is(kind, tmp_path):
    people = [_person(number, custom={"123": text, "124": text}) for number, text in enumerate(ODD)]
    trip = Trip(tmp_path, people)

    assert trip.imported(trip.export(kind)) == trip.sent

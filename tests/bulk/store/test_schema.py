"""The views of an SQLite file show every value whole."""

from __future__ import annotations

import json
import sqlite3

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heymarket_async import ContactField
from heymarket_async.bulk.kind import CONTACT, CONVERSATION, MESSAGE
from heymarket_async.bulk.sinks.tables import Table
from heymarket_async.bulk.store import schema
from heymarket_async.bulk.store.database import records

PLAN = ContactField(id=123, title="Plan")
texts = st.text("\0\\u0/\"'abé🎉", max_size=8)
values = texts | st.integers() | st.booleans() | st.lists(texts, max_size=2)


@given(
    st.lists(
        st.fixed_dictionaries({"first": texts, "phone": texts | st.integers(0, 9**9)}).flatmap(
            lambda person: st.fixed_dictionaries(
                {
                    **{name: st.just(value) for name, value in person.items()},
                    "is_opted_out": st.booleans(),
                    "tags": st.lists(texts, max_size=2),
                    "custom": st.fixed_dictionaries({"123": values}),
                }
            )
        ),
        max_size=3,
    )
)
def test_the_views_show_the_cells_that_a_table_has(people):
    lines = [
        json.dumps({"id": number, "updated": "2026-04-12T15:30:00Z", **person}).encode()
        for number, person in enumerate(people)
    ]
    database = sqlite3.connect(":memory:")
    try:
        database.executescript(schema.NEW_FILE)
        database.executemany(schema.INSERT.format(name="contacts"), records(lines))
        for statement in schema.views([PLAN]):
            database.execute(statement)
        shown = database.execute("SELECT * FROM current_contacts ORDER BY id").fetchall()
        opted_out = database.execute("SELECT id FROM opted_out_contacts ORDER BY id").fetchall()
    finally:
        database.close()

    table = Table([PLAN])
    wanted = [dict(zip(table.columns, table.row(line), strict=True)) for line in lines]
    names = [name for name, _ in table.paths]
    for cells, row in zip(wanted, shown, strict=True):
        for name, value in zip(names, row, strict=True):
            assert _as_text(value) == _as_text(cells[name]), name
    assert opted_out == [(row["id"],) for row in wanted if row["is_opted_out"]]


@pytest.mark.parametrize("kind", [CONTACT, MESSAGE, CONVERSATION])
def test_duckdb_reads_each_view_and_leaves_json_to_sqlite(kind):
    with duckdb.connect() as database:
        for statement in schema.table(kind):
            database.execute(statement)
        statements = [each for each in schema.views([PLAN], kind) if "CREATE" in each]
        plain, with_nul, current, *_ = statements
        for statement in statements:
            assert len(database.extract_statements(statement)) == 1
        for statement, lacks in ((plain, "likely"), (with_nul, "zeroblob")):
            # Written anew by DuckDB, a UNION has brackets that SQLite does not read.
            assert "UNION" not in statement
            with pytest.raises(duckdb.CatalogException, match=f"Function with name {lacks} does"):
                database.execute(statement)
        assert "json_extract" not in current


def _as_text(value: object) -> object:
    """SQLite has no booleans, shows numbers as they were sent, and writes JSON its own way."""
    if value in {True, "true"}:
        return 1
    if value in {False, "false"}:
        return 0
    if isinstance(value, str) and value[:1] == "[":
        return json.loads(value)
    return int(value) if isinstance(value, str) and value.lstrip("-").isdecimal() else value

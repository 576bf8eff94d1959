#!/usr/bin/env bash
# Version: duckdb 1.5.5, with the extension sqlite_scanner of duckdb-extension-sqlite-scanner 1.5.5.
# Seen: the views of an attached SQLite file are run by DuckDB. A view with `json_extract` gives texts in quotes,
#   and 'null' for a null. A view that DuckDB cannot parse, such as one with `char(0)`, breaks `SHOW TABLES` and
#   `information_schema.tables` for all files. Only a view that parses and calls a function that DuckDB lacks is
#   left to SQLite, and then not as it is, but as DuckDB writes it anew: a UNION gets brackets that SQLite refuses.
# Guessed: that SQLite runs the views of its own file, as it does for every other program.
# Matters: the views of an export are made of `json_extract`. `dbt run` with such a file attached failed before its
#   first model. The views are now made so that DuckDB leaves them to SQLite.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check duckdb==1.5.5 duckdb-extension-sqlite-scanner==1.5.5
cd "$folder"
"$folder/venv/bin/python" - <<'END'
import sqlite3
import sys
from pathlib import Path

import duckdb
import duckdb_extension_sqlite_scanner as package

(EXTENSION,) = Path(package.__file__).parent.rglob("*.duckdb_extension")
SELECT = "SELECT json_extract(json, '$.first') AS first FROM contacts"
VIEWS = {
    "plain": SELECT,
    "with likely": f"{SELECT} WHERE likely(1)",
    "with likely and union": f"{SELECT} WHERE likely(1) UNION ALL {SELECT} WHERE likely(0)",
    "with char": f"{SELECT} WHERE json <> char(0)",
}
EXPECTED = {
    "plain": ("""[('"Ada"',), ('null',)]""", "listed"),
    "with likely": ("[('Ada',), (None,)]", "listed"),
    "with likely and union": ("raises", "raises"),
    "with char": ("raises", "raises"),
}


def seen(query: str) -> tuple[str, str]:
    """Return the rows of a view as DuckDB reads it, and whether it lists a table of its own then."""
    Path("file.db").unlink(missing_ok=True)
    file = sqlite3.connect("file.db")
    file.execute("CREATE TABLE contacts (json TEXT)")
    file.executemany("INSERT INTO contacts VALUES (?)", [('{"first":"Ada"}',), ('{"first":null}',)])
    file.execute(f"CREATE VIEW firsts AS {query}")
    file.commit()
    assert file.execute("SELECT * FROM firsts").fetchall() == [("Ada",), (None,)]
    file.close()
    database = duckdb.connect()
    database.execute(f"LOAD '{EXTENSION}'")
    database.execute("ATTACH 'file.db' AS file (TYPE sqlite, READ_ONLY)")
    database.execute("CREATE TABLE own (id INTEGER)")
    return tuple(tried(database, each) for each in ("FROM file.firsts", "SHOW TABLES"))


def tried(database: duckdb.DuckDBPyConnection, query: str) -> str:
    try:
        rows = database.execute(query).fetchall()
    except duckdb.Error:
        return "raises"
    return "listed" if rows == [("own",)] else str(rows)


changed = False
for name, query in VIEWS.items():
    rows, tables = seen(query)
    print(f"{name:22} {rows:22} SHOW TABLES: {tables}")
    changed |= (rows, tables) != EXPECTED[name]
if changed:
    sys.exit("the behaviour changed")
END

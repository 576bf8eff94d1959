#!/usr/bin/env bash
# Version: duckdb 1.5.5, with the extension sqlite_scanner of duckdb-extension-sqlite-scanner 1.5.5.
# Seen: one query over a table of an attached SQLite file reads several states of it, if the table has more than
#   about 120,000 rows and another program writes meanwhile: the rows of one commit are there at one end of the
#   table, and those of another at its other end. A transaction does not help. With one thread (`SET threads = 1`) a
#   query reads one state.
# Guessed: that a query, at least within a transaction, reads one state, as it does in SQLite and in DuckDB alone.
# Matters: a sync writes to its file while others read it. Sums and joins over a large account can be of no moment.
#   Copy the file first (`VACUUM INTO` of SQLite), or use one thread.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check duckdb==1.5.5 duckdb-extension-sqlite-scanner==1.5.5
cd "$folder"
cat > write.py <<'END'
import sqlite3

file = sqlite3.connect("file.db", isolation_level=None)
number = 0
while True:
    number += 1
    file.execute("UPDATE rows SET number = ? WHERE id IN (1, 400000)", (number,))
END
"$folder/venv/bin/python" - <<'END'
import sqlite3
import subprocess
import sys
from pathlib import Path

import duckdb
import duckdb_extension_sqlite_scanner as package

(EXTENSION,) = Path(package.__file__).parent.rglob("*.duckdb_extension")
QUERIES = 30
TORN = "SELECT min(number) <> max(number) FROM file.rows WHERE id + 0 IN (1, 400000)"

file = sqlite3.connect("file.db", isolation_level=None)
file.execute("PRAGMA journal_mode = WAL")
file.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, number INTEGER NOT NULL)")
file.execute("BEGIN")
file.executemany("INSERT INTO rows VALUES (?, 0)", ((number,) for number in range(1, 400_001)))
file.execute("COMMIT")
file.close()


def torn(threads: int, *, in_transaction: bool) -> int:
    """Return how many of the queries read two states."""
    database = duckdb.connect(config={"threads": threads})
    database.execute(f"LOAD '{EXTENSION}'")
    database.execute("ATTACH 'file.db' AS file (TYPE sqlite, READ_ONLY)")
    count = 0
    for _ in range(QUERIES):
        if in_transaction:
            database.execute("BEGIN")
        count += database.execute(TORN).fetchone()[0]
        if in_transaction:
            database.execute("COMMIT")
    database.close()
    return count


writer = subprocess.Popen([sys.executable, "write.py"])
try:
    seen = {
        "4 threads": torn(4, in_transaction=False),
        "4 threads, in a transaction": torn(4, in_transaction=True),
        "1 thread": torn(1, in_transaction=False),
    }
finally:
    writer.kill()
    writer.wait()
for name, count in seen.items():
    print(f"{name:28} {count} of {QUERIES} queries read two states")
if not (seen["4 threads"] and seen["4 threads, in a transaction"]) or seen["1 thread"]:
    sys.exit("the behaviour changed")
END

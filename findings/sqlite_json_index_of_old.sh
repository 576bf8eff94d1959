#!/usr/bin/env bash
# Versions: apsw 3.44.2.0 and 3.54.1.0, which bring SQLite 3.44.2 and 3.54.1.
# Seen: up to 3.44, `->>` and `json_extract` end a JSON string at its first "\u0000", though `->` shows it
#   whole. From 3.45 on they give it whole. So an index on such an expression, made by the older one, does
#   not fit in the newer one, and the other way round: one condition finds three rows with the index
#   and one without it, and `integrity_check` says "row 1 missing from index". `REINDEX` repairs it.
# Guessed: that a database file gives the same answers in every SQLite that opens it, because only functions
#   that are called deterministic may be indexed. Or that a file which no longer fits is refused.
# Matters: the copy of an account is a SQLite file with the JSON of each contact. Our command writes it with
#   the SQLite of its Python, and people open it with other programs. A name or a note may hold "\u0000".
#   So the views of the copy put such texts together themselves, and none of its indexes is on JSON.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
for version in 3.44.2.0 3.54.1.0; do
    "$folder/venv/bin/pip" install -q --disable-pip-version-check --target "$folder/$version" "apsw==$version"
done
cd "$folder"
"$folder/venv/bin/python" - <<'END'
import json
import os
import subprocess
import sys

OLD, NEW = "3.44.2.0", "3.54.1.0"
RUN = """
import json, sys, apsw
connection = apsw.Connection(sys.argv[1])
print(json.dumps([list(connection.execute(statement)) for statement in sys.argv[2:]]))
"""
MAKE = (
    "CREATE TABLE contacts (id, json)",
    "CREATE INDEX by_name ON contacts (json ->> 'name')",
    r"""INSERT INTO contacts VALUES (1, '{"name":"Jo\u0000Ann"}'), (2, '{"name":"Jo"}'),"""
    r""" (3, '{"name":"Jo\u0000el"}')""",
)
FIND = "SELECT group_concat(id) FROM contacts {} WHERE json ->> 'name' = 'Jo'"
ASK = (
    "SELECT hex(json ->> 'name') FROM contacts WHERE id = 1",
    FIND.format("INDEXED BY by_name"),
    FIND.format("NOT INDEXED"),
    "PRAGMA integrity_check",
)


def run(version: str, file: str, *statements: str) -> list:
    """Run the statements on the file with the SQLite of this version; return the rows of each."""
    command = [sys.executable, "-c", RUN, file, *statements]
    environment = {**os.environ, "PYTHONPATH": version}
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)


def ask(title: str, version: str, file: str) -> tuple:
    seen = tuple(" / ".join(row[0] for row in rows) for rows in run(version, file, *ASK))
    print(title, *(f"  {answer}" for answer in seen), sep="\n")
    return seen


CUT, WHOLE = "4A6F", "4A6F00416E6E"
NOT_FIT = "row 1 missing from index by_name / row 3 missing from index by_name"
run(OLD, "old.db", *MAKE)
run(NEW, "new.db", *MAKE)
seen = [
    ask("made and read by the old one", OLD, "old.db"),
    ask("made by the old one, read by the new one", NEW, "old.db"),
    ask("made and read by the new one", NEW, "new.db"),
    ask("made by the new one, read by the old one", OLD, "new.db"),
]
run(NEW, "old.db", "REINDEX")
seen.append(ask("made by the old one, after REINDEX by the new one", NEW, "old.db"))
expected = [
    (CUT, "1,2,3", "1,2,3", "ok"),
    (WHOLE, "1,2,3", "2", NOT_FIT),
    (WHOLE, "2", "2", "ok"),
    (CUT, "2", "1,2,3", NOT_FIT),
    (WHOLE, "2", "2", "ok"),
]
if seen != expected:
    sys.exit("the behaviour changed")
END

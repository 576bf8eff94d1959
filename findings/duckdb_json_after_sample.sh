#!/usr/bin/env bash
# Version: duckdb 2.0.1.
# Seen: `read_json` takes the types of columns from the first 20,480 lines. What comes later and does not
#   fit mostly raises, such as a text among numbers, or a new key. But a column that was null in all of
#   these lines has the type "NULL", and whatever comes later in it is read as null. And a 2.7 in a column
#   of whole numbers becomes 3, a 0.4 becomes 0, and a 2 among true and false becomes true.
# Guessed: that either all of it raises, or nothing. In duckdb 1.3.0 the same file is read without loss.
# Matters: an account is exported oldest first, one contact a line. A field that was begun to be filled
#   in last year is null for the first tens of thousands. It is lost for all, and a count of the rows
#   does not show it. Naming the types (`columns=`), or `sample_size=-1`, keeps all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check duckdb==2.0.1
cd "$folder"
"$folder/venv/bin/python" - <<'END'
import sys
from pathlib import Path

import duckdb

SAMPLE = 20_480


def last_read(early: str, late: str, lines: int = SAMPLE, options: str = "") -> str:
    """Return the type of a column and its value in the last line, after many lines of another."""
    early, late = f'{{"id":1,"v":{early}}}\n', f'{{"id":2,"v":{late}}}\n'
    Path("contacts.jsonl").write_text(early * lines + late)
    try:
        ((kind, value),) = duckdb.sql(
            f"SELECT typeof(v), v FROM read_json('contacts.jsonl'{options}) WHERE id = 2"
        ).fetchall()
    except duckdb.InvalidInputException:
        return "raises"
    return f"{kind}: {value}".replace('"', "")


cases = [
    (("null", '"vip"'), "NULL: None"),
    (("null", "7"), "NULL: None"),
    (("null", '{"plan":"gold"}'), "NULL: None"),
    (("1", "2.7"), "BIGINT: 3"),
    (("1", "0.4"), "BIGINT: 0"),
    (("true", "2"), "BOOLEAN: True"),
    (("1", '"vip"'), "raises"),
    (("null", '"vip"', SAMPLE - 1), "VARCHAR: vip"),
    (("1", "2.7", SAMPLE - 1), "DOUBLE: 2.7"),
    (("null", '"vip"', SAMPLE, ", sample_size = -1"), "VARCHAR: vip"),
]
changed = False
for (early, late, *more), expected in cases:
    seen = last_read(early, late, *more)
    lines = more[0] if more else SAMPLE
    print(f"{lines} x {early:5} then {late:16} {seen} {''.join(map(str, more[1:]))}")
    changed |= seen != expected
if changed:
    sys.exit("the behaviour changed")
END

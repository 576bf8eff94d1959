#!/usr/bin/env bash
# Version: duckdb 2.0.1.
# Seen: if every text of a column is three short numbers with hyphens, `read_json` makes dates of them,
#   although they are JSON texts. In one column, "5-3-1" then "12-1-40" become 2005-03-01 and 2040-01-12:
#   one has the year first, the other last. The other way round, the same "5-3-1" becomes 2001-03-05:
#   it depends on the rows before it. Slashes or dots instead of hyphens stay texts.
# Guessed: that only what JSON writes for dates, such as "2005-03-01", is one; that a column is read in
#   one order, and a value by itself; and that a text in quotes is a text if in doubt.
# Matters: custom fields of contacts hold flat numbers, sizes and codes of shelves. If by chance all look
#   alike, they are changed, and cannot be got back. Two exports of one account, whose contacts came in
#   another order, differ. One more value brings the texts back, and changes the type. Naming the types
#   (`columns=`) helps; `dateformat='iso'` makes the year 5 of "5-3-1".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check duckdb==2.0.1
cd "$folder"
"$folder/venv/bin/python" - <<'END'
import json
import sys
from pathlib import Path

import duckdb


def read(*texts: str) -> list[str]:
    """Return the type that a column of texts is given, and then each of its values."""
    Path("contacts.jsonl").write_text("".join(json.dumps({"v": text}) + "\n" for text in texts))
    rows = duckdb.sql("SELECT typeof(v), CAST(v AS VARCHAR) FROM read_json('contacts.jsonl')")
    kinds, values = zip(*rows.fetchall())
    return [kinds[0], *values]


cases = {
    ("5-3-1", "12-1-40"): ["DATE", "2005-03-01", "2040-01-12"],
    ("12-1-40", "5-3-1"): ["DATE", "2040-01-12", "2001-03-05"],
    ("5-3-1", "2-13-4"): ["DATE", "2005-03-01", "2004-02-13"],
    ("212-5-10",): ["DATE", "0212-05-10"],
    ("5-3-1", "12-1-40", "5-3-x"): ["VARCHAR", "5-3-1", "12-1-40", "5-3-x"],
    ("5/3/1", "12/1/40"): ["VARCHAR", "5/3/1", "12/1/40"],
    ("5.3.1", "12.1.40"): ["VARCHAR", "5.3.1", "12.1.40"],
}
changed = False
for texts, expected in cases.items():
    seen = read(*texts)
    print(f"{', '.join(texts):26} {seen[0]:8} {', '.join(seen[1:])}")
    changed |= seen != expected
if changed:
    sys.exit("the behaviour changed")
END

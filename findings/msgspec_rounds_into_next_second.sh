#!/usr/bin/env bash
# Versions: msgspec 0.22.0, beside Python's datetime, pendulum 3.3.0 and duckdb 2.0.1.
# Seen: a timestamp with more than six digits of a second is rounded by msgspec, half up, and cut by the
#   other three. So 23:59:59.9999999 of 31 December is the first of January to msgspec alone. In the
#   last second of the year 9999 it has nowhere to round to: "Invalid RFC3339 encoded datetime".
# Guessed: that all of them cut, as a clock does. What a text says of a day, an hour or a second should
#   not depend on digits that are thrown away, and a time that was read should not be after the real one.
# Matters: a server written in Go sends nine digits. A "since" that was read by msgspec may be later than
#   the contact it came from, and so step over others of the same microsecond. A row read here and a row
#   loaded by DuckDB differ by a microsecond, so a comparison finds changes where there are none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
    msgspec==0.22.0 pendulum==3.3.0 duckdb==2.0.1
"$folder/venv/bin/python" - <<'END'
import sys
from datetime import datetime

import duckdb
import msgspec
import pendulum


def by_msgspec(text: str) -> datetime:
    return msgspec.json.decode(msgspec.json.encode(text), type=datetime)


def by_duckdb(text: str) -> datetime:
    (read,) = duckdb.execute("SELECT CAST(? AS TIMESTAMP)", [text]).fetchone()
    return read


READERS = {
    "msgspec": by_msgspec,
    "datetime": datetime.fromisoformat,
    "pendulum": pendulum.parse,
    "duckdb": by_duckdb,
}


def told_by_all(text: str) -> dict[str, str]:
    told = {}
    for name, read in READERS.items():
        try:
            told[name] = f"{read(text):%Y-%m-%d %H:%M:%S.%f}"
        except msgspec.ValidationError as error:
            told[name] = str(error)
        print(f"{text}  {name:9}{told[name]}")
    return told


def check(text: str, msgspec_says: str, others_say: str) -> None:
    told = told_by_all(text)
    if told.pop("msgspec") != msgspec_says or set(told.values()) != {others_say}:
        sys.exit("the behaviour changed")


check("2024-12-31T23:59:59.9999999Z", "2025-01-01 00:00:00.000000", "2024-12-31 23:59:59.999999")
check("2024-06-01T12:00:00.000001500Z", "2024-06-01 12:00:00.000002", "2024-06-01 12:00:00.000001")
check("2024-06-01T12:00:00.000001499Z", "2024-06-01 12:00:00.000001", "2024-06-01 12:00:00.000001")
check("9999-12-31T23:59:59.9999999Z", "Invalid RFC3339 encoded datetime", "9999-12-31 23:59:59.999999")
END

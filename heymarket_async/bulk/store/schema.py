"""The tables and views of an SQLite file of contacts, messages and conversations, as SQL."""

from __future__ import annotations

from collections.abc import Sequence

from heymarket_async.bulk.kind import CONTACT, CellType, Kind
from heymarket_async.bulk.sinks.tables import Table
from heymarket_async.models.contact import ContactField

APPLICATION_ID = 0x48657953
VERSION = 1

_MOST_COLUMNS = 2000
"""The limit of SQLite. The values of more fields are in `json` alone."""

TABLE = """
CREATE TABLE IF NOT EXISTS {name} (
    id INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    updated TEXT NOT NULL,
    instant TEXT NOT NULL,
    json TEXT NOT NULL,
    deleted_at TEXT
)"""
"""A table of records; those of all kinds have the same columns."""


def table(kind: Kind) -> list[str]:
    """Return the statements that make the table of a kind, if it is not there."""
    name = kind.plural
    return [
        TABLE.format(name=name),
        f"CREATE UNIQUE INDEX IF NOT EXISTS {name}_by_id ON {name} (id)",
        f"CREATE INDEX IF NOT EXISTS {name}_by_instant ON {name} (instant)",
    ]


NEW_FILE = f"""
BEGIN IMMEDIATE;
{";".join(table(CONTACT))};
CREATE TABLE fields (id INTEGER PRIMARY KEY, title TEXT NOT NULL);
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    started TEXT NOT NULL,
    ended TEXT,
    outcome TEXT NOT NULL,
    kind TEXT,
    added INTEGER,
    changed INTEGER,
    deleted INTEGER,
    contacts INTEGER,
    requests INTEGER,
    doubts TEXT
);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""

DISTRUSTED = "CREATE TEMP TABLE distrusted (id INTEGER PRIMARY KEY)"
"""Records that any other content replaces: their `updated` was ahead of the server's clock."""

_COLUMNS = "id, rev, updated, instant, json"
_IF_NEWER = """
ON CONFLICT (id) DO UPDATE SET
    rev = excluded.rev, updated = excluded.updated, instant = excluded.instant,
    json = excluded.json, deleted_at = NULL
WHERE excluded.instant > instant OR (rev > 0 AND excluded.rev > rev) OR deleted_at IS NOT NULL
    OR (excluded.json <> json AND (
        excluded.instant = ''
        OR (excluded.rev = 0 AND excluded.instant = instant)
        OR instant > ? OR excluded.id IN distrusted
    ))"""

INSERT = f"INSERT INTO {{name}} ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608 - a constant
"""Adds a record to a table."""

UPSERT = INSERT + _IF_NEWER
"""Adds a record, or replaces it as `Version.replaces` says, whose `latest` is the last value."""

UPSERT_REPEATED = f"""
INSERT INTO newest ({_COLUMNS}) SELECT {_COLUMNS} FROM incoming
WHERE id IN (SELECT value FROM json_each(?)) ORDER BY rowid {_IF_NEWER}"""  # noqa: S608 - constants
"""Does so with the contacts of `incoming` that have one of these ids, a list in JSON."""


# In older releases of SQLite, a text in JSON ends at U+0000. So in records that have one, two
# characters that no text has stand for it, and for a backslash: "u0000" may follow one as it is.
_HAS_NUL = "instr(json, '\\u0000')"
_NUL, _BACKSLASH, _U_0000 = "'\ufdd0'", "'\ufdd1'", "CAST(zeroblob(1) AS TEXT)"
_WITHOUT_NUL = f"replace(replace(json, '\\\\', {_BACKSLASH}), '\\u0000', {_NUL})"


def doubts(fields: Sequence[ContactField]) -> list[str]:
    """Return which custom fields have no column in the views."""
    left_out = len(Table(fields).paths) - _MOST_COLUMNS
    if left_out <= 0:
        return []
    has, is_in = ("has", "is in") if left_out == 1 else ("have", "are in")
    return [
        f"SQLite shows {_MOST_COLUMNS:,} columns at most: {left_out:,} of the custom fields {has}"
        f" none in the views, and {is_in} the column `json` of `contacts` alone"
    ]


def views(fields: Sequence[ContactField], kind: Kind = CONTACT) -> list[str]:
    """Return the statements that make the views, with a column for each field but `other`."""
    name = kind.plural
    more = _MORE_VIEWS.get(name, {})
    plain, with_nul, current = f"{name}_plain", f"{name}_with_nul", f"current_{name}"
    return [
        *(f"DROP VIEW IF EXISTS {view}" for view in (*more, current, plain, with_nul)),
        *_in_columns(Table(fields, kind), name, plain, with_nul),
        f"CREATE VIEW {current} AS SELECT * FROM {plain} UNION ALL SELECT * FROM {with_nul}",  # noqa: S608 - constants
        *(f"CREATE VIEW {view} AS {query}" for view, query in more.items()),
    ]


_MORE_VIEWS = {
    "contacts": {
        "changes_by_day": "SELECT day, sum(updated) AS updated, sum(deleted) AS deleted"
        " FROM (SELECT substr(instant, 1, 10) AS day, 1 AS updated, 0 AS deleted FROM contacts"
        " UNION ALL SELECT substr(deleted_at, 1, 10), 0, 1 FROM contacts"
        " WHERE deleted_at IS NOT NULL) GROUP BY day ORDER BY day",
        "opted_out_contacts": "SELECT * FROM current_contacts WHERE is_opted_out",
    },
    "messages": {
        # Several contacts may have the same phone: the latest one counts.
        "archive": "SELECT m.*, c.id AS conversation_id,"
        " json_extract(c.json, '$.name') AS conversation_name,"
        " json_extract(c.json, '$.status') AS conversation_status,"
        " p.id AS contact_id, p.name AS contact_name FROM current_messages AS m"
        " LEFT JOIN conversations AS c ON c.id = json_extract(m.conversation, '$.id')"
        " LEFT JOIN (SELECT json_extract(json, '$.phone') AS phone, max(id) AS id,"
        " json_extract(json, '$.display_name') AS name FROM contacts WHERE deleted_at IS NULL"
        " GROUP BY 1) AS p ON p.phone = m.target"
    },
}
"""The views that are made from others, by the table."""


# DuckDB runs the views of an attached file itself, and its `json_extract` puts texts into quotes.
# It leaves those views to SQLite that call a function which it lacks, such as `likely` and
# `zeroblob`. It then writes their SQL anew, which breaks a UNION. And if it cannot parse one view,
# such as one with `char(0)`, it lists no table of any file.
def _in_columns(table: Table, name: str, plain: str, with_nul: str) -> list[str]:
    """Return the statements that make the views of the records without and with U+0000."""
    shown = table.paths[:_MOST_COLUMNS]
    columns = [f"{_value(path, table.columns[name])} AS {_name(name)}" for name, path in shown]
    whole = [f"{_whole_value(path, table.columns[name])} AS {_name(name)}" for name, path in shown]
    return [
        f"CREATE VIEW {plain} AS SELECT {', '.join(columns)}"  # noqa: S608 - quoted
        f" FROM {name} WHERE likely(deleted_at IS NULL) AND NOT {_HAS_NUL}",
        f"CREATE VIEW {with_nul} AS SELECT {', '.join(whole)}"  # noqa: S608 - quoted
        f" FROM (SELECT json, {_WITHOUT_NUL} AS safe FROM {name}"
        f" WHERE deleted_at IS NULL AND {_HAS_NUL})",
    ]


def _value(path: str, kind: CellType) -> str:
    value = f"json_extract(json, '{path}')"  # only our names and ids: no quotes are in it
    if kind is not int:
        return value
    # A number that is sent as text is one, unless it would not be written like that.
    number = f"CAST({value} AS INTEGER)"
    return f"CASE WHEN CAST({number} AS TEXT) = {value} THEN {number} ELSE {value} END"


def _whole_value(path: str, kind: CellType) -> str:
    """Return the value of a record that has U+0000 in a text."""
    value = _value(path, kind)
    if kind is not str:
        return value
    text = f"replace(replace(json_extract(safe, '{path}'), {_NUL}, {_U_0000}), {_BACKSLASH}, '\\')"
    return f"CASE json_type(json, '{path}') WHEN 'text' THEN {text} ELSE {value} END"


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'

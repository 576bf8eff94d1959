"""The tables and views of an SQLite file of contacts, as SQL."""

from __future__ import annotations

from collections.abc import Sequence

from heymarket_async.bulk.kind import CellType
from heymarket_async.bulk.sinks.tables import Table
from heymarket_async.models.contact import ContactField

APPLICATION_ID = 0x48657953
VERSION = 1

_MOST_COLUMNS = 2000
"""The limit of SQLite. The values of more fields are in `json` alone."""

CONTACTS = """
CREATE TABLE {name} (
    id INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    updated TEXT NOT NULL,
    instant TEXT NOT NULL,
    json TEXT NOT NULL,
    deleted_at TEXT
)"""

NEW_FILE = f"""
BEGIN IMMEDIATE;
{CONTACTS.format(name="contacts")};
CREATE UNIQUE INDEX contacts_by_id ON contacts (id);
CREATE INDEX contacts_by_instant ON contacts (instant);
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
"""Contacts that any other content replaces: their `updated` was ahead of the server's clock."""

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
"""Adds a contact to a table."""

UPSERT = INSERT.format(name="contacts") + _IF_NEWER
"""Adds a contact, or replaces it as `Version.replaces` says, whose `latest` is the last value."""

UPSERT_REPEATED = f"""
INSERT INTO newest ({_COLUMNS}) SELECT {_COLUMNS} FROM incoming
WHERE id IN (SELECT value FROM json_each(?)) ORDER BY rowid {_IF_NEWER}"""  # noqa: S608 - constants
"""Does so with the contacts of `incoming` that have one of these ids, a list in JSON."""


# In older releases of SQLite, a text in JSON ends at U+0000. So in contacts that have one, two
# characters that no text has stand for it, and for a backslash: "u0000" may follow one as it is.
_HAS_NUL = "instr(json, '\\u0000')"
_NUL, _BACKSLASH = "char(64976)", "char(64977)"
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


def views(fields: Sequence[ContactField]) -> list[str]:
    """Return the statements that make the views, with a column for each field but `other`."""
    table = Table(fields)
    shown = table.paths[:_MOST_COLUMNS]
    columns = [f"{_value(path, table.columns[name])} AS {_name(name)}" for name, path in shown]
    whole = [_whole_value(path, table.columns[name]) for name, path in shown]
    return [
        "DROP VIEW IF EXISTS changes_by_day",
        "DROP VIEW IF EXISTS opted_out_contacts",
        "DROP VIEW IF EXISTS current_contacts",
        f"CREATE VIEW current_contacts AS SELECT {', '.join(columns)}"  # noqa: S608 - quoted
        f" FROM contacts WHERE deleted_at IS NULL AND NOT {_HAS_NUL}"
        f" UNION ALL SELECT {', '.join(whole)} FROM (SELECT json, {_WITHOUT_NUL} AS safe"
        f" FROM contacts WHERE deleted_at IS NULL AND {_HAS_NUL})",
        "CREATE VIEW opted_out_contacts AS SELECT * FROM current_contacts WHERE is_opted_out",
        "CREATE VIEW changes_by_day AS SELECT day, sum(updated) AS updated, sum(deleted) AS deleted"
        " FROM (SELECT substr(instant, 1, 10) AS day, 1 AS updated, 0 AS deleted FROM contacts"
        " UNION ALL SELECT substr(deleted_at, 1, 10), 0, 1 FROM contacts"
        " WHERE deleted_at IS NOT NULL) GROUP BY day ORDER BY day",
    ]


def _value(path: str, kind: CellType) -> str:
    value = f"json_extract(json, '{path}')"  # only our names and ids: no quotes are in it
    if kind is not int:
        return value
    # A number that is sent as text is one, unless it would not be written like that.
    number = f"CAST({value} AS INTEGER)"
    return f"CASE WHEN CAST({number} AS TEXT) = {value} THEN {number} ELSE {value} END"


def _whole_value(path: str, kind: CellType) -> str:
    """Return the value of a contact that has U+0000 in a text."""
    value = _value(path, kind)
    if kind is not str:
        return value
    text = f"replace(replace(json_extract(safe, '{path}'), {_NUL}, char(0)), {_BACKSLASH}, '\\')"
    return f"CASE json_type(json, '{path}') WHEN 'text' THEN {text} ELSE {value} END"


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'

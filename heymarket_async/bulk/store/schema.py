"""What an SQLite file of contacts is made of: its tables and views, as SQL."""

from __future__ import annotations

from collections.abc import Sequence

from heymarket_async.bulk.sinks.tables import Kind, Table
from heymarket_async.models import ContactField

APPLICATION_ID = 0x48657953
VERSION = 1

_MOST_COLUMNS = 2000
"""What SQLite takes; what goes beyond stays in `json` alone."""

TABLE = """
CREATE TABLE {name} (
    id INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    updated TEXT NOT NULL,
    instant TEXT NOT NULL,
    json TEXT NOT NULL,
    deleted_at TEXT
)"""
_INDEXES = (
    "CREATE UNIQUE INDEX contacts_by_id ON contacts (id)",
    "CREATE INDEX contacts_by_instant ON contacts (instant)",
)
_RUNS = """
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
)"""
ALL = (
    TABLE.format(name="contacts"),
    *_INDEXES,
    "CREATE TABLE fields (id INTEGER PRIMARY KEY, title TEXT NOT NULL)",
    "CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    _RUNS,
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)
DROP_VIEWS = tuple(
    f"DROP VIEW IF EXISTS {view}"
    for view in ("changes_by_day", "opted_out_contacts", "current_contacts")
)
DISTRUSTED = "CREATE TEMP TABLE distrusted (id INTEGER PRIMARY KEY)"
"""Contacts that whatever is met next replaces: what they have was stamped ahead when it came."""

INSERT = "INSERT INTO {name} (id, rev, updated, instant, json) VALUES (?, ?, ?, ?, ?)"
UPSERT = (
    INSERT.format(name="contacts")
    + """
ON CONFLICT (id) DO UPDATE SET
    rev = excluded.rev, updated = excluded.updated, instant = excluded.instant,
    json = excluded.json, deleted_at = NULL
WHERE excluded.instant > instant OR (rev > 0 AND excluded.rev > rev) OR deleted_at IS NOT NULL
    OR (excluded.json <> json AND (
        excluded.instant = ''
        OR (excluded.rev = 0 AND excluded.instant = instant)
        OR instant > ? OR contacts.id IN distrusted
    ))"""
)
"""Adds a contact, or replaces it as `Version.replaces` says, whose `latest` is the last value."""


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


def views(table: Table) -> list[str]:
    """Return what makes the views, with a column for each of the table's columns but `other`."""
    shown = table.paths[:_MOST_COLUMNS]
    columns = [f"{_value(path, table.columns[name])} AS {_name(name)}" for name, path in shown]
    return [
        f"CREATE VIEW current_contacts AS SELECT {', '.join(columns)}"  # noqa: S608 - quoted
        " FROM contacts WHERE deleted_at IS NULL",
        "CREATE VIEW opted_out_contacts AS SELECT * FROM current_contacts WHERE is_opted_out",
        "CREATE VIEW changes_by_day AS SELECT day, sum(updated) AS updated, sum(deleted) AS deleted"
        " FROM (SELECT substr(instant, 1, 10) AS day, 1 AS updated, 0 AS deleted FROM contacts"
        " UNION ALL SELECT substr(deleted_at, 1, 10), 0, 1 FROM contacts"
        " WHERE deleted_at IS NOT NULL) GROUP BY day ORDER BY day",
    ]


def _value(path: str, kind: Kind) -> str:
    value = f"json_extract(json, {_text(path)})"
    if kind is not int:
        return value
    # A number that is sent as text is one, unless it would not be written like that.
    number = f"CAST({value} AS INTEGER)"
    return f"CASE WHEN CAST({number} AS TEXT) = {value} THEN {number} ELSE {value} END"


def _name(text: str) -> str:
    return '"' + text.replace('"', '""').replace("\0", "") + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

"""Sandboxes with messages, and what they hold."""

from __future__ import annotations

import json
from pathlib import Path

from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import query


def messages_of(sandbox: Sandbox) -> list[bytes]:
    """Return the messages that the account has, sorted."""
    return sorted(row.line for row in sandbox.messages._rows)


def conversations_of(sandbox: Sandbox) -> list[bytes]:
    return sorted(row.line for row in sandbox.conversations._rows)


def a_phone(sandbox: Sandbox) -> str:
    """Return the phone of the other side of the first conversation."""
    return json.loads(sandbox.conversations._rows[0].line)["target"]


def stored(path: Path, table: str = "messages") -> list[bytes]:
    """Return the records in an SQLite file, sorted."""
    rows = query(path, f"SELECT json FROM {table} WHERE deleted_at IS NULL")
    return sorted(json.encode() for (json,) in rows)


def first_sent(box: Sandbox) -> int:
    """Return the id of the oldest message that went out."""
    rows = (json.loads(row.line) for row in box.messages._rows)
    return next(row["id"] for row in rows if row["status"] in {"sent", "delivered"})

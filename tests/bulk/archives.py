"""Sandboxes with messages, and what they hold."""

from __future__ import annotations

import json

from heymarket_async.sandbox import Sandbox


def messages_of(sandbox: Sandbox) -> list[bytes]:
    """Return the messages that the account has, sorted."""
    return sorted(row.line for row in sandbox.messages._rows)


def conversations_of(sandbox: Sandbox) -> list[bytes]:
    return sorted(row.line for row in sandbox.conversations._rows)


def a_phone(sandbox: Sandbox) -> str:
    """Return the phone of the other side of the first conversation."""
    return json.loads(sandbox.conversations._rows[0].line)["target"]

"""Trips of contacts: out of one account by an export, and into another one by an import."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import typer.testing

from heymarket_async.cli.app import app
from heymarket_async.sandbox import Sandbox
from heymarket_async.sandbox.records import Record

TITLES = [
    "Plan", "Plan ", "plan", "Plan  name", "Plan name", "Email Suppressions", "Assignee ID",
    "Display Name", "E mail", "E-mail", "Phone", "Tags", "'=x", "=x", "two\nlines", "", "Notes;=1",
    "custom", "id", "007", "2026-04-12", "True", "Größe (cm)", "other", "Import error", "Mobile",
    "Company", "Opt Out", "Unsubscribed", "Accepts SMS Marketing", "1.5", "2024", "import_error",
    "nan", "NULL", "First Name", "E-mail 1 - Value", "Unnamed: 0", "Plan (124)", "custom:123",
]  # fmt: skip
FIELDS = dict(enumerate(TITLES, 123))
"""Custom fields, by their ids."""


class Trip:
    """An account, its export, and an empty account with the same custom fields."""

    def __init__(self, folder: Path, records: list[Record]) -> None:
        self.folder = folder
        self.home, self.away = account_of(FIELDS), account_of(FIELDS)
        for record in records:
            stamp = self.home.store.stamp(1_780_000_000.0 + record.id)
            record.created = record.updated = self.home.store.written(stamp)
            self.home.store.put(record, self.home.store.new_uuid(), stamp, None)

    def export(self, kind: str) -> Path:
        path = self.folder / f"export.{kind}"
        if not path.exists():
            run(self.home, "contacts", "export", path)
        return path

    def imported(self, path: Path) -> dict[str, dict[str, object]]:
        """Import a file, and return what arrived, by phone."""
        run(self.away, "contacts", "import", path, expected={0, 3})
        return fields_of(self.away)

    @property
    def sent(self) -> dict[str, dict[str, object]]:
        return fields_of(self.home)


def account_of(fields: Mapping[int, str]) -> Sandbox:
    sandbox = Sandbox(contacts=0)
    sandbox._server._account.fields.clear()
    sandbox._server._account.fields.update(fields)
    return sandbox


def run(sandbox: Sandbox, *arguments: object, expected: set[int] | None = None) -> None:
    with sandbox:
        environment = {
            "HEYMARKET_BASE_URL": sandbox.url,
            "HEYMARKET_SECRET_ID": sandbox.credentials.secret_id,
            "HEYMARKET_SECRET_KEY": sandbox.credentials.secret_key,
            "COLUMNS": "200",
        }
        result = typer.testing.CliRunner().invoke(app, [*map(str, arguments)], env=environment)
    assert result.exit_code in (expected or {0}), result.output


def fields_of(sandbox: Sandbox) -> dict[str, dict[str, object]]:
    """Return the fields that can be written, without empty ones."""
    names = ("first", "last", "email", "display_name", "avatar", "assigned_user_id", "is_opted_out")
    found = {}
    for contact in sandbox.store.contacts:
        fields = {name: contact[name] for name in names if contact.get(name)}
        fields["tags"] = [tag["tag_id"] for tag in contact.get("tags") or []]
        fields["custom"] = {
            key: value for key, value in contact["custom"].items() if value not in (None, "")
        }
        found[contact["phone"]] = fields
    return found

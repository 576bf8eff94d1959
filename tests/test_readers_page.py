"""The recipes for readers of an export give phones as text, times as times, and lists as lists."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys

import pytest

from heymarket_async import ApiSecret, HeymarketClient
from heymarket_async.bulk import Csv, JsonLines, Parquet, Sqlite, export_contacts
from heymarket_async.sandbox import Sandbox
from tests.test_documents import ROOT

pytestmark = pytest.mark.unmeasured

PAGE = (ROOT / "docs" / "readers.md").read_text()
RECIPES = [
    pytest.param(code, id=f"{title}-{number}".replace(" ", "-"))
    for title, section in re.findall(r"(?ms)^## (.*?)\n(.*?)(?=^## |\Z)", PAGE)
    for number, code in enumerate(re.findall(r"(?ms)^```py\n(.*?)^```$", section))
]
KINDS = """
import datetime
import duckdb
import pandas as pd
import polars as pl

if isinstance(contacts, pd.DataFrame):
    rows = contacts.astype(object).where(contacts.notna(), None).to_dict("records")
elif isinstance(contacts, pl.DataFrame):
    rows = contacts.to_dicts()
else:
    names = contacts.columns
    assert str(contacts.types[names.index("updated")]) == "TIMESTAMP WITH TIME ZONE"
    rows = contacts.select("* replace (updated::TIMESTAMP AS updated)").fetchall()
    rows = [dict(zip(names, row)) for row in rows]
assert len(rows) == 40
assert all(type(row["id"]) is int for row in rows)
assert all(isinstance(row["phone"], str) and row["phone"].isdigit() for row in rows)
times = [row["updated"] for row in rows]
assert times.count(None) == 1
assert all(isinstance(each, datetime.datetime) for each in times if each is not None)
tags = [tag for row in rows for tag in row["tags"]]
assert tags
assert all(type(tag["tag_id"]) is int for tag in tags)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An account as an export finds it: one contact has no time."""
    folder = tmp_path_factory.mktemp("exports")
    sinks = [
        Csv(folder / "contacts.csv", defuse=False),
        JsonLines(folder / "contacts.jsonl"),
        Parquet(folder / "contacts.parquet"),
        Sqlite(folder / "contacts.db"),
    ]

    async def export(sandbox: Sandbox) -> None:
        credentials = ApiSecret(*sandbox.credentials)
        async with HeymarketClient(credentials, base_url=sandbox.url) as client:
            for sink in sinks:
                await export_contacts(client, sink)

    with Sandbox(contacts=40, seed=5) as sandbox:
        sandbox.show_as(10_007, "updated_empty")
        asyncio.run(export(sandbox))
    return folder


@pytest.mark.parametrize("code", RECIPES)
def test_a_recipe_reads_an_export_with_its_types(code, folder):
    check = KINDS if "contacts = " in code else ""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code + check],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_there_is_a_recipe_for_each_reader():
    assert len(RECIPES) == 11

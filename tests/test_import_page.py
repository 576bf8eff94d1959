"""The page on imports shows what the command prints, and lists what the readers know."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from heymarket_async.bulk.contact_files.layouts import meaning_of
from heymarket_async.bulk.contact_files.phones import phone_reader
from heymarket_async.sandbox import Sandbox

pytestmark = pytest.mark.unmeasured

PAGE = (Path(__file__).parent.parent / "docs" / "import.md").read_text()
QUOTED = re.compile(r"`(.+?)`")
FIELDS = [
    {"phone"},
    {"first", "last", "display_name"},
    {"tags"},
    {"is_opted_out", "may_text", "status"},
]


def table(first: str) -> list[list[str]]:
    """The rows of the table whose first heading this is."""
    rows = PAGE.partition(f"\n| {first} |")[2].partition("\n\n")[0].splitlines()[2:]
    assert rows
    return [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows]


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_every_product_of_the_layouts_is_on_the_page():
    data = files("heymarket_async.bulk.contact_files") / "layouts.csv"
    sources = [row["source"] for row in csv.DictReader(data.read_text().splitlines())]
    products = {re.sub(r" https?://.*", "", source) for source in sources}

    assert {row[0] for row in table("Product")} == products


@pytest.mark.parametrize("row", table("Product"), ids=lambda row: row[0].replace(" ", "-"))
def test_the_headings_of_a_product_have_the_meanings_on_the_page(row):
    for cell, fields in zip(row[1:], FIELDS, strict=True):
        for heading in QUOTED.findall(cell):
            meaning = meaning_of(heading)
            assert meaning is not None, heading
            assert meaning.field in fields, heading
    order = [meaning_of(heading).rank for heading in QUOTED.findall(row[1].partition(";")[0])]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("cell", "digits"),
    [
        (cell, digits[0])
        for cells, result in table("Cell")
        if (digits := re.match(r"\d{11,}", result))
        for cell in QUOTED.findall(cells)
    ],
)
def test_a_cell_is_the_phone_on_the_page(cell, digits):
    assert phone_reader("US")(cell) == digits


def test_the_preview_and_the_report_are_as_the_page_shows_them(tmp_path):
    (tmp_path / "people.csv").write_text(block("csv"))
    command = [sys.executable, "-m", "heymarket_async.cli", "contacts", "import", "people.csv"]
    with Sandbox(contacts=0) as sandbox:
        done = subprocess.run(
            [*command, "--region", "US"],
            cwd=tmp_path,
            env={
                **os.environ,
                "HEYMARKET_BASE_URL": sandbox.url,
                "HEYMARKET_SECRET_ID": sandbox.credentials.secret_id,
                "HEYMARKET_SECRET_KEY": sandbox.credentials.secret_key,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    printed = re.sub(r"\d+\.\d s", "0.1 s", done.stderr + done.stdout).splitlines()
    # Without a terminal there are no examples and no question.
    shown = [re.sub(r"(→ .*?)  +\S.*", r"\1", line) for line in block("text").splitlines()]

    assert done.returncode == 3
    assert sorted(printed) == sorted(line for line in shown if "[Y/n]" not in line)

"""The page on the architecture names every folder, and flows enter as few files as it says."""

from __future__ import annotations

import gc
import re
import sys
import threading
import tomllib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import heymarket_async
from heymarket_async import ApiSecret, HeymarketClient, NewContact
from heymarket_async.bulk import JsonLines, export_contacts, import_contacts, sync_contacts
from heymarket_async.sandbox import Sandbox
from heymarket_async.timestamps import http_date

ROOT = Path(__file__).parent.parent
PACKAGE = Path(heymarket_async.__file__).parent
PAGE = (ROOT / "docs" / "architecture.md").read_text()
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]

Flow = Callable[[HeymarketClient, Path], Awaitable[object]]


async def create(client: HeymarketClient, _: Path) -> None:
    await client.contacts.create(NewContact(phone="14155550100", first="Jordan"))


async def iterate(client: HeymarketClient, _: Path) -> None:
    assert len([contact async for contact in client.contacts.iterate()]) == 200


async def export(client: HeymarketClient, folder: Path) -> None:
    await export_contacts(client, JsonLines(folder / "contacts.jsonl"))


async def imported(client: HeymarketClient, folder: Path) -> None:
    rows = [NewContact(phone=f"1415555020{number}") for number in range(5)]
    await import_contacts(client, rows, outcomes=folder / "outcomes.jsonl")


async def sync(client: HeymarketClient, folder: Path) -> None:
    await sync_contacts(client, folder / "contacts.db")


FLOWS: dict[str, tuple[Flow, int]] = {
    "create": (create, 17),
    "iterate": (iterate, 22),
    "export": (export, 45),
    "import": (imported, 39),
    "sync": (sync, 48),
}
"""Flows, and the most files that they may enter. Lower a number when a flow becomes simpler."""


async def entered(flow: Flow, folder: Path) -> set[str]:
    """Return the files of the package whose functions a flow calls, in any thread."""
    files = set()
    gc.collect()  # else files that other tests left open are closed meanwhile
    http_date.cache_clear()  # else a flow enters fewer files if another had an answer just before

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_name != "<module>":
            files.add(frame.f_code.co_filename)

    with Sandbox(contacts=200, seed=3) as sandbox:
        credentials = ApiSecret(*sandbox.credentials)
        async with HeymarketClient(credentials, base_url=sandbox.url) as client:
            threading.setprofile(note)
            sys.setprofile(note)
            try:
                await flow(client, folder)
            finally:
                sys.setprofile(None)
                threading.setprofile(None)
    paths = {Path(file).relative_to(PACKAGE) for file in files if file.startswith(str(PACKAGE))}
    return {str(path) for path in paths if path.parts[0] != "sandbox"}


@pytest.mark.parametrize("name", FLOWS)
async def test_a_flow_enters_no_more_files_than_the_page_says(name, tmp_path):
    flow, most = FLOWS[name]

    files = await entered(flow, tmp_path)

    assert re.search(rf"^\| `{name}` \| {most} \|", PAGE, re.MULTILINE)
    assert 0 < len(files) <= most, " ".join(sorted(files))


def test_the_page_names_every_folder():
    folders = {path.parent for path in PACKAGE.rglob("*.py")} - {PACKAGE}

    for folder in folders:
        assert f"`{folder.relative_to(PACKAGE)}/`" in PAGE


def test_the_page_names_the_layers_from_top_to_bottom():
    contracts = SETTINGS["importlinter"]["contracts"]
    (layers,) = [each["layers"] for each in contracts if each["name"].startswith("Each layer")]
    drawing = PAGE.split("```text\n", 1)[1].split("```", 1)[0]
    drawn = [line.strip() for line in drawing.splitlines() if line.strip() != "↓"]

    named = [layer.replace("heymarket_async.", "").replace(" : ", " · ") for layer in layers]
    assert drawn == named

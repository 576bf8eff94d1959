"""The documentation site: complete, without a broken link, and by itself."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from typer.testing import CliRunner

from docs import build, public_names
from heymarket_async.cli.app import app

ROOT = Path(__file__).parent.parent
CONFIG = "zensical.toml"
PARTS = (CONFIG, "CHANGELOG.md", "benchmarks", "docs", "examples", "heymarket_async")
ENDS_OF_HOSTS = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src"}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The whole site, built from a copy of what belongs to it."""
    root = tmp_path_factory.mktemp("whole")
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copyfile
        copy(ROOT / part, root / part)
    build.build(root)
    return root / "build" / "site"


@pytest.fixture(scope="module")
def package():
    return public_names.load(ROOT)[0]


class Page(HTMLParser):
    """The ids of a page, its links, and the files that a browser fetches for it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.classes: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        self.classes |= set(values.get("class", "").split())
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if (name := ENDS_OF_HOSTS.get(tag, "")) in values and values.get("rel") != "canonical":
            self.fetched.append(values[name])


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}


def test_every_link_leads_somewhere(pages):
    broken = []
    for path, page in pages.items():
        for link in (*page.links, *page.fetched):
            target, place = urldefrag(link)
            if urlsplit(target).scheme:
                continue
            file = (path.parent / unquote(target)).resolve() if target else path
            there = file in pages and (not place or unquote(place) in pages[file].ids)
            if not (there if file.suffix == ".html" else file.is_file()):
                broken.append(f"{path.name}: {link}")

    assert broken == []
    assert len(pages) > 30


def test_the_site_asks_no_other_host_for_anything(site, pages):
    assert [each for page in pages.values() for each in page.fetched if urlsplit(each).netloc] == []
    for sheet in site.rglob("*.css"):
        urls = re.findall(r"url\(([^)]*)\)|@import ([^;]*)", sheet.read_text())
        assert [url for pair in urls for url in pair if "//" in url.partition("data:")[0]] == []
    # The theme would fetch a library for these.
    assert not {"mermaid", "arithmatex", "glightbox"} & set().union(
        *(page.classes for page in pages.values())
    )


def test_the_search_finds_every_public_name(site, package):
    items = json.loads((site / "search.json").read_text())["items"]
    found = {urldefrag(item["location"])[1]: item for item in items}

    for where in public_names.public_names(package):
        assert where.rpartition(".")[2] in found[where]["title"]
    # Their methods too.
    assert "never" in found["heymarket_async.Contacts.ensure"]["text"]


def test_the_navigation_has_the_four_kinds_of_pages():
    nav = tomllib.loads((ROOT / CONFIG).read_text())["project"]["nav"]

    kinds = [name for entry in nav for name, pages in entry.items() if isinstance(pages, list)]
    assert kinds == ["Tutorial", "How-to guides", "Reference", "Explanation"]

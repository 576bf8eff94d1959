"""The documentation site: complete, without a broken link, and by itself."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from typer.testing import CliRunner

from docs import build, public_names
from heymarket_async.cli.app import app

pytestmark = pytest.mark.unmeasured

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
    subprocess.run([sys.executable, "-m", "docs"], cwd=root, check=True)
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


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_a_struct_shows_its_constructor_and_a_default_its_value(site):
    contacts, client, errors = (
        text_of((site / "reference" / f"{name}.html").read_text())
        for name in ("contacts", "client", "errors")
    )

    signature = contacts.partition("NewContact (")[2].partition(" ) ")[0]
    assert "phone : str , first : str | UnsetType | None = UNSET ," in signature
    assert "timeout_s ( float , default: 30.0 )" in client
    assert "messages ( Messages )" in client
    assert "TIMEOUT_S" not in client.partition("Source code")[0]
    # The package makes these.
    assert "transport" not in contacts.partition("Source code")[0]
    assert "Bases: HeymarketError" in errors


def test_what_help_shows_is_on_the_page_of_the_commands(site):
    page = (site / "reference" / "command-line.html").read_text()
    sections = dict(
        re.findall(r"<h2 [^>]*><code>(.*?)</code>(.*?)(?=<h2 |</article)", page, re.DOTALL)
    )
    waiting, seen = [[]], 0

    while waiting:
        command = waiting.pop()
        shown = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"}).output
        section = text_of(sections.pop(" ".join(["heymarket", *command])))
        options, _, rest = shown.partition("\nCommands:\n")
        commands = rest.partition("\n\n")[0]
        for option in re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", options, re.MULTILINE):
            assert option in section, command
            seen += 1
        waiting += [[*command, name] for name in re.findall(r"^  (\w+)", commands, re.MULTILINE)]

    assert not sections
    assert seen > 100


# The checks that keep it so


@pytest.fixture
def small(tmp_path) -> Path:
    """A checkout with two pages, and with files that are nobody's business."""
    config = (ROOT / CONFIG).read_text()
    nav = 'nav = [{ "Home" = "index.md" }, { "Notes" = "benchmarks/README.md" }]\n'
    (tmp_path / CONFIG).write_text(
        re.sub(r"^nav = \[\n.*?^\]\n", nav, config, flags=re.MULTILINE | re.DOTALL)
    )
    for folder in ("docs", "benchmarks", "examples"):
        (tmp_path / folder).mkdir()
    shutil.copytree(ROOT / "docs" / "templates", tmp_path / "docs" / "templates")
    for name in ("site.css", "fields.py", "stubs.py"):
        shutil.copyfile(ROOT / "docs" / name, tmp_path / "docs" / name)
    (tmp_path / "docs" / "index.md").write_text(
        "# Home\n\n[Notes](../benchmarks/README.md#notes) of a [program](../examples/one.py).\n"
    )
    (tmp_path / "benchmarks" / "README.md").write_text("# Notes\n\n[Home](../docs/index.md)\n")
    for name in ("examples/one.py", "examples/two.py", "docs/contacts.csv", ".env"):
        (tmp_path / name).write_text("print(1)\n")
    return tmp_path


def test_only_pages_and_the_files_that_they_link_to_get_there(small):
    build.build_pages(small)

    pages = small / "build" / "pages"
    there = {str(path.relative_to(pages)) for path in pages.rglob("*") if path.is_file()}
    assert there == {"index.md", "benchmarks/README.md", "examples/one.py", "site.css"}
    home = (small / "build" / "site" / "index.html").read_text()
    assert 'href="benchmarks/index.html#notes"' in home.replace("./", "")
    assert 'href="examples/one.py"' in home


@pytest.mark.parametrize("link", ["gone.md", "index.md#gone", "../benchmarks/README.md#gone"])
def test_a_broken_link_fails(small, link):
    page = small / "docs" / "index.md"
    page.write_text(f"{page.read_text()}\n[A link]({link})\n")

    with pytest.raises(SystemExit, match=re.escape(link) if link == "gone.md" else "broken link"):
        build.build_pages(small)


def test_a_reference_to_a_name_that_is_gone_fails(small):
    page = small / "docs" / "index.md"
    page.write_text(f"{page.read_text()}\n::: heymarket_async.Gone\n")

    with pytest.raises(SystemExit):
        build.build_pages(small)


def test_a_page_that_is_not_in_the_navigation_fails(small):
    (small / "docs" / "new.md").write_text("# New\n")

    with pytest.raises(SystemExit, match=r"navigation.*\['new.md'\]"):
        build.build_pages(small)


def test_a_page_that_is_twice_in_the_navigation_fails(small):
    config = (small / CONFIG).read_text()
    (small / CONFIG).write_text(config.replace("nav = [", 'nav = [{ "Home" = "index.md" }, ', 1))

    with pytest.raises(SystemExit, match="twice in the navigation"):
        build.build_pages(small)


def test_a_line_of_the_navigation_without_a_page_fails(small):
    (small / "benchmarks" / "README.md").unlink()

    with pytest.raises(SystemExit, match=r"navigation.*\['benchmarks/README.md'\]"):
        build.build_pages(small)


HOLES = [
    # The file, a text in it, the text instead, and what is reported.
    (
        "heymarket_async/webhooks/status.py",
        '"""Return how far',
        'f"""Return how far',
        ["heymarket_async.webhooks.status_rank has no docstring"],
    ),
    (
        "heymarket_async/endpoints/tags.py",
        '"""Return a tag.',
        'f"""Return a tag.',
        ["heymarket_async.Tags (get) has no docstring"],
    ),
    (
        "heymarket_async/client.py",
        'see "The walk" in the documentation.',
        "see docs/walk.md.",
        [
            "heymarket_async.HeymarketClient names the file docs/walk.md, which a reader of the"
            " site does not have: name its title",
        ],
    ),
    (
        "heymarket_async/client.py",
        '"""The reason why the longest',
        'f"""The reason why the longest',
        [
            "heymarket_async.HeymarketClient (waiting) has no docstring",
            "heymarket_async.blocking.HeymarketClient (waiting) has no docstring",
        ],
    ),
    (
        "heymarket_async/transport/retry.py",
        "        attempts: Attempts in all",
        "        tries: Attempts in all",
        ["heymarket_async.RetryPolicy documents the attribute tries, which it does not have"],
    ),
    (
        "heymarket_async/endpoints/messages.py",
        "            wait_s: Seconds to wait, in all",
        "            wait: Seconds to wait, in all",
        [
            "heymarket_async.Messages (send_once) documents the parameter wait, which it does not"
            " have",
            "heymarket_async.Messages (send_once) does not document the parameter wait_s",
        ],
    ),
    (
        "heymarket_async/transport/auth.py",
        "        key: The key as Heymarket shows it.",
        "",
        [
            "heymarket_async.ApiKey has a constructor with a parameter that no docstring describes",
        ],
    ),
    (
        "docs/reference/errors.md",
        "::: heymarket_async.StoreError",
        "",
        ["heymarket_async.StoreError is on no page in docs/reference"],
    ),
    (
        "docs/reference/client.md",
        "# The client",
        "# The client\n\n::: heymarket_async.Walk\n::: heymarket_async.Transport",
        [
            "heymarket_async.Walk is in docs/reference twice",
            "heymarket_async.Transport is in docs/reference, but not public",
        ],
    ),
]


def test_every_gap_in_the_reference_is_reported(tmp_path):
    for part in ("heymarket_async", "docs/reference"):
        shutil.copytree(ROOT / part, tmp_path / part)
    for path, old, new, _ in HOLES:
        text = (tmp_path / path).read_text()
        assert text.count(old) == 1, (path, old)
        (tmp_path / path).write_text(text.replace(old, new))

    expected = [gap for *_, gaps in HOLES for gap in gaps]
    assert sorted(public_names.gaps(tmp_path)) == sorted(expected)


def test_a_gap_stops_the_build(small):
    with pytest.raises(SystemExit, match=r"gaps:\nheymarket_async.ApiKey is on no page"):
        build.build(small)


@pytest.mark.parametrize("package", ["zensical", "griffe"])
def test_without_its_extra_the_build_says_how_to_install_it(package):
    code = f"import runpy, sys; sys.modules['{package}'] = None; runpy.run_module('docs')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr == f"{package} is not installed: pip install -e '.[docs]'\n"


def test_every_module_that_the_documents_import_from_is_in_the_reference():
    files = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.py")]
    line = re.compile(r"^ *(?:from|import) heymarket_async\.?([\w.]*)", re.MULTILINE)
    imported = {module for file in files for module in line.findall(file.read_text())}

    assert imported <= {*public_names.MODULES}
    assert len(imported) > 5

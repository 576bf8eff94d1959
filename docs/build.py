"""Puts the pages of the documentation site together, and has zensical build it, strictly.

In the repository, pages link to each other and to files outside of `docs`, such as examples. On the
site, `docs` is the root, and the files that its pages link to stand beside them. Nothing else of
the checkout gets there: it may hold contacts or credentials.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from docs.command_line import commands
from docs.public_names import gaps

ROOT = Path(__file__).parent.parent
DOCS = Path("docs")
COMMANDS = "<!-- commands -->"
LOCAL_LINK = re.compile(r"(?<=\]\()(?!\w+:)([^)#\s]+)")


def build(root: Path = ROOT) -> None:
    """Build the site of a checkout; its `zensical.toml` says where.

    Raises:
        SystemExit: The reference has a gap, a page is not in the navigation, or a link is broken.
    """
    if found := gaps(root):
        raise SystemExit("The reference has gaps:\n" + "\n".join(found))
    build_pages(root)


def build_pages(root: Path) -> None:
    """Build the site, without a look at the public names."""
    config = tomllib.loads((root / "zensical.toml").read_text(encoding="utf-8"))["project"]
    folder = root / config["docs_dir"]
    gather(root, folder, sorted(pages_in(config["nav"])))
    for style in config["extra_css"]:
        shutil.copyfile(root / DOCS / style, folder / style)
    zensical = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    if subprocess.run(zensical, cwd=root, check=False).returncode:  # noqa: S603 - no input of others
        raise SystemExit("The site has a broken link: see above")


def pages_in(nav: list[dict[str, object]]) -> Iterator[str]:
    """Yield the pages of a navigation, by their paths on the site."""
    for entry in nav:
        for target in entry.values():
            if isinstance(target, str):
                yield target
            elif isinstance(target, list):
                yield from pages_in(target)


def gather(root: Path, folder: Path, navigation: list[str]) -> None:
    """Copy the pages, and the files that they link to, into a folder, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = {path.relative_to(root) for path in (root / DOCS).rglob("*.md")}
    pages |= {path for path in map(Path, navigation) if (root / path).is_file()}
    lost = sorted({on_site(page).as_posix() for page in pages} ^ set(navigation))
    if lost:
        raise SystemExit(f"Either only in the navigation of zensical.toml, or not in it: {lost}")
    if len(navigation) > len(set(navigation)):
        raise SystemExit(f"A page is twice in the navigation of zensical.toml: {navigation}")
    for page in pages:
        text, linked = with_links_of_the_site(root, page)
        target = folder / on_site(page)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        for path in linked - pages:
            (folder / on_site(path)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / path, folder / on_site(path))


def on_site(path: Path) -> Path:
    """Return where a file of the repository is on the site."""
    return path.relative_to(DOCS) if path.is_relative_to(DOCS) else path


def with_links_of_the_site(root: Path, page: Path) -> tuple[str, set[Path]]:
    """Return the text of a page as the site has it, and the files that it links to."""
    linked: set[Path] = set()

    def rewritten(link: re.Match[str]) -> str:
        path = Path(os.path.normpath(page.parent / link[1]))
        if not (root / path).is_file():  # zensical would report a page only
            raise SystemExit(f"{page} links to {link[1]}, which is not a file")
        linked.add(path)
        return Path(os.path.relpath(on_site(path), on_site(page).parent)).as_posix()

    text = LOCAL_LINK.sub(rewritten, (root / page).read_text(encoding="utf-8"))
    return text.replace(COMMANDS, commands() if COMMANDS in text else ""), linked

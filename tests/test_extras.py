"""Messages about a missing package name what the project's metadata asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from heymarket_async import extras

ROOT = Path(__file__).parent.parent
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def packages_of(extra: str) -> set[str]:
    """Return the packages of an extra, and of the extras that it includes."""
    found: set[str] = set()
    for requirement in EXTRAS[extra]:
        name, included = re.match(r"([\w.-]+)(?:\[([\w,]+)\])?", requirement).groups()
        if name == "heymarket-async":
            found.update(*map(packages_of, included.split(",")))
        else:
            found.add(name)
    return found


@pytest.mark.parametrize("extra", extras.PACKAGES)
def test_the_packages_of_an_extra_are_those_of_the_metadata(extra):
    assert set(extras.PACKAGES[extra].split()) == packages_of(extra)


def test_no_message_sends_people_to_an_index_for_this_package():
    for path in (ROOT / "heymarket_async").rglob("*.py"):
        assert not re.search(r"install[^\n]*heymarket-async", path.read_text()), path

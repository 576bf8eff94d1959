"""The page with all calls of the API has the calls of the code, with their methods and classes."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import NamedTuple, get_type_hints

import pytest

from heymarket_async import HeymarketClient, bulk, endpoints
from heymarket_async.request import Endpoint
from tests.test_documents import ROOT

PAGE = (ROOT / "docs" / "api.md").read_text()
GROUPS = get_type_hints(HeymarketClient)
SITE = "https://developers.heymarket.com/"


class Row(NamedTuple):
    call: str
    methods: list[str]
    repeated: str
    page: str


def rows() -> Iterator[Row]:
    for line in PAGE.splitlines():
        if line.startswith("| `"):
            call, methods, repeated, source = [each.strip() for each in line.strip("|").split("|")]
            page, link = re.fullmatch(r"\[(.+)\]\((.+)\)", source).groups()
            assert link == SITE + page
            yield Row(call.strip("`"), re.findall(r"`(.+?)`", methods), repeated, page)


ROWS = list(rows())
TYPED = [row for row in ROWS if row.methods != ["request"]]


def endpoints_of(package) -> set[tuple[str, str]]:
    """The calls of all modules of a package, and whether they are repeated."""
    found = set()
    for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        values = vars(importlib.import_module(each.name)).values()
        constants = [value for value in values if isinstance(value, Endpoint)]
        found |= {(endpoint.call, endpoint.repeat.value) for endpoint in constants}
    return found


def test_the_page_has_every_call_that_heymarket_documents():
    assert len({row.call for row in ROWS}) == 66
    assert "documents 66 calls" in PAGE


def test_the_page_has_the_calls_of_the_code_and_how_they_are_repeated():
    assert {(row.call, row.repeated) for row in TYPED} == endpoints_of(endpoints)
    assert endpoints_of(bulk) <= endpoints_of(endpoints)


def test_only_deprecated_writes_have_no_method():
    untyped = [row.call for row in ROWS if row not in TYPED]

    assert untyped == ["POST /v1/list", "PUT /v1/list/{id}", "DELETE /v1/list/{id}"]


@pytest.mark.parametrize("row", TYPED, ids=lambda row: row.methods[0])
def test_the_methods_of_a_call_are_there_and_name_its_page(row):
    texts = []
    for name in row.methods:
        group, _, method = name.partition(".")
        texts.append(inspect.getdoc(getattr(GROUPS[group], method)) or "")
        texts.append(inspect.getdoc(inspect.getmodule(GROUPS[group])) or "")

    assert SITE + row.page in re.findall(rf"{SITE}\S+", "\n".join(texts))


def test_every_method_of_a_group_has_its_call():
    named = {name for row in TYPED for name in row.methods}
    methods = {
        f"{group}.{name}"
        for group, kind in GROUPS.items()
        for name, _ in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }

    # It computes a time, and asks nobody.
    assert methods - named == {"schedules.next_slot"}

"""The types of `blocking` are those of the asyncio client, and name what is there."""

from __future__ import annotations

import ast

import pytest

from heymarket_async import ApiKey, blocking
from heymarket_async.blocking.proxies import Items
from heymarket_async.endpoints.listing import WholeListing
from tests.typing import blocking_stub

STUB = blocking_stub.STUB.read_text()
CLASSES = {
    node.name: [each for each in node.body if isinstance(each, ast.FunctionDef | ast.AnnAssign)]
    for node in ast.parse(STUB).body
    if isinstance(node, ast.ClassDef)
}


def names(kind: str) -> set[str]:
    return {
        each.name if isinstance(each, ast.FunctionDef) else ast.unparse(each.target)
        for each in CLASSES[kind]
    }


def test_the_stub_is_up_to_date():
    assert blocking_stub.stub() == STUB, "run python -m tests.typing.blocking_stub"


def test_nothing_in_the_stub_is_asynchronous():
    assert "async def" not in STUB
    assert "Await" not in STUB
    assert "AsyncGenerator" not in STUB


def test_the_stub_names_what_there_is():
    client = blocking.HeymarketClient(ApiKey("a-key"))
    groups = {type(getattr(client, name)._of) for name in dir(client) if group(client, name)}

    assert set(CLASSES) == {kind.__name__ for kind in groups} | {
        *("Items", "Walk", "WholeListing", "HeymarketClient")
    }
    for kind in groups:
        public = {name for name in dir(kind) if name[0] != "_"}
        inherited = names("WholeListing") if issubclass(kind, WholeListing) else set()
        assert names(kind.__name__) | inherited == public
    assert not {name for name in names("HeymarketClient") if not hasattr(client, name)}
    assert not {name for name in names("Items") if not hasattr(Items, name)}
    assert not {name for name in names("Walk") if not hasattr(client.contacts.iterate(), name)}


def group(client: blocking.HeymarketClient, name: str) -> bool:
    return type(getattr(client, name)).__name__ == "Blocking"


@pytest.mark.parametrize("name", blocking.__all__)
def test_all_public_names_have_types(name):
    assert name in {getattr(node, "name", "") for node in ast.parse(STUB).body}

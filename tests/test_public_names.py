"""The public names: sorted, complete, documented, and typed without `Any`."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import typing

import pytest

import heymarket_async
from heymarket_async import bulk, errors, probe, sandbox, webhooks
from heymarket_async.webhooks import aiohttp, fastapi, redis

PUBLIC = {name: getattr(heymarket_async, name) for name in heymarket_async.__all__}
BULK = {f"bulk.{name}": getattr(bulk, name) for name in bulk.__all__}
WEBHOOKS = {f"webhooks.{name}": getattr(webhooks, name) for name in webhooks.__all__}
WEBHOOKS |= {f"{each.__name__}.add_webhook": each.add_webhook for each in (aiohttp, fastapi)}
WEBHOOKS["webhooks.redis.RedisStore"] = redis.RedisStore
PROBE = {f"probe.{name}": getattr(probe, name) for name in probe.__all__}
PROTOCOLS = {bulk.Sink, webhooks.Store}
ALL = {**PUBLIC, **BULK, **WEBHOOKS, **PROBE}
CLASSES = {name: each for name, each in ALL.items() if inspect.isclass(each)}


@pytest.mark.parametrize("package", [heymarket_async, bulk, probe, webhooks])
def test_the_public_names_are_sorted(package):
    assert package.__all__ == sorted(package.__all__)


def test_nothing_public_is_forgotten():
    shown = {name for name in vars(heymarket_async.public) if name[0].isalpha()}

    assert shown == set(PUBLIC) - {"__version__"}
    for name, each in vars(errors).items():
        assert name in PUBLIC or not (inspect.isclass(each) and name.endswith("Error"))


def members_of(public: type) -> dict[str, object]:
    """Return what a class has, also from the classes of this package that it extends."""
    found: dict[str, object] = {}
    for each in reversed(public.__mro__):
        # What Python and msgspec define is not written here.
        if each.__module__.partition(".")[0] == heymarket_async.__name__:
            found |= vars(each)
    return found


def documented() -> list:
    things = list(CLASSES.items())
    things += [(f"sandbox.{name}", getattr(sandbox, name)) for name in sandbox.__all__]
    return [pytest.param(each, id=name) for name, each in things]


@pytest.mark.parametrize("public", documented())
def test_every_public_class_and_method_has_a_docstring(public):
    assert vars(public).get("__doc__")
    for name, member in members_of(public).items():
        target = member.fget if isinstance(member, property) else member
        target = target.__func__ if isinstance(target, classmethod) else target
        if inspect.isfunction(target) and not name.startswith("_"):
            assert target.__doc__, name


def functions() -> list:
    members = [
        (f"{class_name}.{name}", member.fget if isinstance(member, property) else member)
        for class_name, each in CLASSES.items()
        for name, member in members_of(each).items()
        # A protocol has no constructor of its own.
        if not name.startswith("_") or (name == "__init__" and each not in PROTOCOLS)
    ]
    members += [
        (name, each)
        for name, each in {**BULK, **WEBHOOKS, **PROBE}.items()
        if inspect.isfunction(each)
    ]
    plain = [(name, getattr(member, "__func__", member)) for name, member in members]
    return [pytest.param(each, id=name) for name, each in plain if inspect.isfunction(each)]


@pytest.mark.parametrize("function", functions())
def test_no_public_signature_says_any(function):
    hints = typing.get_type_hints(function, include_extras=True)
    overloads = [typing.get_type_hints(each) for each in typing.get_overloads(function)]

    for each in (hints, *overloads):
        assert "Any" not in repr(each).replace("typing.AnyStr", "")
    parameters = set(inspect.signature(function).parameters) - {"self", "cls"}
    assert parameters <= set(hints)


QUERIES = [
    heymarket_async.ConversationFilters,
    heymarket_async.MessagesQuery,
    heymarket_async.PageQuery,
    heymarket_async.PageQueryV2,
]


@pytest.mark.parametrize("query", QUERIES)
def test_every_key_of_a_query_is_documented(query):
    for name in query.__annotations__:
        assert f"    {name}: " in (query.__doc__ or "")


@pytest.mark.parametrize("package", [heymarket_async, bulk, probe, webhooks])
def test_a_name_that_is_not_public_is_no_attribute(package):
    with pytest.raises(AttributeError, match=f"'{package.__name__}' has no attribute 'Nothing'"):
        _ = package.Nothing


def imported_by(statement: str, unwanted: list[str]) -> list[str]:
    """Return which of the unwanted modules a statement imports, in a process of its own."""
    script = f"import sys; {statement}; print(*[m for m in {unwanted} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_the_package_is_imported_when_one_of_its_names_is_used():
    modules = ["aiohttp", "heymarket_async.client", "heymarket_async.errors"]

    assert imported_by("import heymarket_async.bulk", modules) == []
    assert imported_by("import heymarket_async; heymarket_async.errors", modules) == modules[2:]
    assert imported_by("import heymarket_async; heymarket_async.ApiKey", modules) == modules


def test_importing_the_client_does_not_bring_what_only_extras_need():
    unwanted = ["aiohttp.web", "typer", "rich", "pytest", "heymarket_async.sandbox"]
    unwanted += ["heymarket_async.bulk", "dlt", "pyarrow", "phonenumbers"]

    assert imported_by("from heymarket_async import HeymarketClient", unwanted) == []


def test_webhooks_are_read_without_the_client_or_a_framework():
    unwanted = ["aiohttp", "starlette", "redis", "heymarket_async.client", "heymarket_async.pacing"]

    assert imported_by("from heymarket_async.webhooks import Receiver", unwanted) == []


@pytest.mark.parametrize(
    "name", ["heymarket_async", "heymarket_async.bulk", "heymarket_async.webhooks"]
)
def test_a_fresh_interpreter_completes_the_names(name):
    code = f"import {name} as package; print(*dir(package)); print(*package.__all__)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    listed, public = map(str.split, shown.stdout.splitlines())

    assert set(public) <= set(listed)


def test_a_package_that_cannot_be_imported_says_why(tmp_path, monkeypatch):
    (tmp_path / "broken").mkdir()
    first_use = "from heymarket_async.first_use import imported_at_first_use as at_first_use\n"
    module = first_use + "__getattr__, __dir__ = at_first_use(__name__)\n"
    (tmp_path / "broken" / "__init__.py").write_text(module)
    (tmp_path / "broken" / "public.py").write_text("import math\n\nmath.gone\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ImportError, match="broken cannot be imported: module 'math' has no"):
        assert importlib.import_module("broken").Name

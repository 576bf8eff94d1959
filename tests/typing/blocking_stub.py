"""Writes the types of `heymarket_async.blocking`: those of the asyncio client, without `async`.

Run `python -m tests.typing.blocking_stub` after a method of the client has changed.
"""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

import heymarket_async.bulk.public
from heymarket_async import HeymarketClient, blocking, client
from heymarket_async.endpoints import listing
from heymarket_async.walk import walk

STUB = Path(blocking.__file__).with_suffix(".pyi")

HEADER = "# Generated from the asyncio client by tests/typing/blocking_stub.py; do not edit.\n"
BLOCKING = {
    "AsyncIterator": "Items",
    "AsyncGenerator": "Items",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "aclose": "close",
}
"""The names that are other ones without asyncio."""

SET_AT_START = {"Walk": "left_out: int", "HeymarketClient": "base_url: str"}
"""Attributes that only a constructor shows."""

MAGIC = {"__init__", *BLOCKING}
OWN = {"Walk", "Items", "HeymarketClient"}
"""The names that the stub has classes of its own for."""

ITEMS = """
class Items(Iterator[T_co]):
    def __next__(self) -> T_co: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
"""


class _Waiting(ast.NodeTransformer):
    """Turns a class or function into its blocking stub."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = BLOCKING.get(node.id, node.id)
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        plain = ast.FunctionDef(**{name: getattr(node, name) for name in node._fields})
        return self.visit_FunctionDef(ast.copy_location(plain, node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = BLOCKING.get(node.name, node.name)
        node.decorator_list = [each for each in node.decorator_list if _name(each) in KEPT]
        node.body = [ast.Expr(ast.Constant(...))]
        arguments = node.args
        arguments.defaults = [_default(each) for each in arguments.defaults]
        arguments.kw_defaults = [each and _default(each) for each in arguments.kw_defaults]
        self.generic_visit(arguments)
        node.returns = node.returns and self.visit(node.returns)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        overloaded = {
            each.name
            for each in node.body
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and _is_overload(each)
        }
        fields = ast.parse(SET_AT_START.get(node.name, "")).body
        shown = [each for each in node.body if _is_shown(each, overloaded)]
        if node.name == "Walk":
            shown = [each for each in shown if getattr(each, "name", "") != "__init__"]
            node.bases = [ast.parse("Iterator[T]", mode="eval").body]
        node.body = [*fields, *map(self.visit, shown)]
        node.body = node.body or [ast.Expr(ast.Constant(...))]
        node.decorator_list = []
        node.bases = [base for each in node.bases if (base := _base(each))]
        return node


_GENERIC = ast.parse("Generic[R]", mode="eval").body
KEPT = {"property", "classmethod", "staticmethod", "overload"}


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _base(node: ast.expr) -> ast.expr | None:
    """Return a base without the classes that have nothing public, but with their type variable."""
    if isinstance(node, ast.Subscript) and _name(node.value) == "Listing":
        return _GENERIC if _name(node.slice) == "R" else None
    return None if _name(node) == "Group" else node


def _default(node: ast.expr) -> ast.expr:
    return node if isinstance(node, ast.Constant) else ast.Constant(...)


def _is_overload(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(_name(each) == "overload" for each in node.decorator_list)


def _is_shown(node: ast.stmt, overloaded: set[str]) -> bool:
    if isinstance(node, ast.AnnAssign):
        return isinstance(node.target, ast.Name) and node.target.id[0] != "_"
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    is_public = node.name[0] != "_" or node.name in MAGIC
    return is_public and (node.name not in overloaded or _is_overload(node))


class _Stub:
    def __init__(self) -> None:
        self.parts: list[ast.stmt] = []
        self.names: dict[str, ast.stmt] = {}

    def add(self, module: ModuleType, name: str) -> None:
        """Add a class or function of a module, and import the names that it uses."""
        tree = ast.parse(inspect.getsource(module))
        found = next(each for each in tree.body if getattr(each, "name", None) == name)
        part = _Waiting().visit(found)
        self.parts.append(part)
        used = _names(part)
        for statement in reversed(tree.body):  # a type variable may be bound to another name
            for bound in _bound(statement):
                if bound in used:
                    node = self.names.setdefault(bound, _import(module, statement, bound))
                    used |= _names(node) if isinstance(node, ast.Assign) else set()

    def text(self) -> str:
        defined = {getattr(part, "name", "") for part in self.parts} | OWN
        needed = [node for name, node in self.names.items() if name not in defined]
        variables = {ast.unparse(node) for node in needed if isinstance(node, ast.Assign)}
        imports = [
            "from collections.abc import Iterator",
            "from types import TracebackType",
            "from typing import Generic, Self, TypeVar",
            *(ast.unparse(node) for node in needed if not isinstance(node, ast.Assign)),
        ]
        variables.add('T_co = TypeVar("T_co", covariant=True)')
        parts = [ast.unparse(ast.fix_missing_locations(part)) for part in self.parts]
        public = f"__all__ = {sorted(blocking.__all__)!r}"
        return "\n".join([HEADER, *sorted(set(imports)), *sorted(variables), ITEMS, *parts, public])


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _bound(statement: ast.stmt) -> list[str]:
    """Return the names that a statement of a module binds."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [each.asname or each.name for each in statement.names]
    if isinstance(statement, ast.Assign):
        return [_name(each) for each in statement.targets]
    if isinstance(statement, ast.AnnAssign):
        return [_name(statement.target)]
    if isinstance(statement, ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.If):  # if TYPE_CHECKING
        return [name for each in statement.body for name in _bound(each)]
    return []


def _import(module: ModuleType, statement: ast.stmt, name: str) -> ast.stmt:
    if isinstance(statement, ast.If):
        statement = next(each for each in statement.body if name in _bound(each))
    if isinstance(statement, ast.Import | ast.ImportFrom):
        alias = next(each for each in statement.names if name in {each.name, each.asname})
        if isinstance(statement, ast.ImportFrom):
            return ast.ImportFrom(statement.module, [alias], 0)
        return ast.Import([alias])
    if isinstance(statement, ast.Assign) and "TypeVar" in ast.unparse(statement):
        return statement
    return ast.ImportFrom(module.__name__, [ast.alias(name)], 0)


def stub() -> str:
    """Return the stub, as ruff formats it."""
    made = _Stub()
    made.add(walk, "Walk")
    made.add(listing, "WholeListing")
    for group in get_type_hints(HeymarketClient).values():
        made.add(sys.modules[group.__module__], group.__name__)
    made.add(client, "HeymarketClient")
    for name in sorted(set(blocking.__all__) - OWN):
        job = getattr(heymarket_async.bulk.public, name)
        made.add(sys.modules[job.__module__], name)
    text = made.text()
    for command in (["check", "--fix", "--select=I,F401", "-q"], ["format", "-q"]):
        text = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(STUB), "-"],
            input=text,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
    return text


if __name__ == "__main__":
    STUB.write_text(stub())

"""Finds the public names of the package, and where their documentation has a gap."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import griffe

from docs.fields import Fields, attributes_in, attributes_of, parameters_in
from docs.stubs import target_of

PACKAGE = "heymarket_async"
MODULES = (
    "",
    "blocking",
    "bulk",
    "dlt",
    "phones",
    "probe",
    "sandbox",
    "sandbox.pytest_plugin",
    "texting",
    "webhooks",
    "webhooks.aiohttp",
    "webhooks.fastapi",
    "webhooks.redis",
)
MADE_BY_THE_PACKAGE = {"Faults", "Page", "Walk"}
PAGE_OF_DOCS = re.compile(r"\bdocs/[\w-]+\.md")
IN_REFERENCE = re.compile(r"^::: (\S+)$", re.MULTILINE)


def load(root: Path) -> tuple[griffe.Module, list[griffe.Class]]:
    """Return the package as the reference shows it, and the classes without their constructors."""
    fields = Fields()
    package = griffe.load(
        PACKAGE,
        search_paths=[root],
        try_relative_path=False,  # else the folder that one is in counts first
        docstring_parser="google",
        extensions=griffe.load_extensions(fields),
    )
    return cast("griffe.Module", package), fields.hidden


def public_names(package: griffe.Module) -> dict[str, griffe.Object]:
    """Return what is public, by the path that a user imports it by."""
    found: dict[str, griffe.Object] = {}
    for path in MODULES:
        module = cast("griffe.Module", package[path] if path else package)
        module = cast("griffe.Module", module.members.get("public", module))
        for name in map(str, module.exports or names_defined_in(module)):
            where = ".".join(filter(None, (PACKAGE, path, name)))
            found[where] = target_of(module[name])
    return found


def names_defined_in(module: griffe.Module) -> list[str]:
    """Return the classes and functions of a module that has no `__all__`."""
    return [
        name
        for name, member in module.members.items()
        if isinstance(member, griffe.Class | griffe.Function)
        and not name.startswith(("_", "pytest_"))  # pytest calls its hooks by name
    ]


def gaps(root: Path) -> list[str]:
    """Return where the reference has a gap: one sentence each, with the name."""
    package, hidden = load(root)
    public = public_names(package)
    found = [f"{where} {gap}" for where, each in public.items() for gap in gaps_of(each)]
    found += [
        f"{where} has a constructor with a parameter that no docstring describes"
        for where, each in public.items()
        if isinstance(each, griffe.Class) and each in hidden and not made_by_the_package(each)
    ]
    pages = sorted((root / "docs" / "reference").glob("*.md"))
    shown = [name for page in pages for name in IN_REFERENCE.findall(page.read_text("utf-8"))]
    found += [f"{name} is on no page in docs/reference" for name in public if name not in shown]
    found += [
        f"{name} is in docs/reference, but not public" for name in shown if name not in public
    ]
    found += [f"{name} is in docs/reference twice" for name in set(shown) if shown.count(name) > 1]
    return found


def made_by_the_package(owner: griffe.Class) -> bool:
    """Return whether users never call a constructor: of an error, or of a group of calls."""
    return (
        owner.name in MADE_BY_THE_PACKAGE
        or owner.module.path.startswith(f"{PACKAGE}.endpoints.")
        or any(each.name.endswith("Error") for each in (owner, *owner.mro()))
    )


def gaps_of(documented: griffe.Object) -> Iterator[str]:
    """Yield the gaps in the docstrings of a public name, and of its methods and properties."""
    if not documented.docstring:
        yield "has no docstring"
    elif page := PAGE_OF_DOCS.search(documented.docstring.value):
        yield f"names the file {page[0]}, which a reader of the site does not have: name its title"
    if isinstance(documented, griffe.Function):
        yield from gaps_in_parameters(documented, documented)
    if not isinstance(documented, griffe.Class):
        return
    names = {each.name for each in attributes_of(documented)}
    for item in attributes_in(documented):
        if item.name not in names:
            yield f"documents the attribute {item.name}, which it does not have"
    constructor = documented.members.get("__init__")
    if isinstance(constructor, griffe.Function):
        yield from gaps_in_parameters(documented, constructor)
    for name, member in documented.all_members.items():
        target = target_of(member)
        if name.startswith("_") or target.package.name != PACKAGE:
            continue
        if isinstance(target, griffe.Function) or "property" in target.labels:
            yield from (f"({name}) {gap}" for gap in gaps_of(target))


def gaps_in_parameters(
    documented: griffe.Class | griffe.Function, function: griffe.Function
) -> Iterator[str]:
    """Yield the parameters that only the docstring has, or only the signature."""
    described = [item.name.lstrip("*") for item in parameters_in(documented)]
    names = [each.name for each in function.parameters if each.name not in {"self", "cls"}]
    for name in described:
        if name not in names:
            yield f"documents the parameter {name}, which it does not have"
    for name in names if described else ():
        if name not in described:
            yield f"does not document the parameter {name}"

"""Completes what the reference shows of a class, as an extension of griffe.

griffe reads the code without running it. So it does not know that the fields of a struct are the
parameters of its constructor. It shows a constant as a default by its name, and no type for an
attribute that the constructor sets.
"""

from __future__ import annotations

from collections.abc import Iterator

import griffe

STRUCT = "msgspec.Struct"
RECORDS = {STRUCT, "typing.TypedDict", "typing.NamedTuple"}
ENUMS = {"enum.Enum", "enum.IntEnum", "enum.StrEnum"}
ANSWERED = "heymarket_async.models.answered.Answered"


class Fields(griffe.Extension):
    """Lists the fields of records and the values of enums, and shows defaults as values."""

    def on_package(self, *, pkg: griffe.Module, **_: object) -> None:
        """Complete every class and function of a package that was read."""
        for each in list(defined_in(pkg)):
            if isinstance(each, griffe.Function):
                show_defaults(each)
            elif isinstance(each, griffe.Class) and each.docstring:
                complete(each)


def defined_in(parent: griffe.Module | griffe.Class) -> Iterator[griffe.Object]:
    """Yield all classes and functions of a module or class."""
    for member in parent.members.values():
        if isinstance(member, (griffe.Class, griffe.Function)):
            yield member
        if isinstance(member, (griffe.Class, griffe.Module)):
            yield from defined_in(member)


def show_defaults(function: griffe.Function) -> None:
    """Replace constants of the package that are defaults by their values."""
    for parameter in function.parameters:
        while isinstance(parameter.default, griffe.ExprName) and parameter.default.name.isupper():
            try:
                constant = function.modules_collection[parameter.default.canonical_path]
            except KeyError:  # of another package, such as msgspec's UNSET
                break
            parameter.default = constant.value


def complete(owner: griffe.Class) -> None:
    """Complete the list of a class's attributes, and give a struct the parameters of its fields."""
    bases = {path_of(base) for each in (owner, *owner.mro()) for base in each.bases}
    described = {item.name: item.description for item in attributes_in(owner)}
    if bases & RECORDS:
        shown = fields_of(owner)
        if STRUCT in bases and ANSWERED not in bases:
            owner.set_member("__init__", constructor_of(owner, shown))
    elif bases & ENUMS:
        shown = [each for each in attributes_of(owner) if not each.name.startswith("_")]
    else:
        shown = [each for each in attributes_of(owner) if each.name in described]
    if shown:
        list_attributes(owner, shown, described)


def path_of(base: str | griffe.Expr) -> str:
    """Return the full name of a base class, without what stands in brackets after it."""
    name = base.left if isinstance(base, griffe.ExprSubscript) else base
    return name if isinstance(name, str) else name.canonical_path


def attributes_of(owner: griffe.Class) -> list[griffe.Attribute]:
    """Return the attributes of a class and of the classes of the package that it extends."""
    found = (member for each in (*reversed(owner.mro()), owner) for member in each.members.values())
    return list({each.name: each for each in found if isinstance(each, griffe.Attribute)}.values())


def fields_of(owner: griffe.Class) -> list[griffe.Attribute]:
    """Return the fields of a record: what has a type and is no property and no class variable."""
    return [
        each
        for each in attributes_of(owner)
        if each.annotation is not None
        and "instance-attribute" in each.labels
        and not each.name.startswith("_")
    ]


def attributes_in(owner: griffe.Class) -> Iterator[griffe.DocstringAttribute]:
    """Yield what the docstrings of a class and of those that it extends say of attributes."""
    for each in (owner, *owner.mro()):
        for section in each.docstring.parsed if each.docstring else ():
            if isinstance(section, griffe.DocstringSectionAttributes):
                yield from section.value


def list_attributes(
    owner: griffe.Class, shown: list[griffe.Attribute], described: dict[str, str]
) -> None:
    """Put one list of attributes into a class's docstring, with those first that it describes."""
    docstring = owner.docstring
    assert docstring  # noqa: S101 - only such classes are completed
    order = [*described, *(each.name for each in shown)]
    items = [
        griffe.DocstringAttribute(
            each.name,
            description=described.get(each.name) or described_by(each),
            annotation=each.annotation or annotation_of(owner, each),
        )
        for each in sorted(shown, key=lambda each: order.index(each.name))
    ]
    sections = [
        each
        for each in docstring.parsed
        if not isinstance(each, griffe.DocstringSectionAttributes)
    ]
    sections.insert(1, griffe.DocstringSectionAttributes(items))
    docstring.parsed = sections


def described_by(attribute: griffe.Attribute) -> str:
    """Return what an attribute says of itself: its docstring, or the value of an enum."""
    if attribute.docstring:
        return attribute.docstring.value
    return "" if attribute.annotation else f"`{attribute.value}`"


def annotation_of(owner: griffe.Class, attribute: griffe.Attribute) -> str | griffe.Expr | None:
    """Return the type of an attribute that a constructor sets from one of its parameters."""
    for each in (owner, *owner.mro()):
        constructor = each.members.get("__init__")
        if isinstance(constructor, griffe.Function):
            for parameter in constructor.parameters:
                if parameter.name == str(attribute.value):
                    return parameter.annotation
    return None


def constructor_of(owner: griffe.Class, fields: list[griffe.Attribute]) -> griffe.Function:
    """Return the constructor that msgspec makes of the fields of a struct."""
    parameters = [
        griffe.Parameter(
            each.name,
            annotation=each.annotation,
            default=each.value,
            kind=griffe.ParameterKind.keyword_only
            if isinstance(each.parent, griffe.Class) and each.parent.keywords.get("kw_only")
            else griffe.ParameterKind.positional_or_keyword,
        )
        for each in fields
    ]
    parameters.sort(key=lambda each: each.kind is griffe.ParameterKind.keyword_only)
    itself = griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)
    constructor = griffe.Function(
        "__init__", parameters=griffe.Parameters(itself, *parameters), returns="None"
    )
    constructor.parent = owner
    return constructor

"""Completes what the reference shows of a class, as an extension of griffe.

griffe reads the code without running it. So it does not know that the fields of a struct are the
parameters of its constructor. It shows a constant as a default by its name, and no type for an
attribute that the constructor sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import griffe

from docs.stubs import complete_stubs

STRUCT = "msgspec.Struct"
RECORDS = {STRUCT, "typing.TypedDict", "typing.NamedTuple"}
ENUMS = {"enum.Enum", "enum.IntEnum", "enum.StrEnum"}
ANSWERED = "heymarket_async.models.answered.Answered"


class Fields(griffe.Extension):
    """Lists the fields of records and the values of enums, and shows defaults as values.

    Attributes:
        hidden: The classes that only the package makes, so that their constructors are not shown.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hidden: list[griffe.Class] = []

    def on_package(self, *, pkg: griffe.Module, **_: object) -> None:
        """Complete every class and function of a package that was read."""
        defined = list(defined_in(pkg))
        for each in defined:
            if isinstance(each, griffe.Function):
                show_defaults(each)
        complete_stubs(pkg)
        classes = [each for each in defined if isinstance(each, griffe.Class) and each.docstring]
        for owner in classes:
            complete(owner)
        self.hidden = [owner for owner in classes if has_undescribed_constructor(owner)]
        for owner in self.hidden:
            owner.del_member("__init__")


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
    if bases & RECORDS or "dataclass" in owner.labels:
        shown = [each for each in attributes_of(owner) if is_typed(each)]
        if STRUCT in bases and ANSWERED not in bases:
            owner.set_member("__init__", constructor_of(owner, shown))
    elif bases & ENUMS:
        shown = attributes_of(owner)
    else:  # others name their bases, which are documented too
        own = {item.name for item in attributes_in(owner, with_bases=False)}
        shown = [each for each in attributes_of(owner) if each.name in own or is_typed(each)]
    if shown:
        list_attributes(owner, shown, described)


def path_of(base: str | griffe.Expr) -> str:
    """Return the full name of a base class, without what stands in brackets after it."""
    name = base.left if isinstance(base, griffe.ExprSubscript) else base
    return name if isinstance(name, str) else name.canonical_path


def attributes_of(owner: griffe.Class) -> list[griffe.Attribute]:
    """Return the public attributes of a class, and of the classes that it extends."""
    found = (member for each in (*reversed(owner.mro()), owner) for member in each.members.values())
    attributes = {each.name: each for each in found if isinstance(each, griffe.Attribute)}
    return [each for name, each in attributes.items() if not name.startswith("_")]


def is_typed(attribute: griffe.Attribute) -> bool:
    """Return whether an object has an attribute of this type: no property, no class variable."""
    return attribute.annotation is not None and "instance-attribute" in attribute.labels


def attributes_in(
    owner: griffe.Class, *, with_bases: bool = True
) -> Iterator[griffe.DocstringAttribute]:
    """Yield what the docstrings of a class and of its bases say of public attributes."""
    for each in (owner, *(owner.mro() if with_bases else ())):
        for section in each.docstring.parsed if each.docstring else ():
            if isinstance(section, griffe.DocstringSectionAttributes):
                yield from (item for item in section.value if not item.name.startswith("_"))


def has_undescribed_constructor(owner: griffe.Class) -> bool:
    """Return whether a class has a constructor with a parameter that no docstring describes."""
    constructor = owner.members.get("__init__")
    if not isinstance(constructor, griffe.Function):
        return False
    described = {item.name for item in attributes_in(owner)} | {"self"}
    for each in (owner, constructor):
        described |= {item.name for item in parameters_in(each)}
    return any(each.name not in described for each in constructor.parameters)


def parameters_in(
    documented: griffe.Class | griffe.Function,
) -> Iterator[griffe.DocstringParameter]:
    """Yield what a docstring says of parameters."""
    for section in documented.docstring.parsed if documented.docstring else ():
        if isinstance(section, griffe.DocstringSectionParameters):
            yield from section.value


def list_attributes(
    owner: griffe.Class, shown: list[griffe.Attribute], described: dict[str, str]
) -> None:
    """Put one list of attributes into a class's docstring, with those first that it describes."""
    docstring = owner.docstring
    assert docstring  # noqa: S101 - only such classes are completed
    order = [*described, *(each.name for each in shown)]
    has = {each.name for each in attributes_of(owner)}
    items = [
        griffe.DocstringAttribute(
            each.name,
            description=described.get(each.name) or described_by(each),
            annotation=each.annotation or annotation_of(owner, each),
        )
        for each in sorted(shown, key=lambda each: order.index(each.name))
    ]
    items += [item for item in attributes_in(owner) if item.name not in has]  # `gaps` reports it
    for each in shown:
        each.docstring = None  # else it is shown a second time
    kept = [
        each for each in docstring.parsed if each.kind is not griffe.DocstringSectionKind.attributes
    ]
    docstring.parsed = [*kept[:1], griffe.DocstringSectionAttributes(items), *kept[1:]]


def described_by(attribute: griffe.Attribute) -> str:
    """Return the docstring of an attribute, the first line of its class's, or an enum's value."""
    if attribute.docstring:
        return attribute.docstring.value
    if attribute.annotation is None:
        return f"`{attribute.value}`"
    if isinstance(attribute.annotation, griffe.ExprName):
        try:
            kind = attribute.modules_collection[attribute.annotation.canonical_path]
        except KeyError:  # of another package
            return ""
        return kind.docstring.value.partition("\n")[0] if kind.docstring else ""
    return ""


def annotation_of(owner: griffe.Class, attribute: griffe.Attribute) -> str | griffe.Expr | None:
    """Return the type of an attribute that a constructor sets from one of its parameters."""
    for each in (owner, *owner.mro()):
        constructor = each.members.get("__init__")
        if isinstance(constructor, griffe.Function):
            for parameter in constructor.parameters:
                if parameter.name == str(attribute.value):
                    return cast("str | griffe.Expr | None", parameter.annotation)
    return None


def constructor_of(owner: griffe.Class, fields: list[griffe.Attribute]) -> griffe.Function:
    """Return the constructor that msgspec makes of the fields of a struct."""
    by_name = griffe.ParameterKind.keyword_only
    by_place = griffe.ParameterKind.positional_or_keyword
    parameters = [
        griffe.Parameter(
            each.name,
            annotation=each.annotation,
            default=each.value,
            kind=by_name if "kw_only" in cast("griffe.Class", each.parent).keywords else by_place,
        )
        for each in fields
    ]
    parameters.sort(key=lambda each: (each.kind is by_name, not each.required))
    itself = griffe.Parameter("self", kind=by_place)
    constructor = griffe.Function(
        "__init__", parameters=griffe.Parameters(itself, *parameters), returns="None"
    )
    constructor.parent = owner
    return constructor

"""Gives the blocking client the docstrings and defaults of the asyncio client that it calls.

Its names are typed in a stub file, which has neither.
"""

from __future__ import annotations

import griffe

STUB = "blocking"
SOURCES = ("blocking.proxies", "public", "bulk.public")


def complete_stubs(package: griffe.Module) -> None:
    """Complete each name of the stub file by those of the same name: the blocking one first."""
    for name, stub in package[STUB].members.items() if STUB in package.members else ():
        for source in (package[path] for path in SOURCES):
            if name in source.members and isinstance(stub, griffe.Class | griffe.Function):
                complete(stub, target_of(source.members[name]))


def complete(stub: griffe.Object, source: griffe.Object) -> None:
    """Give a class or a function what it lacks of another one, and its members too."""
    if isinstance(stub, griffe.Function) and isinstance(source, griffe.Function):
        for parameter in stub.parameters:
            if parameter.default == "..." and parameter.name in source.parameters:
                parameter.default = source.parameters[parameter.name].default
    for name, member in stub.members.items() if isinstance(stub, griffe.Class) else ():
        if name in source.all_members and not isinstance(member, griffe.Alias):
            complete(member, target_of(source.all_members[name]))
    if source.docstring:
        docstring = griffe.Docstring(source.docstring.value, parent=stub, parser="google")
        if stub.docstring:  # of the blocking one, which leaves the parameters to the other
            known = {section.kind for section in stub.docstring.parsed}
            more = [each for each in docstring.parsed if each.kind not in known]
            stub.docstring.parsed = [*stub.docstring.parsed, *more]
        else:
            stub.docstring = docstring


def target_of(member: griffe.Object | griffe.Alias) -> griffe.Object:
    """Return a member itself, where griffe has an alias for an import or for a base's member."""
    return member.final_target if isinstance(member, griffe.Alias) else member

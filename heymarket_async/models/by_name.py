"""The base of things to write, which explains how their fields are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from heymarket_async.checks import spelling_hint


class _FieldsByName(msgspec.StructMeta):
    """Explains a wrong call: the errors of msgspec name neither the struct nor the right way."""

    if not TYPE_CHECKING:  # pragma: no branch - type checkers see the fields of each struct

        def __call__(cls, *args: object, **fields: object) -> object:  # noqa: N805 - a metaclass
            """Make a struct."""
            try:
                return _made(cls, *args, **fields)
            # Errors keep the variables of this frame. `hides_locals` would hide them, but it takes
            # as long as all the rest here, and `__post_init__` has it already.
            except TypeError:
                try:
                    problem = _problem(cls, args, fields)
                finally:
                    del args, fields
                if not problem:
                    raise
            except BaseException:  # without a call, which would fail where the stack is full
                del args, fields
                raise
            raise TypeError(problem)  # outside, because that error explains less


class ByName(msgspec.Struct, metaclass=_FieldsByName, frozen=True, kw_only=True):
    """The base of structs whose fields are given by name."""


_made = msgspec.StructMeta.__call__


def _problem(cls: type[msgspec.Struct], args: tuple[object, ...], fields: dict[str, object]) -> str:
    """Return the mistake in the arguments for a struct, or "" if it is none of these."""
    name, known = cls.__name__, cls.__struct_fields__
    required = [each.name for each in msgspec.structs.fields(cls) if each.required]
    if args:
        example = ", ".join(f"{each}=..." for each in required or known[:1])
        return f"{name} takes its fields by name: {name}({example})"
    for given in fields:
        if given not in known:
            hint = spelling_hint(given, known) or f". It has {', '.join(known)}"
            return f"{name} has no field {given!r}{hint}"
    missing = [each for each in required if each not in fields]
    return f"{name} needs {', '.join(missing)}" if missing else ""

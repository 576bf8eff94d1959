"""Decodes our own models, even if some fields have another type than documented.

It is used only if a body is not as documented. It goes row by row, and decodes only odd rows field
by field. A user's own types are never decoded like this.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from types import UnionType
from typing import Generic, NamedTuple, TypeVar, Union, cast, get_args, get_origin

import msgspec
from msgspec import Raw, ValidationError

from heymarket_async.models.answered import Answered

T = TypeVar("T")


@functools.cache
def _with_odd(kind: type[Answered]) -> Callable[..., Answered]:
    # A class of its own, so that the usual answers pay nothing for the field.
    return cast(
        "Callable[..., Answered]",
        msgspec.defstruct(
            f"Odd{kind.__name__}",
            [("odd", dict[str, object])],
            bases=(kind,),
            namespace={"__reduce__": _reduced},
            frozen=True,
            kw_only=True,
            gc=False,
        ),
    )


def _reduced(self: Answered) -> tuple[object, ...]:
    # pickle finds a class by its name, and this one is made when it is needed.
    return _restored, (type(self).__bases__[0], msgspec.structs.asdict(self))


def _restored(kind: type[Answered], values: dict[str, object]) -> Answered:
    return _with_odd(kind)(**values)


_OUR_MODULES = Answered.__module__.removesuffix("answered")
_WRITTEN_IN_DIGITS = frozenset({"phone", "channel_id", "target"})

_read_list = msgspec.json.Decoder(list[Raw]).decode
# An odd row takes some ten times as long to read. No page has so many.
_MOST_ODD = 20_000


class Listed(list[T], Generic[T]):
    """The readable elements of a list, the others left out.

    Attributes:
        left_out: How many elements are not objects, or lack a field that is needed.
    """

    left_out = 0


def is_ours(kind: object) -> bool:
    """Return True for our own models, which are read leniently."""
    is_answered = isinstance(kind, type) and issubclass(kind, Answered)
    return is_answered and kind.__module__.startswith(_OUR_MODULES)


def element_of(returns: object) -> object:
    """Return the type of the elements of a list type; None for another type."""
    return get_args(returns)[0] if get_origin(returns) is list else None


def read(kind: type[T], row: bytes | Raw) -> T:
    """Return one of our models. Values that do not fit its fields are in its `odd`.

    Raises:
        msgspec.DecodeError: It is not an object, or lacks a field that is needed.
    """
    ours = cast("type[Answered]", kind)
    try:
        return cast(T, _decoder(ours)(row))
    except ValidationError:
        sent = _reader_of_fields(ours)(row)
    values: dict[str, object] = {}
    odd: dict[str, object] = {}
    for name, field in _fields(ours).items():
        if value := cast(Raw, getattr(sent, name)):
            try:
                values[name] = field.decode(value)
            except ValidationError:
                odd[name] = msgspec.json.decode(value)
                values[name] = _partly(name, field, value, odd[name])
        elif field.is_required:
            values[name] = _instead(field)
    return cast(T, _with_odd(ours)(**values, odd=odd))


def read_list(kind: type[T], body: bytes) -> Listed[T]:
    """Return the elements of a list of our models that can be read.

    Raises:
        msgspec.DecodeError: It is not a list, or it has elements other than null, and none of them
            can be read.
    """
    rows = _read_list(body)
    found = _elements(kind, rows)
    if not found and any(bytes(row) != b"null" for row in rows):
        raise ValidationError("no element of the list can be read")
    return found


class _Field(NamedTuple):
    kind: object
    decode: Callable[[bytes | Raw], object]
    element: type[object] | None
    struct: type[object] | None
    is_required: bool


@functools.cache
def _decoder(kind: object) -> Callable[[bytes | Raw], object]:
    return msgspec.json.Decoder(cast(type[object], kind), strict=False).decode


@functools.cache
def _fields(kind: type[Answered]) -> dict[str, _Field]:
    return {
        each.encode_name: _Field(
            each.type, _decoder(each.type), *_ours_in(each.type), is_required=each.required
        )
        for each in msgspec.structs.fields(kind)
    }


@functools.cache
def _reader_of_fields(kind: type[Answered]) -> Callable[[bytes | Raw], object]:
    # Not a dict, which would hold every key that was sent.
    fields = [(name, Raw, Raw()) for name in _fields(kind)]
    return _decoder(msgspec.defstruct("Fields", fields, gc=False))


def _ours_in(type_: object) -> tuple[type[object] | None, type[object] | None]:
    """Return our model that a field may hold a list of, and the one that it may hold itself."""
    options = get_args(type_) if get_origin(type_) in {Union, UnionType} else (type_,)
    element = next(filter(is_ours, map(element_of, options)), None)
    own = next(filter(is_ours, options), None)
    return cast("type[object] | None", element), cast("type[object] | None", own)


def _partly(name: str, field: _Field, sent: Raw, value: object) -> object:
    if field.element and isinstance(value, list):
        return list(_elements(field.element, _read_list(sent)))
    if field.struct and bytes(sent).startswith(b"{"):
        with suppress(ValidationError):
            return read(field.struct, sent)
    if name in _WRITTEN_IN_DIGITS and type(value) is int and value > 0:
        return str(value)
    return _instead(field)


def _instead(field: _Field) -> object:
    if not field.is_required:
        return None
    if field.kind is not str:
        raise ValidationError("has no id")
    return ""


def _elements(kind: type[T], rows: list[Raw]) -> Listed[T]:
    found, odd = Listed[T](), 0
    for row in rows:
        try:
            found.append(each := read(kind, row))
            odd += type(each) is not kind
        except ValidationError:
            found.left_out += 1
        if odd + found.left_out > _MOST_ODD:
            raise ValidationError("too many elements are not as documented")
    return found

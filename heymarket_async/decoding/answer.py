"""Reads the body of a successful answer: the usual way, or as far as it can be read. No I/O."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import TypeVar, cast

import msgspec

from heymarket_async.decoding import lenient, mending, subject
from heymarket_async.decoding.failures import says_failed
from heymarket_async.decoding.subject import REFUSALS, UnreadableError
from heymarket_async.models import Contact
from heymarket_async.request import Repeat, Request

T = TypeVar("T")

NOTHING = frozenset({b"", b"null", b"{}", b"[]", b'""'})
_CONTACT_OF_NOBODY = {"contact": None}

Reader = Callable[[bytes], object]


def read(request: Request[T], body: bytes) -> T:
    """Return what a body holds: the usual way, or as far as it can be read.

    Raises:
        UnreadableError: It is not what was asked for.
    """
    found, reason = _try(reader(request.returns), body)
    if reason:
        found = _read_anyway(request, mending.mended(body))
    if request.about is not None:
        subject.check(found, request.about, body)
    return cast(T, found)


def says_none(body: bytes) -> bool:
    """Return True if a body that should hold one contact says that there is none."""
    text = mending.mended(body).strip()
    # To read a long one takes many times its memory.
    is_short = len(text) < 100
    return text in NOTHING or (is_short and _try(reader(object), text)[0] == _CONTACT_OF_NOBODY)


def _read_nothing(body: bytes) -> None:
    # The content is not needed, but a page of HTML, or an error, must not pass for a success.
    if body.strip() and says_failed(reader(object)(body)):
        raise msgspec.ValidationError("it says that the call failed")


def _read_raw(body: bytes) -> msgspec.Raw:
    if not _try(reader(object), body)[1]:
        return msgspec.Raw(body)
    kept = mending.as_kept(body)
    reader(object)(mending.mended(kept))
    return msgspec.Raw(kept)


_readers: dict[object, Reader] = {
    type(None): _read_nothing,
    msgspec.Raw: _read_raw,
    list[msgspec.Raw]: mending.rows,
}


def reader(returns: type[object]) -> Reader:
    """Return the function that reads a body into a type the usual way.

    Raises:
        TypeError: Nothing can be read into it.
    """
    known = _readers.get(returns)
    if known is None:
        # Not strict: a count comes as 1042 or "1042", and other numbers may do so too.
        known = _readers[returns] = msgspec.json.Decoder(returns, strict=False).decode
    return known


def _read_anyway(request: Request[T], text: bytes) -> object:
    returns, element = request.returns, lenient.element_of(request.returns)
    if element and request.repeat is Repeat.READ and text.strip() in {b"", b"null"}:
        return []  # so a list may end
    _, reason = _try(_check_json, text)
    if reason:
        is_garbled = reason != RecursionError.__name__  # else it is too deep
        raise UnreadableError(_kind_of(text) or reason, is_garbled=is_garbled)
    found, reason = _try(reader(returns), text)
    if reason and lenient.is_ours(element or returns):
        kind = cast("type[object]", element or returns)
        read_leniently = lenient.read_list if element else lenient.read
        found, reason = _try(functools.partial(read_leniently, kind), text)
    if reason:
        raise UnreadableError(reason + _place_in(returns, element, text))
    return found


def _try(read: Reader, body: bytes) -> tuple[object, str]:
    """Return what a body holds, and why it cannot be read, or ""."""
    # Not raised from within, so that no traceback holds what could not be read.
    try:
        return read(body), ""
    except REFUSALS as error:
        reason = str(error) if isinstance(error, msgspec.MsgspecError) else ""
        return None, _QUOTED.sub("***", reason) or type(error).__name__


# msgspec repeats a value that is none of an enum's, and a key that is not known.
_QUOTED = re.compile(r"(?<=value )(?:'.*'|-?\d\S*)|(?<=unknown field )`.*`", re.DOTALL)
_read_raw_only = msgspec.json.Decoder(msgspec.Raw).decode


def _check_json(body: bytes) -> None:
    _read_raw_only(body)  # builds nothing
    mending.check_utf_8(body)


def _kind_of(text: bytes) -> str:
    if not text.strip():
        return "it is empty"
    return "it is an HTML page" if text.lstrip().startswith(b"<") else ""


def _place_in(returns: type[object], element: object, text: bytes) -> str:
    """Return which contact does not fit a type of the user's own, and the remedy."""
    kind = element or returns
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)) or lenient.is_ours(kind):
        return ""
    rows = _try(reader(list[msgspec.Raw]), text)[0] if element else [msgspec.Raw(text)]
    for row in map(bytes, cast("list[msgspec.Raw] | None", rows) or ()):
        if _try(reader(kind), row)[1]:
            contact_id, _ = _try(lambda row: lenient.read(Contact, row).id, row)
            named = f", in the contact with id {contact_id}" if contact_id else ""
            return (
                f"{named}, which does not fit {kind.__name__}: widen the type of that field, or"
                " pass returns=msgspec.Raw"
            )
    return ""

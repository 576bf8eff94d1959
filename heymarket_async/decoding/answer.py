"""Decodes the body of a successful answer, and checks that it answers the call. No I/O.

A body is decoded as documented, or leniently if that fails.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TypeVar, cast
from uuid import UUID

import msgspec

from heymarket_async.checks import known_as
from heymarket_async.decoding import lenient, mending
from heymarket_async.decoding.failures import says_failed
from heymarket_async.models.answered import Answered
from heymarket_async.models.contact import Contact, ContactChannel, ContactRef
from heymarket_async.request import Repeat, Request

T = TypeVar("T")
A = TypeVar("A", bound=Answered)

NOTHING = frozenset({b"", b"null", b"{}", b"[]", b'""'})
_CONTACT_OF_NOBODY = {"contact": None}
_REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

Reader = Callable[[bytes], object]


class UnreadableError(Exception):
    """A body is not what was asked for.

    Attributes:
        is_garbled: It is not JSON at all.
    """

    def __init__(self, reason: str, *, is_garbled: bool = False) -> None:
        super().__init__(reason)
        self.is_garbled = is_garbled


def read_answer(request: Request[T], body: bytes) -> T:
    """Return a body, decoded as documented, or leniently if that fails.

    Raises:
        UnreadableError: It is not what was asked for.
    """
    found, reason = _try(reader(request.returns), body)
    if reason:
        found = _read_anyway(request, mending.mended(body))
    if request.about is not None:
        _check(found, request.about, body)
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
    """Return the function that decodes a body into a type, if it is as documented.

    Raises:
        TypeError: Nothing can be read into it.
    """
    known = _readers.get(returns)
    if known is None:
        # Numbers may come as text: a count comes as 1042 or "1042".
        known = _readers[returns] = msgspec.json.Decoder(returns, strict=False).decode
    return known


def _read_anyway(request: Request[T], text: bytes) -> object:
    returns, element = request.returns, lenient.element_of(request.returns)
    text = _unwrapped(element, text)
    if element and request.repeat is Repeat.READ and text.strip() in {b"", b"null"}:
        return []  # a list may end like this
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


def _unwrapped(element: object, text: bytes) -> bytes:
    """Return the list in an answer that has it under the key that its elements name, or the answer.

    Heymarket documents a list of inboxes on its own, and under "inboxes".
    """
    key = cast("type[Answered]", element).listed_in if lenient.is_ours(element) else ""
    if not key or text.lstrip()[:1] != b"{":
        return text
    found = cast("dict[str, msgspec.Raw]", _try(reader(dict[str, msgspec.Raw]), text)[0] or {})
    return bytes(found.get(key, text))


def _try(read: Reader, body: bytes) -> tuple[object, str]:
    """Return the decoded body, and the reason if it cannot be read, or ""."""
    # Not raised from within, so that no traceback holds what could not be read.
    try:
        return read(body), ""
    except _REFUSALS as error:
        reason = str(error) if isinstance(error, msgspec.MsgspecError) else ""
        return None, _QUOTED.sub("***", reason) or type(error).__name__


# msgspec quotes a value that is not in an enum, and an unknown key.
_QUOTED = re.compile(r"(?<=value )(?:'.*'|-?\d\S*)|(?<=unknown field )`.*`", re.DOTALL)
_read_raw_only = msgspec.json.Decoder(msgspec.Raw).decode


def _check_json(body: bytes) -> None:
    _read_raw_only(body)  # builds nothing
    mending.check_utf_8(body)


def _kind_of(text: bytes) -> str:
    if not text.strip():
        return "it is empty"
    if not text.lstrip().startswith(b"<"):
        return ""
    return (
        "it is an HTML page, which Heymarket does not send here: check base_url, and that no login"
        " page of a network or a proxy comes between"
    )


def _place_in(returns: type[object], element: object, text: bytes) -> str:
    """Return which contact does not fit a type of the user's own, and the remedy."""
    kind = element or returns
    if lenient.is_ours(kind):
        return ""
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return ", which is not of the type in `returns`: pass another one, or msgspec.Raw"
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


def _check(found: object, wanted: Mapping[str, object], body: bytes) -> None:
    """Make sure that an answer is about the thing that was asked for.

    A field that the answer leaves out is not compared. But it must have one that identifies it.

    Args:
        found: One of our models, a list of them, or another type that the body was read into.
        wanted: Fields of the thing, such as {"phone": "15105553344"}; empty if none is known
            before. A frozenset stands for one of several values.
        body: The answer's body.

    Raises:
        UnreadableError: It is about another thing, or about none.
    """
    if type(found) is ContactRef and not _names_more(body):
        # As a rule. It has no phone, and must not be read twice.
        if found.id <= 0:
            raise UnreadableError(_NOTHING_SAYS)
        if "id" in wanted and found.id != wanted["id"]:
            raise UnreadableError("it is about another id than was asked for")
    elif isinstance(found, list):
        _check_list(cast("list[object]", found), wanted, body)
    elif found is None:
        _check_unread(wanted, body)
    elif isinstance(found, Answered) and type(found) is not ContactRef:
        _check_one(found, wanted, body)
    else:
        _check_one(as_model(Contact, body), wanted, body)


_NOTHING_SAYS = "nothing in it says what it is about"
_names_more = re.compile(rb'"(?:phone|contact_channels|channel_type)"').search


def _check_one(found: Answered | None, wanted: Mapping[str, object], body: bytes) -> None:
    if found is None:
        raise UnreadableError("it is not a contact")
    _check_kind(found, body)
    number = getattr(found, "id", None)
    # An id of 0 is that of a record that was filled with nothing.
    if not (number > 0 if isinstance(number, int) else _is_identified(found)):
        raise UnreadableError(_NOTHING_SAYS)
    _compare(found, wanted)


def _check_list(found: list[object], wanted: Mapping[str, object], body: bytes) -> None:
    if "contact_id" in wanted:
        channels = cast("list[ContactChannel]", found)
        for channel in channels:
            _check(channel, {"contact_id": wanted["contact_id"]}, body)
        # One channel must match, as among those that a contact shows.
        values = {name: value for name, value in wanted.items() if name == "channel"}
        _compare(Contact(contact_channels=channels), values)
        return
    if all(isinstance(row, Contact) and not _is_bare(row) for row in found):
        for row in cast("list[Contact]", found):
            _compare(row, wanted)
        return
    for raw in map(bytes, mending.rows(body)):
        if (contact := as_model(Contact, raw)) is not None:  # else it is not an object
            _check_kind(contact, raw)
            _compare(contact, wanted)


def _check_unread(wanted: Mapping[str, object], body: bytes) -> None:
    """Make sure that an answer whose content is not needed is not about another thing."""
    if body.strip()[:1] not in {b"{", b"["}:  # as a rule it is a text
        return
    is_channel = "contact_id" in wanted
    text = mending.mended(body)
    rows: Iterable[bytes | msgspec.Raw] = [text]
    with suppress(*_REFUSALS):
        rows = mending.rows(text) or rows
    for row in map(bytes, rows):
        found = as_model(ContactChannel if is_channel else Contact, row)
        if found is not None:
            _compare(found, wanted)
        # How a call about a channel is answered is not documented: with the contact, perhaps. Its
        # uuid is compared then, and not its id, which may be that of a channel.
        contact = as_model(Contact, row) if is_channel else None
        if contact is not None and contact.uuid is not None:
            _compare(contact, {"uuid": wanted["contact_id"]})


def as_model(kind: type[A], row: bytes) -> A | None:
    """Return a row as one of our models, decoded leniently; None if it cannot be."""
    with suppress(*_REFUSALS):
        return mending.decode(functools.partial(lenient.read, kind), row)
    return None


def _check_kind(found: Answered, row: bytes) -> None:
    """Make sure that a contact is not a channel, or the reverse: both may have an id."""
    if isinstance(found, ContactChannel):
        if found.channel_type is None and found.channel_id is None:
            raise UnreadableError("it is not a channel")
    elif b'"channel_type"' in row and _is_bare(found):
        channel = as_model(ContactChannel, row)
        if channel is not None and channel.channel_type is not None:
            raise UnreadableError("it is a channel")


def _is_bare(found: Answered) -> bool:
    """Return True if no field shows what it is, which is rare."""
    if getattr(found, "rev", None) is not None:  # as a rule it is there
        return False
    return all(getattr(found, name, None) is None for name in _OF_CONTACTS)


_OF_CONTACTS = ("phone", "display_name", "contact_channels", "unsubscribed", "blocked")


def _is_identified(found: Answered) -> bool:
    values = (getattr(found, name, None) for name in _IDENTIFYING)
    return not _EMPTY.issuperset(values) or _is_uuid(found.odd.get("id"))


_IDENTIFYING = ("uuid", "phone", "unsubscribed", "blocked", "channel_type", "channel_id")
_EMPTY = frozenset({None, "", UUID(int=0)})


def _compare(found: Answered, wanted: Mapping[str, object]) -> None:
    for name, value in wanted.items():
        if getattr(found, name, None) == value:
            continue
        values = _values(found, name)
        wanted_values = cast(
            "frozenset[object]", value if isinstance(value, frozenset) else {value}
        )
        if values and values.isdisjoint(str(each).casefold() for each in wanted_values):
            raise UnreadableError(f"it is about another {name} than was asked for")


def _values(found: Answered, name: str) -> set[str]:
    """Return the values of a field, in one spelling; none if it is left out or cannot be compared.

    The channels count as phones of a contact. Its e-mail counts as a channel only if it shows its
    channels, since it need not be one of them.
    """
    channels: list[ContactChannel] = getattr(found, "contact_channels", None) or []
    if name == "phone":
        others = (each.channel_id for each in channels if each.channel_type == "phone")
        phones = (getattr(found, "phone", None), *others)
        return {re.sub(r"\D", "", phone) for phone in phones if phone}
    if name == "channel":
        ids = [each.channel_id for each in channels if each.channel_id]
        handles = (each.channel_handle for each in channels)
        own = (getattr(found, "phone", None), getattr(found, "email", None))
        return {known_as(each) for each in (*ids, *handles, *own) if each} if ids else set()
    value: object = getattr(found, name, None)
    if name == "uuid" and value is None:
        value = found.odd.get("id")
    if name in _MAY_BE_BLANK and not value:
        return set()
    if value is None or (name in {"uuid", "contact_id"} and not _is_uuid(value)):
        return set()
    return {str(value).casefold()}


# Only the id is sure in the answer to a send, so a 0 or an empty text there may mean nothing.
_MAY_BE_BLANK = frozenset({"local_id", "convo_id"})


def _is_uuid(value: object) -> bool:
    try:
        return bool(UUID(str(value)))
    except ValueError:
        return False

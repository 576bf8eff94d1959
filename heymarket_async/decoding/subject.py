"""Makes sure that an answer is about the thing that was asked for. No I/O."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TypeVar, cast
from uuid import UUID

import msgspec

from heymarket_async.checks import known_as
from heymarket_async.decoding import lenient, mending
from heymarket_async.models import Answered, Contact, ContactChannel, ContactRef

A = TypeVar("A", bound=Answered)

REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a reader raises for a body that it cannot read."""


class UnreadableError(Exception):
    """A body is not what was asked for.

    Attributes:
        is_garbled: It is no JSON at all.
    """

    def __init__(self, reason: str, *, is_garbled: bool = False) -> None:
        super().__init__(reason)
        self.is_garbled = is_garbled


def check(found: object, wanted: Mapping[str, object], body: bytes) -> None:
    """Make sure that an answer is about what was asked for.

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
        _check_one(_as(Contact, body), wanted, body)


_NOTHING_SAYS = "nothing in it says what it is about"
_names_more = re.compile(rb'"(?:phone|contact_channels|channel_type)"').search


def _check_one(found: Answered | None, wanted: Mapping[str, object], body: bytes) -> None:
    if found is None:
        raise UnreadableError("it is no contact")
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
            check(channel, {"contact_id": wanted["contact_id"]}, body)
        # One channel must match, as among those that a contact shows.
        shown = {name: value for name, value in wanted.items() if name == "channel"}
        _compare(Contact(contact_channels=channels), shown)
        return
    if all(isinstance(row, Contact) and not _is_bare(row) for row in found):
        for row in cast("list[Contact]", found):
            _compare(row, wanted)
        return
    for raw in map(bytes, mending.rows(body)):
        if (contact := _as(Contact, raw)) is not None:  # else it is no object
            _check_kind(contact, raw)
            _compare(contact, wanted)


def _check_unread(wanted: Mapping[str, object], body: bytes) -> None:
    """Make sure that an answer whose content is not needed is not about another thing."""
    if body.strip()[:1] not in {b"{", b"["}:  # as a rule it is a text
        return
    is_channel = "contact_id" in wanted
    text = mending.mended(body)
    rows: Iterable[bytes | msgspec.Raw] = [text]
    with suppress(*REFUSALS):
        rows = _read_rows(text) or rows
    for row in map(bytes, rows):
        found = _as(ContactChannel if is_channel else Contact, row)
        if found is not None:
            _compare(found, wanted)
        # How a call about a channel is answered is not documented: with the contact, perhaps. Its
        # uuid is compared then, and not its id, which may be that of a channel.
        contact = _as(Contact, row) if is_channel else None
        if contact is not None and contact.uuid is not None:
            _compare(contact, {"uuid": wanted["contact_id"]})


def _as(kind: type[A], row: bytes) -> A | None:
    """Return a row as one of our models, as far as it can be read; None if it cannot be."""
    with suppress(*REFUSALS):
        return mending.decode(functools.partial(lenient.read, kind), row)
    return None


_read_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _check_kind(found: Answered, row: bytes) -> None:
    """Make sure that a contact is no channel, and a channel no contact: both may have an id."""
    if isinstance(found, ContactChannel):
        if found.channel_type is None and found.channel_id is None:
            raise UnreadableError("it is no channel")
    elif b'"channel_type"' in row and _is_bare(found):
        channel = _as(ContactChannel, row)
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
    return not _NOTHING.issuperset(values) or _is_uuid(found.odd.get("id"))


_IDENTIFYING = ("uuid", "phone", "unsubscribed", "blocked", "channel_type", "channel_id")
_NOTHING = frozenset({None, "", UUID(int=0)})


def _compare(found: Answered, wanted: Mapping[str, object]) -> None:
    for name, value in wanted.items():
        if getattr(found, name, None) == value:
            continue
        shown = _shown(found, name)
        values = cast("frozenset[object]", value if isinstance(value, frozenset) else {value})
        if shown and shown.isdisjoint(str(each).casefold() for each in values):
            raise UnreadableError(f"it is about another {name} than was asked for")


def _shown(found: Answered, name: str) -> set[str]:
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
    if value is None or (name in {"uuid", "contact_id"} and not _is_uuid(value)):
        return set()
    return {str(value).casefold()}


def _is_uuid(value: object) -> bool:
    try:
        return bool(UUID(str(value)))
    except ValueError:
        return False

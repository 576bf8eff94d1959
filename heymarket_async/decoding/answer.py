"""The body of a successful answer: read the usual way, or as far as it can be read. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar, cast
from uuid import UUID

import msgspec

from heymarket_async.checks import known_as
from heymarket_async.decoding import lenient, mending
from heymarket_async.decoding.failures import says_failed
from heymarket_async.models import Answered, Contact, ContactChannel, ContactRef
from heymarket_async.request import Repeat, Request

T = TypeVar("T")

NOTHING = frozenset({b"", b"null", b"{}", b"[]", b'""'})
_CONTACT_OF_NOBODY = {"contact": None}
_REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class UnreadableError(Exception):
    """A body is not what was asked for.

    Attributes:
        is_garbled: It is no JSON at all.
    """

    def __init__(self, reason: str, *, is_garbled: bool = False) -> None:
        super().__init__(reason)
        self.is_garbled = is_garbled


Reader = Callable[[bytes], object]
_readers: dict[object, Reader] = {}


def reader(returns: type[object]) -> Reader:
    """Return what reads a body into a type the usual way.

    Raises:
        TypeError: Nothing can be read into it.
    """
    known = _readers.get(returns)
    if known is None:
        known = _readers[returns] = _new_reader(returns)
    return known


def read(request: Request[T], body: bytes) -> T:
    """Return what a body holds: the usual way, or as far as it can be read.

    Raises:
        UnreadableError: It is not what was asked for.
    """
    try:
        found = cast(T, reader(request.returns)(body))
    except _REFUSALS:
        pass
    else:
        if request.about is not None:
            _check(found, request.about, body)
        return found
    found = _read_anyway(request, mending.mended(body))
    if request.about is not None:
        _check(found, request.about, body)
    return found


def says_none(body: bytes) -> bool:
    """Whether a body that should hold one contact says that there is none."""
    text = mending.mended(body).strip()
    # To read a long one takes many times its memory.
    is_short = len(text) < 100
    return text in NOTHING or (is_short and _try(reader(object), text)[0] == _CONTACT_OF_NOBODY)


def _check(found: object, wanted: Mapping[str, object], body: bytes) -> None:
    """Make sure that an answer is about what was asked for.

    What an answer leaves out is not compared, but it must have something that it is known by.

    Args:
        found: One of our models, or a list of them, or what else the body was read into.
        wanted: What the thing is known by, such as {"phone": "15105553344"}; empty if that is not
            known before.
        body: The answer's body.

    Raises:
        UnreadableError: It is about another thing, or about none.
    """
    if type(found) is ContactRef:
        # It has no phone, and as a rule the answer names none. One that does is read as a contact.
        if _names_more(body):
            _check(msgspec.Raw(body), wanted, body)
        elif found.id <= 0:
            raise UnreadableError(_NOTHING_SAYS)
        elif "id" in wanted and found.id != wanted["id"]:
            raise UnreadableError("it is about another id than was asked for")
        return
    if isinstance(found, list):
        _check_list(cast(list[object], found), wanted, body)
        return
    if found is None:
        _check_content(wanted, body)
        return
    if not isinstance(found, Answered):
        try:
            found = mending.decode(_read_contact, body)
        except msgspec.DecodeError:
            raise UnreadableError("it is no contact") from None
    _check_kind(found, body)
    number = getattr(found, "id", None)
    # Not above 0, it is that of a record that was filled with nothing.
    if not (number > 0 if isinstance(number, int) else _is_known(found)):
        raise UnreadableError(_NOTHING_SAYS)
    _compare(found, wanted)


_NOTHING_SAYS = "nothing in it says what it is about"
_names_more = re.compile(rb'"(?:phone|contact_channels|channel_type)"').search


def _check_list(found: list[object], wanted: Mapping[str, object], body: bytes) -> None:
    if "contact_id" in wanted:
        for each in found:
            _check(each, {"contact_id": wanted["contact_id"]}, body)
        # Of these one must match, as of those that a contact shows.
        channels = cast("list[ContactChannel]", found)
        shown = {name: value for name, value in wanted.items() if name == "channel"}
        _compare(Contact(contact_channels=channels), shown)
        return
    is_plain = all(isinstance(each, Contact) and not _is_bare(each) for each in found)
    for row in found if is_plain else _read_rows(body):
        if isinstance(row, msgspec.Raw):
            contact = cast("Contact | None", _try(_read_mended, bytes(row))[0])
            if contact is None:
                continue  # it is no object
            _check_kind(contact, bytes(row))
        else:
            contact = cast("Contact", row)
        _compare(contact, wanted)


def _check_kind(found: Answered, row: bytes) -> None:
    """Make sure that a contact is no channel, and a channel no contact: both may have an id."""
    if isinstance(found, ContactChannel):
        if found.channel_type is None and found.channel_id is None:
            raise UnreadableError("it is no channel")
    elif b'"channel_type"' in row and _is_bare(found):
        channel = cast("ContactChannel | None", _try(_read_channel, row)[0])
        if channel is not None and channel.channel_type is not None:
            raise UnreadableError("it is a channel")


def _is_bare(found: Answered) -> bool:
    """Whether nothing in it tells what it is, which is rare."""
    if getattr(found, "rev", None) is not None:  # as a rule it is there
        return False
    return all(getattr(found, name, None) is None for name in _TELLS_WHAT)


_TELLS_WHAT = ("phone", "display_name", "contact_channels", "unsubscribed", "blocked")


def _compare(found: Answered, wanted: Mapping[str, object]) -> None:
    for name, value in wanted.items():
        if getattr(found, name, None) != value and not _is(found, name, value):
            raise UnreadableError(f"it is about another {name} than was asked for")


def _check_content(wanted: Mapping[str, object], body: bytes) -> None:
    """Make sure that an answer whose content is not needed is not about another thing."""
    if body.strip()[:1] not in _BEGINS_OBJECTS:  # as a rule it is a text
        return
    kind = ContactChannel if "contact_id" in wanted else Contact
    text = mending.mended(body)
    rows = cast("list[msgspec.Raw] | None", _try(_decode_rows, text)[0])
    for row in rows or [msgspec.Raw(text)]:
        found = cast("Answered | None", _try(lambda each: lenient.read(kind, each), bytes(row))[0])
        if found is not None:
            _compare(found, wanted)
        if kind is ContactChannel and (contact := _try(_read_contact, bytes(row))[0]) is not None:
            # How these are answered is not documented: with the contact, perhaps.
            _compare_uuid(cast("Contact", contact), wanted["contact_id"])


def _compare_uuid(found: Contact, wanted: object) -> None:
    if found.uuid is not None:  # and not its `id`, which may be that of a channel
        _compare(found, {"uuid": wanted})


_BEGINS_OBJECTS = frozenset({b"{", b"["})


def _read_contact(row: bytes | msgspec.Raw) -> Contact:
    return lenient.read(Contact, row)


def _read_mended(row: bytes) -> Contact:
    return mending.decode(_read_contact, row)


def _read_channel(row: bytes) -> ContactChannel:
    return mending.decode(lambda each: lenient.read(ContactChannel, each), row)


def _new_reader(returns: type[object]) -> Reader:
    if returns is type(None):
        return _read_nothing
    if returns is msgspec.Raw:
        return _read_raw
    if returns == list[msgspec.Raw]:
        return _read_rows
    # Not strict: a count comes as 1042 or "1042", and other numbers may do so too.
    return msgspec.json.Decoder(returns, strict=False).decode


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


_decode_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _read_rows(body: bytes) -> list[msgspec.Raw]:
    try:
        rows = _decode_rows(body)
        if not body.isascii():
            body.decode()  # the one thing that msgspec does not check in what is kept as bytes
    except (msgspec.DecodeError, UnicodeDecodeError):
        return mending.rows(body)
    return rows


_keep = msgspec.json.Decoder(msgspec.Raw).decode


def _check_json(body: bytes) -> None:
    _keep(body)  # builds nothing
    if not body.isascii():
        body.decode()


def _read_anyway(request: Request[T], text: bytes) -> T:
    returns, element = request.returns, lenient.element_of(request.returns)
    if element and request.repeat is Repeat.READ and text.strip() in {b"", b"null"}:
        return cast(T, [])  # so a list may end
    _, reason = _try(_check_json, text)
    if reason:
        raise UnreadableError(_kind_of(text) or reason, is_garbled=reason != _TOO_DEEP)
    found, reason = _try(reader(returns), text)
    if reason and (lenient.is_ours(returns) or lenient.is_ours(element)):
        found, reason = _try(_lenient_reader(returns, element), text)
    if reason:
        raise UnreadableError(reason + _place_in(returns, element, text))
    return cast(T, found)


_TOO_DEEP = RecursionError.__name__


def _try(read: Reader, body: bytes) -> tuple[object, str]:
    """Return what a body holds, and why it cannot be read, or ""."""
    # Not raised from within, so that no traceback holds what could not be read.
    try:
        return read(body), ""
    except _REFUSALS as error:
        reason = str(error) if isinstance(error, msgspec.MsgspecError) else ""
        return None, _QUOTED.sub("***", reason) or type(error).__name__


# msgspec repeats a value that is none of an enum's, and a key that is not known.
_QUOTED = re.compile(r"(?<=value )(?:'.*'|-?\d\S*)|(?<=unknown field )`.*`", re.DOTALL)


def _lenient_reader(returns: type[object], element: object) -> Reader:
    if element is None:
        return lambda body: lenient.read(returns, body)
    return lambda body: lenient.read_list(cast("type[object]", element), body)


def _kind_of(text: bytes) -> str:
    if not text.strip():
        return "it is empty"
    return "it is an HTML page" if text.lstrip().startswith(b"<") else ""


def _place_in(returns: type[object], element: object, text: bytes) -> str:
    """Return which contact does not fit a type of the user's own, and what to do."""
    kind = element or returns
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)) or lenient.is_ours(kind):
        return ""
    rows = _try(_decode_rows, text)[0] if element else [msgspec.Raw(text)]
    for row in map(bytes, cast("list[msgspec.Raw] | None", rows) or ()):
        if _try(reader(kind), row)[1]:
            who, _ = _try(lambda row: lenient.read(Contact, row).id, row)
            named = f", in the contact with id {who}" if who else ""
            return (
                f"{named}, which does not fit {kind.__name__}: widen the type of that field, or"
                " pass returns=msgspec.Raw"
            )
    return ""


def _is_known(found: Answered) -> bool:
    known = any(getattr(found, name, None) not in _FILLED_WITH_NOTHING for name in _KNOWN_BY)
    return known or _is_uuid(found.odd.get("id"))


_FILLED_WITH_NOTHING = frozenset({None, "", UUID(int=0)})
_KNOWN_BY = ("uuid", "phone", "unsubscribed", "blocked", "channel_type", "channel_id")


def _is(found: Answered, name: str, wanted: object) -> bool:
    if name == "channel":
        ids = _channels_of(found)
        return not ids or not ids.isdisjoint(cast("frozenset[str]", wanted))
    if name == "phone":
        phones = _phones_of(found)
        several = cast("frozenset[str]", wanted if isinstance(wanted, frozenset) else {wanted})
        return not phones or not phones.isdisjoint(several)
    if isinstance(wanted, frozenset):  # one of several
        return any(_is(found, name, each) for each in cast("frozenset[object]", wanted))
    value: object = getattr(found, name, None)
    if name == "uuid" and value is None:
        value = found.odd.get("id")
    if value is None or (name in {"uuid", "contact_id"} and not _is_uuid(value)):
        return True
    return str(value).casefold() == str(wanted).casefold()


def _phones_of(found: Answered) -> set[str]:
    channels: list[ContactChannel] = getattr(found, "contact_channels", None) or []
    others = (each.channel_id for each in channels if each.channel_type == "phone")
    phones = (getattr(found, "phone", None), *others)
    return {re.sub(r"\D", "", phone) for phone in phones if phone}


def _channels_of(found: Answered) -> set[str]:
    """Return what a contact is reached by, as `known_as` spells it, if it shows its channels.

    Its e-mail alone tells nothing, as it need not be one of them; its phone is compared as such.
    """
    channels: list[ContactChannel] = getattr(found, "contact_channels", None) or []
    ids = [each.channel_id for each in channels if each.channel_id]
    if not ids:
        return set()
    handles = (each.channel_handle for each in channels)
    own = (getattr(found, "phone", None), getattr(found, "email", None))
    return {known_as(each) for each in (*ids, *handles, *own) if each}


def _is_uuid(value: object) -> bool:
    try:
        return bool(UUID(str(value)))
    except ValueError:
        return False

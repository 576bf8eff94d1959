"""Which contacts the account has for these phones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar, cast

import msgspec

from heymarket_async.checks import Int64
from heymarket_async.client import HeymarketClient
from heymarket_async.decoding import mending
from heymarket_async.errors import DecodeError, StatusError


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A contact that the account has. One odd field of it must not end an import.

    Attributes:
        id: None if it is no integer of 64 bits.
        rev: None if it is no integer of 64 bits.
        phone: As it was sent, like all that follows.
    """

    id: Int64 | None = None
    rev: Int64 | None = None
    phone: object = None
    first: object = None
    last: object = None
    display_name: object = None
    email: object = None
    custom: object = None
    avatar: object = None
    assigned_user_id: object = None
    tags: object = None
    is_opted_out: object = None
    contact_channels: object = None


def known_of(sent: Sequence[msgspec.Raw]) -> tuple[list[Known], bool]:
    """Return the contacts of an answer, and whether it holds something that is no contact.

    A contact has a positive id, or a phone if its id is odd or missing. One that is listed twice
    is one, in its newer version. Null and {} are nothing at all.
    """
    contacts: dict[int | bytes, Known] = {}
    has_others = False
    for each in sent:
        if (contact := _known(each)) is None:
            has_others = has_others or b"".join(bytes(each).split()) not in _NOTHING
            continue
        key = contact.id or bytes(each)
        if key not in contacts or (contact.rev or 0) > (contacts[key].rev or 0):
            contacts[key] = contact
    return list(contacts.values()), has_others


def phones_of(contact: Known) -> Iterator[str]:
    """Give the phones of a contact, as digits."""
    yield _digits(contact.phone)
    for channel in listed(contact.contact_channels):
        if isinstance(channel, dict):
            fields = cast(dict[str, object], channel)
            if fields.get("channel_type") == "phone":
                yield _digits(fields.get("channel_id"))


def listed(value: object) -> list[object]:
    """Return the elements of what should be a list; a value that is none is its only element."""
    if isinstance(value, list):
        return cast(list[object], value)
    return [value] if value else []


def _known(sent: msgspec.Raw) -> Known | None:
    try:
        contact = mending.decode(_decode, sent)
    except msgspec.MsgspecError:
        fields = mending.decode(_decode_any, sent)
        if not isinstance(fields, dict):
            return None
        contact = _odd(cast(dict[str, object], fields))
    is_one = any(phones_of(contact)) if contact.id is None else contact.id > 0
    return contact if is_one else None


def _odd(fields: dict[str, object]) -> Known:
    for name in ("id", "rev"):
        try:
            fields[name] = msgspec.convert(fields.get(name), Int64 | None, strict=False)
        except msgspec.ValidationError:
            fields[name] = None
    return msgspec.convert(fields, Known)


def _digits(phone: object) -> str:
    return str(phone or "").removeprefix("+")


_NOTHING = frozenset({b"null", b"{}"})
_decode = msgspec.json.Decoder(Known, strict=False).decode
_decode_any = msgspec.json.Decoder().decode


T = TypeVar("T")

_PAGE = 30
_NO_ANSWER = "the look for its phone was answered with something else than the contact that has it"
_MAY_BE_OF_A_ROW = frozenset({400, 409, 413, 414, 422})
"""What is refused by any other status is of the account, the credentials or the server."""


class Found(msgspec.Struct, kw_only=True):
    """What was found.

    Attributes:
        contacts: The contacts that have a phone; phones that nobody has are missing.
        refused: Why a look for a phone gave no answer.
    """

    contacts: dict[str, list[Known]] = msgspec.field(default_factory=dict[str, list[Known]])
    refused: dict[str, str] = msgspec.field(default_factory=dict[str, str])

    def add(self, other: Found) -> None:
        """Take in what was found for other phones."""
        self.contacts.update(other.contacts)
        self.refused.update(other.refused)


async def look_up(client: HeymarketClient, phones: Sequence[str]) -> Found:
    """Find the contacts that have these phones, with one request if Heymarket takes it.

    A request that is refused, or answered oddly, is cut in halves, down to the one phone that is at
    fault.

    A contact may have a phone as a second channel, which lists need not show. If one was found
    for none of the phones, those that are left over are looked up one at a time; so they are if
    something was answered that is no contact. A phone that gets nothing else then has no answer,
    and neither has one that gets several contacts of which none shows it.

    No paging is documented, but lists are cut to a page where none is asked for. So phones that
    are missing from an answer as long as that are asked for again.

    Raises:
        HeymarketError: The search failed otherwise.
    """
    found = Found()
    try:
        sent = await client.contacts_v2.search(phones=phones, returns=msgspec.Raw)
    except (StatusError, DecodeError) as error:
        if isinstance(error, DecodeError):
            # It is too large, or about somebody else, for some of the phones.
            is_divisible = not error.is_garbled
        else:
            is_divisible = may_be_of_one_row(error)
        if not is_divisible:
            raise
        if len(phones) == 1:
            return Found(refused={phones[0]: str(error)})
        for half in halves(phones):
            found.add(await look_up(client, half))
        return found
    contacts, has_others = known_of(sent)
    has_strays = _sorted_in(contacts, phones, found) or has_others
    if len(phones) == 1:
        if contacts and (found.contacts or len(contacts) == 1):
            return Found(contacts={phones[0]: contacts})
        return Found(refused={phones[0]: _NO_ANSWER} if has_strays else {})
    left_over = [phone for phone in phones if phone not in found.contacts]
    if has_strays:
        for phone in left_over:
            found.add(await look_up(client, [phone]))
    elif left_over and len(sent) >= _PAGE:
        found.add(await look_up(client, left_over))
    return found


def may_be_of_one_row(error: StatusError) -> bool:
    """Whether a request may have been refused for its size, or for one row in it.

    Neither how much a request may hold is documented, nor how one is refused that has a bad row.
    """
    return error.status in _MAY_BE_OF_A_ROW


def halves(items: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """Cut a sequence of at least two in halves."""
    middle = len(items) // 2
    return items[:middle], items[middle:]


def _sorted_in(contacts: Sequence[Known], phones: Sequence[str], found: Found) -> bool:
    """Give each contact to its phones, and return whether one has none of them."""
    wanted = set(phones)
    has_strays = False
    for contact in contacts:
        own = wanted.intersection(phones_of(contact))
        has_strays = has_strays or not own
        for phone in own:
            found.contacts.setdefault(phone, []).append(contact)
    return has_strays

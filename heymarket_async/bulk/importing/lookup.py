"""Looks up which contacts the account has for the phones of an import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias, TypeVar, cast

import msgspec

from heymarket_async.checks import Int64
from heymarket_async.client import HeymarketClient
from heymarket_async.decoding import mending
from heymarket_async.errors import DecodeError, StatusError
from heymarket_async.walk.cursor import PAGE_SIZE

T = TypeVar("T")

_NO_ANSWER = "the lookup of its phone was answered with something else than a contact that has it"
_MAY_BE_OF_A_ROW = frozenset({400, 409, 413, 414, 422})
"""A refusal with any other status is about the account, the credentials or the server."""


class Existing(msgspec.Struct, frozen=True, kw_only=True):
    """A contact that the account has; a field of an odd type must not end an import.

    Attributes:
        id: None if it is not an integer of 64 bits.
        rev: None if it is not an integer of 64 bits.
        phone: As the server sent it, like all fields below.
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


Found: TypeAlias = dict[str, "list[Existing] | str"]
"""The contacts that have a phone, by phone, or why its lookup gave no answer.

A phone that no contact has is missing.
"""


async def look_up(client: HeymarketClient, phones: Sequence[str]) -> Found:
    """Find the contacts that have these phones, with one request if Heymarket takes it.

    A request that is refused, or answered unreadably, is repeated in halves, down to the one phone
    at fault.

    A contact may have a phone as a second channel, which lists need not show. So if a contact has
    none of the phones, or an element of the answer is not a contact, the phones without a contact
    are looked up again, one at a time. If even that answer shows no contact with the phone, the
    lookup counts as not answered; a single contact counts as the one that has it.

    No paging is documented, but Heymarket cuts other lists to a page by default. So phones that are
    missing from an answer as long as a page are asked for again.

    Raises:
        HeymarketError: The search failed in another way.
    """
    try:
        sent = await client.contacts_v2.search(phones=phones, returns=msgspec.Raw)
    except (StatusError, DecodeError) as error:
        if not _is_divisible(error):
            raise
        if len(phones) == 1:
            return {phones[0]: str(error)}
        return await _look_up_each(client, halves(phones))
    contacts, has_others = _existing(sent)
    found, has_strays = _by_phone(contacts, phones)
    if len(phones) == 1:
        if contacts and (found or len(contacts) == 1):
            return {phones[0]: contacts}
        return {phones[0]: _NO_ANSWER} if has_strays or has_others else {}
    left = [phone for phone in phones if phone not in found]
    if has_strays or has_others:
        return found | await _look_up_each(client, [[phone] for phone in left])
    if left and len(sent) >= PAGE_SIZE:
        return found | await look_up(client, left)
    return found


def may_be_of_one_row(error: StatusError) -> bool:
    """Whether a request may have been refused for its size, or for one row in it.

    It is not documented how much a request may hold, nor how one with a bad row is refused.
    """
    return error.status in _MAY_BE_OF_A_ROW


def is_refusal(error: StatusError) -> bool:
    """Whether a call about one contact was refused, which need not stop the others."""
    return may_be_of_one_row(error) or error.status in {403, 404}


def halves(items: Sequence[T]) -> list[Sequence[T]]:
    """Cut a sequence of at least two in halves."""
    middle = len(items) // 2
    return [items[:middle], items[middle:]]


def phones_of(contact: Existing) -> Iterator[str]:
    """Give the phones of a contact, as digits."""
    yield _digits(contact.phone)
    for channel in as_list(contact.contact_channels):
        if isinstance(channel, dict):
            fields = cast(dict[str, object], channel)
            if fields.get("channel_type") == "phone":
                yield _digits(fields.get("channel_id"))


def as_list(value: object) -> list[object]:
    """Return the elements of a list; a single value as a list of one; nothing for null."""
    if isinstance(value, list):
        return cast(list[object], value)
    return [value] if value else []


async def _look_up_each(client: HeymarketClient, parts: Iterable[Sequence[str]]) -> Found:
    found: Found = {}
    for phones in parts:
        found |= await look_up(client, phones)
    return found


def _is_divisible(error: StatusError | DecodeError) -> bool:
    if isinstance(error, DecodeError):
        # The answer is too large, or about somebody else, for some of the phones.
        return not error.is_garbled
    return may_be_of_one_row(error)


def _by_phone(contacts: Sequence[Existing], phones: Sequence[str]) -> tuple[Found, bool]:
    """Return the contacts by phone, and whether one of them has none of the phones."""
    found: dict[str, list[Existing]] = {}
    wanted, has_strays = set(phones), False
    for contact in contacts:
        own = wanted.intersection(phones_of(contact))
        has_strays = has_strays or not own
        for phone in own:
            found.setdefault(phone, []).append(contact)
    return {**found}, has_strays


def _existing(sent: Sequence[msgspec.Raw]) -> tuple[list[Existing], bool]:
    """Return the contacts of an answer, and whether it holds something that is not a contact.

    A contact has a positive id, or a phone if its id is odd or missing. If it is listed twice, the
    newer version counts. Null and {} are ignored.
    """
    contacts: dict[int | bytes, Existing] = {}
    has_others = False
    for raw in sent:
        if (contact := _decoded(raw)) is None:
            has_others = has_others or b"".join(bytes(raw).split()) not in _NOTHING
            continue
        key = contact.id or bytes(raw)
        if key not in contacts or (contact.rev or 0) > (contacts[key].rev or 0):
            contacts[key] = contact
    return list(contacts.values()), has_others


def _decoded(raw: msgspec.Raw) -> Existing | None:
    try:
        contact = mending.decode(_decode, raw)
    except msgspec.MsgspecError:
        fields = mending.decode(_decode_any, raw)
        if not isinstance(fields, dict):
            return None
        contact = _with_odd_numbers(cast(dict[str, object], fields))
    is_contact = any(phones_of(contact)) if contact.id is None else contact.id > 0
    return contact if is_contact else None


def _with_odd_numbers(fields: dict[str, object]) -> Existing:
    for name in ("id", "rev"):
        try:
            fields[name] = msgspec.convert(fields.get(name), Int64 | None, strict=False)
        except msgspec.ValidationError:
            fields[name] = None
    return msgspec.convert(fields, Existing)


def _digits(phone: object) -> str:
    return str(phone or "").removeprefix("+")


_NOTHING = frozenset({b"null", b"{}"})
_decode = msgspec.json.Decoder(Existing, strict=False).decode
_decode_any = msgspec.json.Decoder().decode

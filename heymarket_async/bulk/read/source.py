"""The lists of an account that jobs read."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from heymarket_async import timestamps
from heymarket_async.bulk.kind import CONTACT, CONVERSATION, MESSAGE, Kind
from heymarket_async.bulk.read.versions import Batch, batch_of_page
from heymarket_async.client import HeymarketClient, transport_of
from heymarket_async.decoding import mending
from heymarket_async.endpoints.contacts_v2 import MAX_LIMIT, ContactsV2
from heymarket_async.endpoints.conversations import Conversations
from heymarket_async.endpoints.history import HISTORY, HistoryPages, history_request
from heymarket_async.endpoints.listing import Listing, WalkQuery, page_sizes_of
from heymarket_async.endpoints.messages import Messages
from heymarket_async.models.answered import Ref
from heymarket_async.transport.account import bound_to_account
from heymarket_async.walk.page_size import PageSizes
from heymarket_async.walk.rows import reader
from heymarket_async.walk.walk import Page, Walk, walk


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A list of records, and what a job must know to read it.

    Attributes:
        kind: The kind of its records.
        surface: Its name in cursors and checkpoints, with its filters.
        name: Its name where the sizes of pages are kept, without filters.
        walk: Returns a walk over it, whose records are JSON as the server sends it.
        newest: Returns a walk from the newest record on, if `walk` is known to be oldest first.
        count: Counts its records that were updated after a time, or all; None: it cannot be known.
        end: Gets its oldest (True) or its newest record, in a list, so that its time range can be
            divided; None: it cannot be divided.
        most: The largest `limit` that is documented, or None.
        holds: Whether a record belongs to it, if the server may list others; None: all do.
    """

    kind: Kind
    surface: str
    name: str
    walk: Callable[[HeymarketClient, WalkQuery], Walk[msgspec.Raw]]
    newest: Callable[[HeymarketClient, WalkQuery], Walk[msgspec.Raw]] | None = None
    count: Callable[[HeymarketClient, str | None], Awaitable[int | None]] | None = None
    end: Callable[[HeymarketClient, bool], Awaitable[list[msgspec.Raw]]] | None = None
    most: int | None = None
    holds: Callable[[bytes | msgspec.Raw], bool] | None = None

    def page_sizes(self, client: HeymarketClient, *, best: int | None = None) -> PageSizes:
        """Return the limits that were tried; see `page_sizes_of`."""
        return page_sizes_of(transport_of(client), self.name, most=self.most, best=best)

    def batch(self, page: Page[msgspec.Raw]) -> Batch:
        """Return the records of a page, without elements that are not records."""
        return batch_of_page(page, self.kind)

    def chosen(self, batch: Batch) -> Batch:
        """Return the records that belong to this list."""
        if self.holds is None:
            return batch
        return batch.only([place for place, item in enumerate(batch.items) if self.holds(item)])


# Contacts


class _NewestFirst(ContactsV2):
    """The list of v2, newest first."""

    _order: ClassVar[Mapping[str, object]] = {"ascending": False}


async def _count_contacts(client: HeymarketClient, date: str | None) -> int:
    return await client.contacts.count(date=date)


async def _count_v1(client: HeymarketClient, date: str | None) -> int | None:
    # It counts those after the date, and v1 may list those before it.
    return None if date is not None else await _count_contacts(client, None)


async def _end_of_contacts(client: HeymarketClient, ascending: bool) -> list[msgspec.Raw]:
    return await client.contacts_v2.page(limit=1, ascending=ascending, returns=msgspec.Raw)


CONTACTS_V1 = Source(
    kind=CONTACT,
    surface="v1",
    name="v1",
    walk=lambda client, query: client.contacts.iterate(**query, returns=msgspec.Raw),
    count=_count_v1,
    end=_end_of_contacts,
)

CONTACTS_V2 = Source(
    kind=CONTACT,
    surface="v2",
    name="v2",
    walk=lambda client, query: client.contacts_v2.iterate(**query, returns=msgspec.Raw),
    newest=lambda client, query: _NewestFirst(transport_of(client)).iterate(
        **query, returns=msgspec.Raw
    ),
    count=_count_contacts,
    end=_end_of_contacts,
    most=MAX_LIMIT,
)


def source_of_contacts(surface: str) -> Source:
    """Return the list of contacts with this name.

    Raises:
        ValueError: No list has it.
    """
    source = {"v1": CONTACTS_V1, "v2": CONTACTS_V2}.get(surface)
    if source is None:
        raise ValueError('surface must be "v1" or "v2"')
    return source


# Messages and conversations


MESSAGES = Source(
    kind=MESSAGE,
    surface="messages",
    name="messages",
    walk=lambda client, query: client.messages.iterate(**query, returns=msgspec.Raw),
    count=lambda client, _: client.messages.count(),
    end=lambda client, ascending: client.messages.page(
        limit=1, ascending=ascending, returns=msgspec.Raw
    ),
)


class _Filtered(Listing[Any]):
    """A list that is walked with any filters, under any name in cursors."""

    def filtered(
        self, query: WalkQuery, filters: Mapping[str, object], surface: str
    ) -> Walk[msgspec.Raw]:
        return self._walk(query, msgspec.Raw, filters, surface=surface)


class _Messages(_Filtered, Messages):
    pass


class _InConversation(msgspec.Struct):
    conversation: Ref | None = None


_decode_conversation = msgspec.json.Decoder(_InConversation).decode


def messages_of_conversation(conversation_id: int) -> Source:
    """Return the messages of one conversation.

    The list is asked for them by `parent_id`, as Heymarket's own app does. Since that is not
    documented, messages of other conversations that are listed nevertheless are left out.
    """
    surface = f"messages of conversation {conversation_id}"
    filters = {"parent_id": conversation_id, "type": "messages"}

    def holds(item: bytes | msgspec.Raw) -> bool:
        try:
            conversation = mending.decode(_decode_conversation, item).conversation
        except msgspec.MsgspecError:
            return False
        return conversation is not None and conversation.id == conversation_id

    return Source(
        kind=MESSAGE,
        surface=surface,
        name="messages",
        walk=lambda client, query: _Messages(transport_of(client)).filtered(
            query, filters, surface
        ),
        holds=holds,
    )


class _History(Messages):
    """The messages with one phone."""

    def of_phone(
        self, query: WalkQuery, phone: str, inbox_id: int, surface: str
    ) -> Walk[msgspec.Raw]:
        """Return a walk. Heymarket's cursor has whole seconds, and its pages have a fixed size."""
        send, pages = bound_to_account(self._transport).send, HistoryPages(HISTORY.call)

        async def fetch(date: str | None, _: int | None, __: int | None) -> list[msgspec.Raw]:
            before = None if date is None else int(timestamps.parse(date).timestamp()) + 1
            request = history_request(phone, inbox_id, before, msgspec.Raw)
            return _newest_first(await send(request), pages, until=date)

        return walk(
            fetch,
            HISTORY.call,
            surface=surface,
            date=query.get("date"),
            limit=None,
            cursor=query.get("cursor"),
            returns=msgspec.Raw,
            fields=self._fields,
        )


def messages_of_phone(phone: str, inbox_id: int) -> Source:
    """Return the messages of an inbox with one phone."""
    # Cursors have the name, and it is stored: so it does not show the phone. Errors leave it out.
    digest = hashlib.blake2b(phone.encode(), digest_size=8).hexdigest()
    surface = f"messages of inbox {inbox_id} with phone {digest}"
    return Source(
        kind=MESSAGE,
        surface=surface,
        name="messages of a phone",
        walk=lambda client, query: _History(transport_of(client)).of_phone(
            query, phone, inbox_id, surface
        ),
    )


def _newest_first(
    items: list[msgspec.Raw], pages: HistoryPages, *, until: str | None
) -> list[msgspec.Raw]:
    """Return messages in the order of a walk, without those later than a time.

    Raises:
        PaginationError: The rest cannot be reached.
    """
    stamps = reader(MESSAGE.fields).of_raw(items).stamps
    seconds = [_second(stamp) for stamp in stamps if stamp]
    last = None if until is None else timestamps.instant(until)
    pages.check(seconds, len(items), until=None if last is None else _second(last))
    places = sorted(range(len(items)), key=stamps.__getitem__, reverse=True)
    return [items[place] for place in places if last is None or stamps[place] <= last]


def _second(stamp: str) -> int:
    """Return the Unix time of an instant, without its fraction."""
    return int(timestamps.parse(f"{stamp[:19]}Z").timestamp())


class _Conversations(_Filtered, Conversations):
    pass


def conversations_in(inbox_ids: Iterable[int], *, all_inboxes: bool = False) -> Source:
    """Return the conversations of some inboxes, which Heymarket does not count, or of all.

    Args:
        inbox_ids: The inboxes.
        all_inboxes: These are all of them. An inbox that is made later does not make it another
            list: a cursor stays good.
    """
    ids = sorted(set(inbox_ids))
    filters = {"id": 0, "filters": {"inboxes": ids}}
    surface = "conversations" if all_inboxes else f"conversations of {ids}"
    return Source(
        kind=CONVERSATION,
        surface=surface,
        name="conversations",
        walk=lambda client, query: _Conversations(transport_of(client)).filtered(
            query, filters, surface
        ),
        count=_count_conversations if all_inboxes else None,
    )


async def _count_conversations(client: HeymarketClient, _: str | None) -> int:
    return await client.conversations.count()


async def all_conversations(client: HeymarketClient) -> Source:
    """Return the conversations of all inboxes that the credentials may use."""
    ids = [inbox.id for inbox in await client.inboxes.all() if inbox.id is not None]
    return conversations_in(ids, all_inboxes=True)

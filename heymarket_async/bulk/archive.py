"""Exports the messages and the conversations of an account, and adds new ones to a file.

Heymarket's own export covers the last 24 hours only. So this is the way to a full archive.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import msgspec

from heymarket_async.bulk.export import export_records
from heymarket_async.bulk.job import ReadReport
from heymarket_async.bulk.progress import OnProgress, check_client
from heymarket_async.bulk.read.collect import SETTLE_S
from heymarket_async.bulk.read.source import (
    MESSAGES,
    Source,
    all_conversations,
    conversations_in,
    messages_of_conversation,
    messages_of_phone,
)
from heymarket_async.bulk.read.walk import ReadOptions
from heymarket_async.bulk.sinks.given import as_sink
from heymarket_async.bulk.sinks.sink import Sink
from heymarket_async.bulk.sinks.sqlite import Sqlite, check_no_checkpoint
from heymarket_async.bulk.sync import sync_records
from heymarket_async.checks import id_of, list_of, one_of, phone_digits, seconds_of
from heymarket_async.client import HeymarketClient
from heymarket_async.privacy import hides_locals

WINDOW_S = 24 * 3600.0
"""How far back a later run reads messages again.

Their `date` stays while their `status` changes, so a change cannot be asked for. Carriers report
within minutes or hours, and give up on a text after a day or two; a day has nearly all of it.
"""

EVERY_S = 60.0

_HOUR_S = 3600.0


class MessagesReport(ReadReport, frozen=True, kw_only=True):
    """The result of an export of messages; see `ReadReport`.

    Attributes:
        messages: Messages in the result, in their newest versions.
        added: How many of them the result did not have before.
        changed: Messages that it had in an older version, such as before they were delivered.
    """

    messages: int
    added: int
    changed: int


class ConversationsReport(ReadReport, frozen=True, kw_only=True):
    """The result of an export of conversations; see `ReadReport`.

    Attributes:
        conversations: Conversations in the result, in their newest versions.
        added: How many of them the result did not have before.
        changed: Conversations that it had in an older version.
    """

    conversations: int
    added: int
    changed: int


@hides_locals
async def export_messages(
    client: HeymarketClient,
    sink: Sink | Path | str,
    *,
    conversation_id: int | None = None,
    phone: str | None = None,
    inbox_id: int | None = None,
    window_s: float = WINDOW_S,
    page_size: int | None = None,
    concurrency: int = 1,
    checkpoint: Path | str | None = None,
    restart: bool = False,
    on_progress: OnProgress | None = None,
) -> MessagesReport:
    """Export all messages, those of one conversation, or those with one phone.

    They are read from the newest to the oldest. Then passes read what is new since, as for
    `export_contacts`, and the account's count is compared. If an export is interrupted, even if it
    is killed, the next one into the same sink resumes it.

    Into an SQLite file, a later export adds what is new to what the file has. It reads the messages
    of the last `window_s` again, so that a message that was `sent` becomes `delivered`. Into any
    other sink, a later export begins anew: lines that are written cannot be changed safely.

    Heymarket does not count the messages of a conversation or a phone. So `counted_after` of such
    an export is None, and that the list was read to its end is the only proof.

    Args:
        client: The account.
        sink: The place for the messages, as for `export_contacts`: a path or a sink.
        conversation_id: Only messages of this conversation. The list is asked for them by
            `parent_id`, as Heymarket's app does; this is not documented. If the server ignores it,
            all messages are read, and the others are left out.
        phone: Only messages with this phone, E.164 digits; one leading plus is removed. Needs
            `inbox_id`.
        inbox_id: The inbox of the messages with that phone.
        window_s: How far before the newest message a later export into an SQLite file looks for
            changes, in seconds; by default a day, see `WINDOW_S`.
        page_size: Messages in a page. None: as many as the server gives, up to the client's
            `max_page_size`.
        concurrency: Parts of the time range that are walked side by side, at most 100; only of all
            messages.
        checkpoint: A folder to keep the unfinished export in, instead of one beside the file.
        restart: Drop an unfinished export, and begin anew; of an SQLite file, drop its messages.
        on_progress: Called with a `Progress` twice a second.

    Raises:
        ValueError: An argument breaks its rule.
        JobError: The checkpoint or the file belongs to another account or query, or is damaged.
        HeymarketError: The export could not be completed. The next one can resume it.
        OSError: The sink could not be written to.
    """
    source = _messages(conversation_id, phone, inbox_id)
    options = ReadOptions(source, page_size, concurrency)
    messages, added, changed, report = await _archived(
        client,
        sink,
        options,
        window_s=seconds_of("window_s", window_s),
        checkpoint=checkpoint,
        restart=restart,
        on_progress=on_progress,
    )
    return MessagesReport(
        messages=messages, added=added, changed=changed, **msgspec.structs.asdict(report)
    )


@hides_locals
async def export_conversations(
    client: HeymarketClient,
    sink: Sink | Path | str,
    *,
    inbox_ids: list[int] | None = None,
    page_size: int | None = None,
    checkpoint: Path | str | None = None,
    restart: bool = False,
    on_progress: OnProgress | None = None,
) -> ConversationsReport:
    """Export all conversations, open and closed, as `export_messages` exports messages.

    A conversation moves to the front when it is written to, so what moved meanwhile is read in the
    passes after the walk.

    Args:
        client: The account.
        sink: The place for the conversations, as for `export_messages`.
        inbox_ids: The inboxes; None for all that the credentials may use. Heymarket counts the
            conversations of the whole team, so `counted_after` of some inboxes is None.
        page_size: Conversations in a page. None: as many as the server gives.
        checkpoint: A folder to keep the unfinished export in, instead of one beside the file.
        restart: Drop an unfinished export, and begin anew; of an SQLite file, drop its
            conversations.
        on_progress: Called with a `Progress` twice a second.

    Raises:
        ValueError: An argument breaks its rule.
        JobError: The checkpoint or the file belongs to another account or query, or is damaged.
        HeymarketError: The export could not be completed. The next one can resume it.
        OSError: The sink could not be written to.
    """
    conversations, added, changed, report = await _archived(
        client,
        sink,
        ReadOptions(await _conversations(client, inbox_ids), page_size),
        window_s=SETTLE_S,
        checkpoint=checkpoint,
        restart=restart,
        on_progress=on_progress,
    )
    return ConversationsReport(
        conversations=conversations, added=added, changed=changed, **msgspec.structs.asdict(report)
    )


@hides_locals
async def follow_messages(
    client: HeymarketClient,
    path: Path | str,
    *,
    every_s: float = EVERY_S,
    window_s: float = WINDOW_S,
    page_size: int | None = None,
    on_progress: OnProgress | None = None,
) -> AsyncGenerator[MessagesReport]:
    """Export all messages into an SQLite file, then add what is new again and again.

    It gives the report of each run, and never ends by itself. It may be cancelled, closed or killed
    at any moment: the file has all that was read until then, and the next export continues.

    A run costs two requests, and one more for about 100 messages that it reads again; twice as many
    if it finds something new. So the first run, and one in each hour, reads the whole window; the
    others read the last hour.

    Args:
        client: The account.
        path: The SQLite file.
        every_s: The pause between two runs, in seconds.
        window_s: How far back to look for changes once an hour; see `export_messages`.
        page_size: See `export_messages`.
        on_progress: See `export_messages`.

    Raises:
        ValueError: An argument breaks its rule.
        JobError: The file belongs to another account or query, or is damaged.
        HeymarketError: A run could not be completed. Following again makes up for it.
        OSError: The file could not be written to.
    """
    seconds_of("every_s", every_s)
    for run_s in windows(seconds_of("window_s", window_s), every_s):
        yield await export_messages(
            client, Sqlite(path), window_s=run_s, page_size=page_size, on_progress=on_progress
        )
        await asyncio.sleep(every_s)


def windows(window_s: float, every_s: float) -> Iterator[float]:
    """Give how far back each run of a follower reads, in seconds; without end.

    Most changes of a status come within minutes, so the whole window is read once an hour.

    Args:
        window_s: The whole window.
        every_s: The pause between two runs, in seconds. A message is in several of them.
    """
    short_s = min(window_s, max(_HOUR_S, 5 * every_s))
    while True:
        began = time.monotonic()
        yield window_s
        while time.monotonic() - began < _HOUR_S:
            yield short_s


async def _archived(
    client: HeymarketClient,
    sink: Sink | Path | str,
    options: ReadOptions,
    *,
    window_s: float,
    checkpoint: Path | str | None,
    restart: bool,
    on_progress: OnProgress | None,
) -> tuple[int, int, int, ReadReport]:
    """Export records; return how many the result has, were added and were changed, and a report."""
    sink = as_sink(sink)
    if not isinstance(sink, Sqlite):
        records, report = await export_records(
            client,
            sink,
            options,
            checkpoint=checkpoint,
            restart=restart,
            on_progress=on_progress,
        )
        return records, records, 0, report
    check_no_checkpoint(checkpoint)
    done = await sync_records(
        client,
        sink.path,
        options,
        settle_s=SETTLE_S,
        window_s=window_s,
        forgets=one_of("restart", restart, bool),
        on_progress=on_progress,
    )
    return done.records, done.added, done.changed, done.report


def _messages(conversation_id: int | None, phone: str | None, inbox_id: int | None) -> Source:
    """Return the messages that are asked for."""
    if (phone is None) is not (inbox_id is None):
        raise ValueError("phone needs inbox_id, and inbox_id needs phone")
    if phone is not None:
        if conversation_id is not None:
            raise ValueError("phone and conversation_id exclude each other")
        return messages_of_phone(phone_digits(phone), id_of("inbox_id", inbox_id))
    if conversation_id is not None:
        return messages_of_conversation(id_of("conversation_id", conversation_id))
    return MESSAGES


async def _conversations(client: HeymarketClient, inbox_ids: list[int] | None) -> Source:
    """Return the conversations of the inboxes, or of all inboxes."""
    check_client(client)
    if inbox_ids is None:
        return await all_conversations(client)
    ids = [id_of("each of inbox_ids", each) for each in list_of("inbox_ids", inbox_ids, int)]
    if not ids:
        raise ValueError("inbox_ids must not be empty")
    return conversations_in(ids)

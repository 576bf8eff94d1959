"""Sends texts in bulk: each row gets one true outcome, and nobody gets a text twice."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from hashlib import blake2b
from pathlib import Path
from typing import TypeAlias, cast
from uuid import uuid4

import msgspec

from heymarket_async.bulk.errors import JobError
from heymarket_async.bulk.importing.source import RejectedRow, batches_of, check_rows
from heymarket_async.bulk.progress import (
    OnProgress,
    RequestStats,
    check_client,
    reporting,
    stats_of_job,
)
from heymarket_async.bulk.sending.draft import Draft, Drafting
from heymarket_async.bulk.sending.outcomes import SENT, SendFile, SendHeader
from heymarket_async.bulk.sending.report import SendReport, SendResults
from heymarket_async.bulk.sending.send import Sender
from heymarket_async.bulk.sending.text import TextWithFields
from heymarket_async.bulk.store.outcome_file import OutcomeFile, checked_path
from heymarket_async.bulk.thread import concurrency_of
from heymarket_async.checks import is_int, one_of, seconds_of
from heymarket_async.client import HeymarketClient, transport_of
from heymarket_async.models.new_message import NewMessage
from heymarket_async.privacy import hides_locals
from heymarket_async.sending import WAIT_S
from heymarket_async.timestamps import parse
from heymarket_async.transport import wire
from heymarket_async.transport.account import account_of, hold

TextItem: TypeAlias = Mapping[str, object] | msgspec.Struct | RejectedRow
"""A row as it is given: its fields by name, a struct such as a `Contact`, or why it has no text."""

OnDraft: TypeAlias = Callable[[Draft], Awaitable[object]]
"""Called once with the texts before the first of them is sent; its error ends the job."""

_NOBODY = "15105550100"


@hides_locals
async def send_messages(
    client: HeymarketClient,
    rows: Iterable[TextItem] | AsyncIterable[TextItem],
    *,
    inbox_id: int,
    creator_id: int,
    text: str | None = None,
    template_id: int | None = None,
    media_url: str | None = None,
    defaults: Mapping[str, str] | None = None,
    skip_empty: bool = False,
    repeats: bool = False,
    limit: int | None = None,
    dry_run: bool = False,
    batch_size: int = 100,
    concurrency: int = 4,
    wait_s: float = WAIT_S,
    outcomes: str | os.PathLike[str] | None = None,
    resume: bool = False,
    restart: bool = False,
    on_draft: OnDraft | None = None,
    on_progress: OnProgress | None = None,
) -> SendReport:
    """Send a text to the phone of each row, and return a report.

    A text such as `"Hi {first}"` is filled in from the fields of its row. All rows are read before
    the first text is sent: a field that is empty for somebody stops the job, unless there is a
    default or `skip_empty`. So do more recipients than `limit`.

    People who opted out are skipped: by a field `is_opted_out` of the row, or because Heymarket
    says so. The phones of `batch_size` rows are looked up with one request. Somebody who opts out
    between that and the send is left to Heymarket, which refuses it or not. Only the first row of
    a phone is sent, unless `repeats` is set.

    A row that cannot be sent does not stop the others. If an answer is lost, the text is looked for
    before it is sent again, as `client.messages.send_once` does it.

    With an outcome file, a killed job can be resumed, and still nobody gets a text twice: each row
    is on the disk as begun before it is sent, and its `local_id` depends on the job and on the
    phone only. Rows that may have been sent are looked for. The input may have been sorted,
    shortened or continued. Rows that were skipped or rejected are tried again.

    Args:
        client: The client. Its rate limit is kept, also together with other processes.
        rows: Mappings of fields, or structs such as a `Contact`, with a `phone`. They are numbered
            from 1. An iterable that is not async is read in a thread of its own, so it may block.
        inbox_id: The inbox to send from.
        creator_id: The member id of the sender.
        text: The text. A field in braces is the name of a field of the row, exactly, or else by its
            letters and digits.
        template_id: A template, which Heymarket fills in, instead of a text.
        media_url: A public URL of a picture or another file.
        defaults: The values of fields that are empty: `{"first": "there"}`.
        skip_empty: Skip rows with an empty field.
        repeats: Send every row, also if an earlier row has its phone. Then the rows of a phone must
            keep their order when a job is resumed.
        limit: The most texts to send. If there are more, nothing is sent.
        dry_run: Look opt-outs up, and send nothing. The report says what would be sent. Earlier
            outcomes are read, and the file is left as it is.
        batch_size: Phones to look up with one request.
        concurrency: Requests at once, at most 100: a client has 100 connections.
        wait_s: Seconds in which a message that was sent can be seen; see `send_once`.
        outcomes: The file to write the outcome of each row to. Without it, a job that ends early
            cannot be resumed, and a second one texts people again.
        resume: Continue the outcome file if it exists, and begin one if it does not.
        restart: Discard the outcome file if it exists, and text everybody again.
        on_draft: Called with a `Draft` before the first text is sent. Its error ends the job.
        on_progress: Called with a `Progress` twice a second; must not block.

    Raises:
        HeymarketError: The job cannot continue, for example because the credentials are refused.
            Resume it later.
        JobError: A field of the text is unknown, or empty in a row; there are too many recipients;
            or the outcome file exists already, belongs to another job, or is none. Nothing was
            sent.
        ValueError: An argument breaks its rule.

    https://developers.heymarket.com/api-reference/messages/send
    """
    check_client(client)
    switches = {"skip_empty": skip_empty, "repeats": repeats, "dry_run": dry_run}
    _check(switches | {"resume": resume, "restart": restart}, batch_size, concurrency, limit)
    check_rows(rows, "mappings or structs")
    seconds_of("wait_s", wait_s)
    message = NewMessage(
        inbox_id=inbox_id,
        creator_id=creator_id,
        phone_number=_NOBODY,
        text=text,
        template_id=template_id,
        media_url=media_url,
    )
    filled = None if text is None else TextWithFields(text, defaults or {})
    path = checked_path(outcomes, SendHeader, resume=resume, restart=restart)
    stats = stats_of_job(client)
    header = await _header(stats, message, path, defaults, repeats=repeats)
    file: SendFile = OutcomeFile(
        SENT, path, header, resume=resume, restart=restart, read_only=dry_run
    )
    results = SendResults(file, stats)
    async with file, reporting(on_progress, results.progress):
        header = cast(SendHeader, file.header)
        with Drafting(filled, header, file, results, skip_empty=skip_empty) as drafting:
            try:
                await _draft(drafting, rows, limit=None if dry_run else limit, on_draft=on_draft)
            except BaseException:
                file.discard()
                raise
            results.total = results.rows
            sender = Sender(
                message,
                drafting.rows(),
                stats,
                file,
                results,
                began=parse(header.began),
                batch_size=batch_size,
                wait_s=wait_s,
                dry_run=dry_run,
            )
            await sender.run(concurrency)
    return results.report()


def _check(
    switches: Mapping[str, bool], batch_size: int, concurrency: int, limit: int | None
) -> None:
    for name, switch in switches.items():
        one_of(name, switch, bool)
    if switches["resume"] and switches["restart"]:
        raise ValueError("resume and restart exclude each other")
    concurrency_of(concurrency)
    numbers = {"batch_size": batch_size, "limit": limit}
    for name, number in numbers.items():
        if not (name == "limit" and number is None) and (not is_int(number) or number < 1):
            raise ValueError(f"{name} must be an integer of at least 1")


async def _header(
    stats: RequestStats,
    message: NewMessage,
    path: Path | None,
    defaults: Mapping[str, str] | None,
    *,
    repeats: bool,
) -> SendHeader:
    """Return the header of a new outcome file, and hold the client to its account."""
    transport, name = transport_of(stats.client), ""
    if path is None:
        await hold(transport)
    else:
        name = (await account_of(transport)).name
    told = msgspec.to_builtins(message) | {"local_id": "", "defaults": dict(defaults or {})}
    return SendHeader(
        kind="texts",
        account=name,
        message=blake2b(wire.encode(told) or b"", digest_size=8).hexdigest(),
        repeats=repeats,
        run=uuid4(),
        began=stats.clock(),
    )


async def _draft(
    drafting: Drafting,
    rows: Iterable[TextItem] | AsyncIterable[TextItem],
    *,
    limit: int | None,
    on_draft: OnDraft | None,
) -> None:
    """Read all rows, and show the draft to `on_draft`, which may stop the job.

    Raises:
        JobError: A field is unknown or empty, or there are too many recipients.
    """
    async with aclosing(batches_of(rows, 100)) as batches:
        async for batch in batches:
            drafting.read(batch)
    drafting.check()
    if limit is None and on_draft is None:
        return
    draft = drafting.draft()
    if limit is not None and draft.recipients > limit:
        raise JobError(
            "too_many_recipients",
            f"{draft.recipients:,} texts would be sent, and the limit is {limit:,}.",
            "Nothing was sent. Raise the limit to send them.",
        )
    if on_draft is not None:
        await on_draft(draft)

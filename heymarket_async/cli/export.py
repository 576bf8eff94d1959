"""`heymarket contacts export`: every contact, a line each, as the server sent it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from heymarket_async import AttemptEvent, HeymarketClient, Walk
from heymarket_async.cli.files import whole_file
from heymarket_async.cli.output import one_line
from heymarket_async.cli.running import err


class ExportSummary(msgspec.Struct, frozen=True):
    """What an export did.

    Attributes:
        path: Where the contacts are, or "-".
        contacts: Contacts written.
        counted: How many the account said to have when the export began.
        pages: Answers that brought something new.
        requests: Requests sent, repeated ones and the count included.
        failed_requests: How many of them failed and were sent again.
        seconds: How long it took.
    """

    path: str
    contacts: int
    counted: int
    pages: int
    requests: int
    failed_requests: int
    seconds: float

    def __str__(self) -> str:
        where = "standard output" if self.path == "-" else self.path
        parts = [
            f"{_counted(self.contacts, 'contact')} to {where}",
            _counted(self.pages, "page"),
            _counted(self.requests, "request"),
            f"{self.seconds:.1f} s",
        ]
        if self.failed_requests:
            parts.insert(3, f"{self.failed_requests:,} of them repeated")
        if self.contacts != self.counted:
            parts.append(f"the account counted {self.counted:,} when this began")
        return ", ".join(parts)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


class _Tally:
    def __init__(self) -> None:
        self.requests = 0
        self.failed = 0

    def __call__(self, event: AttemptEvent) -> None:
        self.requests += 1
        self.failed += event.error is not None


async def export(
    client: HeymarketClient, path: Path | None, *, surface: str, page_size: int, show_progress: bool
) -> ExportSummary:
    """Write all contacts as JSON Lines, in constant memory, and return what was done.

    Raises:
        HeymarketError: The walk could not be completed; nothing is left behind then.
    """
    started = time.monotonic()
    tally = _Tally()
    counting = client.with_options(on_attempt=tally)
    contacts = counting.contacts if surface == "v1" else counting.contacts_v2
    walk: Walk[msgspec.Raw] = contacts.iterate(limit=page_size, returns=msgspec.Raw)
    counted = await counting.contacts.count()
    written = pages = 0
    with whole_file(path) as file, _progress(client, counted, show_progress) as advance:
        async for page in walk.pages():
            file.write(b"".join([one_line(contact) + b"\n" for contact in page]))
            written += len(page)
            pages += 1
            advance(len(page))
    return ExportSummary(
        path=str(path or "-"),
        contacts=written,
        counted=counted,
        pages=pages,
        requests=tally.requests,
        failed_requests=tally.failed,
        seconds=round(time.monotonic() - started, 3),
    )


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")


class _Waiting(ProgressColumn):
    def __init__(self, client: HeymarketClient) -> None:
        super().__init__()
        self._client = client

    def render(self, task: Task) -> Text:  # noqa: ARG002 - the same for every task
        reason = self._client.waiting
        return Text(f"waiting: {reason}" if reason else "", style="yellow")


@contextmanager
def _progress(client: HeymarketClient, total: int, show: bool) -> Generator[Callable[[int], None]]:
    if not (show and sys.stderr.isatty()):
        yield lambda _: None
        return
    columns = (
        TextColumn("contacts"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        _Waiting(client),
    )
    with Progress(*columns, console=err) as progress:
        task = progress.add_task("", total=total)
        yield lambda more: progress.advance(task, more)

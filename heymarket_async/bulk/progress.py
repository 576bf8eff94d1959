"""Progress of a bulk job while it runs, and statistics of the requests that it sends."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec

from heymarket_async.checks import one_of
from heymarket_async.client import HeymarketClient, transport_of
from heymarket_async.timestamps import http_date
from heymarket_async.transport.call import AttemptEvent, call_hook, check_hook

_MINUTE_S = 60.0
_DAY_S = 24 * 3600.0
_REPORTED_EVERY_S = 0.5


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """The progress of a bulk job, as its `on_progress` gets it.

    Attributes:
        done: Contacts, or rows, that are done.
        total: How many there are, or None if that is not known.
        requests: Requests sent so far, repeated ones included.
        requests_lately: Requests sent within the last minute; Heymarket takes 500.
        waiting: The reason why the job waits at this moment, such as "the rate limit", or "".
        stage: The current step of the job, such as "reading" or "writing". Within a stage, `done`
            only grows.
        lately_s: Seconds since the first of the requests within the last minute.
        budget: Requests that the client may send in a minute, or None for any number.
        waiting_s: Seconds that the job still waits, at least; None if that is not known.
        kept: Records that stay if the job ends now: the next run need not read them again.
        is_estimated: The total is an estimate.
    """

    done: int
    total: int | None
    requests: int
    requests_lately: int
    waiting: str
    stage: str
    lately_s: float = 0.0
    budget: int | None = None
    waiting_s: float | None = None
    kept: int = 0
    is_estimated: bool = False


OnProgress: TypeAlias = Callable[[Progress], object]
"""Called with a `Progress` twice a second and at the end, in the event loop; must not block."""


class RequestStats:
    """Statistics of the requests that a job sends, and the server's clock.

    Attributes:
        client: The client for the job's calls; the `on_attempt` of the original client is called
            too.
        requests: Requests sent, repeated ones included.
        repeated: Requests that failed and were sent again, or that ended the job.
        waited_s: Seconds waited, by reason, summed over calls that waited side by side.
    """

    def __init__(self, client: HeymarketClient) -> None:
        self.requests = 0
        self.repeated = 0
        self.waited_s: dict[str, float] = {}
        self._date = ""
        self._ahead = math.inf, -math.inf  # the least and the most so far
        self._hook = client.on_attempt
        self._lately: deque[float] = deque()
        self.client = client.with_options(on_attempt=self._count)

    @property
    def ahead_s(self) -> float | None:
        """The most that the server's clock was ahead of this machine's, in seconds, or 0.

        None if that is not known: no answer had a `Date`, or one of the two clocks was moved by
        more than a minute meanwhile.
        """
        least, most = self._ahead
        return max(0.0, most) if 0.0 <= most - least <= _MINUTE_S else None

    def clock(self) -> str:
        """Return the server's time as an instant: its newest `Date`, else this machine's clock.

        A `Date` is taken for at most a day ahead of this machine: changes before a wrong time would
        never be read again.
        """
        server, here = http_date(self._date), time.time()
        seconds = here if server is None else max(0.0, min(server, here + _DAY_S))
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"

    def waits(self) -> dict[str, float]:
        """Return the seconds waited by reason, to the millisecond, for a report."""
        return {reason: round(seconds, 3) for reason, seconds in self.waited_s.items()}

    def progress(self, done: int, total: int | None, stage: str, *, kept: int = 0) -> Progress:
        """Return the progress of the job."""
        transport, lately = transport_of(self.client), self._sent_lately()
        rate, waiting_s = transport.rate, transport.waiting_s
        return Progress(
            done=done,
            # Records that were created meanwhile were not counted.
            total=None if total is None else max(total, done),
            requests=self.requests,
            requests_lately=len(lately),
            waiting=self.client.waiting,
            stage=stage,
            lately_s=time.monotonic() - lately[0] if lately else 0.0,
            budget=None if rate is None else int(rate.limit * rate.share * _MINUTE_S / rate.per_s),
            waiting_s=waiting_s if waiting_s < math.inf else None,
            kept=kept,
        )

    def _sent_lately(self) -> deque[float]:
        while self._lately and self._lately[0] < time.monotonic() - _MINUTE_S:
            self._lately.popleft()
        return self._lately

    def _count(self, event: AttemptEvent) -> None:
        self.requests += 1
        self._date = event.date or self._date
        if (server := http_date(event.date)) is not None:
            (least, most), ahead = self._ahead, server - time.time()
            self._ahead = min(least, ahead), max(most, ahead)
        self.repeated += event.error is not None
        self._lately.append(time.monotonic())
        self._sent_lately()
        for reason, seconds in event.waits.items():
            self.waited_s[reason] = self.waited_s.get(reason, 0.0) + seconds
        if self._hook is not None:
            call_hook(self._hook, event, name="on_attempt", of="call")


def check_client(client: HeymarketClient) -> None:
    """Check that a client is one for asyncio.

    Raises:
        ValueError: It is another thing, such as a blocking client.
    """
    if type(client).__module__.startswith("heymarket_async.blocking."):
        raise ValueError(
            "client must be a HeymarketClient of heymarket_async. For a blocking client, use the"
            " job of this name in heymarket_async.blocking"
        )
    one_of("client", client, HeymarketClient)


def stats_of_job(client: HeymarketClient) -> RequestStats:
    """Return the statistics of a job that begins now, in the loop that runs here.

    Raises:
        ValueError: This is not a client for asyncio.
        ClientStateError: The client cannot be used in this loop, or none of asyncio runs.
    """
    check_client(client)
    transport_of(client).enter()  # before the job makes a task or a file
    return RequestStats(client)


@asynccontextmanager
async def reporting(
    on_progress: OnProgress | None, progress: Callable[[], Progress]
) -> AsyncGenerator[None]:
    """Report the progress of a job twice a second, also while it waits, and however it ends.

    Raises:
        ValueError: The hook cannot be called.
    """
    check_hook("on_progress", on_progress)
    if on_progress is None:
        yield
        return
    reporter = asyncio.create_task(_report_often(on_progress, progress), name="heymarket-progress")
    try:
        yield
    finally:
        try:
            if not reporter.done():  # only an exit in the hook ends it, such as SystemExit
                call_hook(on_progress, progress(), name="on_progress", of="job")
        finally:
            reporter.cancel()
            await asyncio.gather(reporter, return_exceptions=True)


async def _report_often(on_progress: OnProgress, progress: Callable[[], Progress]) -> None:
    while True:
        call_hook(on_progress, progress(), name="on_progress", of="job")
        await asyncio.sleep(_REPORTED_EVERY_S)

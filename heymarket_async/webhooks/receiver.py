"""Takes deliveries: answers them at once, and handles each event once."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterable, Awaitable, Callable, Collection
from functools import partial
from typing import Self, cast

from heymarket_async.checks import one_of
from heymarket_async.errors import HeymarketError
from heymarket_async.privacy import Hidden
from heymarket_async.webhooks.errors import WebhookError
from heymarket_async.webhooks.event import MAX_BODY_BYTES, Event, encoded_tokens, read_events
from heymarket_async.webhooks.store import Claim, MemoryStore, Store, above_zero

logger = logging.getLogger("heymarket_async")

_BYTES = (bytes, bytearray, memoryview)
_Task = asyncio.Task[Claim | None]

Handler = Callable[[Event], Awaitable[object]]
"""Your function, which is called with each event."""


class Receiver:
    """Handles the events of a webhook, each once, however often it is delivered.

    A delivery is answered with 200 before its events are handled, because Heymarket delivers again
    where the answer takes too long. If the handler raises, the event is not handled, and the next
    delivery of it counts; but Heymarket has its 200, so it may not come again.

    Connect it with `heymarket_async.webhooks.aiohttp` or `.fastapi`, or use it with `async with`.
    When it is closed, it waits for the handlers that run.

    Args:
        handle: Your function. Several calls may run at once, in any order.
        tokens: The token of the webhook, or several; see `parse`.
        store: Remembers which events were handled. By default in memory, for one process. It is
            closed with the receiver.
        at_once: The most events to handle at once. Beyond it, deliveries are answered with 503, so
            that Heymarket delivers them again. Of an array, as many events as there is room for are
            handled, and the next delivery of it brings the others.
        timeout_s: Seconds for one call of your function. After that it is cancelled, and the event
            counts as not handled.

    Raises:
        ValueError: No token is given, or a number is not above 0.
    """

    def __init__(
        self,
        handle: Handler,
        *,
        tokens: str | Collection[str],
        store: Store | None = None,
        at_once: int = 100,
        timeout_s: float = 60.0,
    ) -> None:
        self._handle = handle
        self._tokens = Hidden(encoded_tokens(tokens))
        self._store: Store = MemoryStore() if store is None else store
        self._at_once = above_zero("at_once", at_once)
        self._timeout_s = above_zero("timeout_s", timeout_s)
        self._tasks: dict[_Task, float] = {}  # until when, the first to end first
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def receive(self, body: bytes | bytearray | memoryview | AsyncIterable[bytes]) -> int:
        """Take a delivery, and return the HTTP status to answer it with.

        The status is 200 if all its events are being handled, or were before; else see
        `WebhookError.status`. Nothing that is delivered raises an error.

        Args:
            body: The body of the request as bytes, or its parts as they come. Of a body that is too
                large, the rest is not read.

        Raises:
            ValueError: `body` is neither: your call is wrong, and not the delivery.
        """
        one_of("body", body, (*_BYTES, AsyncIterable))
        try:
            await self._take(bytes(body) if isinstance(body, _BYTES) else await _whole(body))
        except WebhookError as error:
            logger.warning("A webhook delivery was answered with %d: %s.", error.status, error)
            return error.status
        return 200

    async def aclose(self) -> None:
        """Take no more deliveries, wait for the handlers that run, and close the store.

        If this is cancelled, the handlers are cancelled too.
        """
        self._is_closed = True
        try:
            if self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)
            if self._timer is not None:
                self._timer.cancel()
            await self._store.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _take(self, body: bytes) -> None:
        """Begin to handle the events of a delivery.

        Raises:
            WebhookError: Not all of them are being handled, or were.
        """
        is_running = False
        for event in read_events(body, self._tokens.reveal()):
            if self._is_closed or len(self._tasks) >= self._at_once:
                raise WebhookError("this process is busy, or is about to end", status=503)
            claim = await self._start(event)
            if claim is None:
                raise WebhookError("its event was not taken", status=503)
            is_running |= claim is Claim.RUNNING
        if is_running:
            raise WebhookError("its event is still being handled", status=503)

    def _start(self, event: Event) -> asyncio.Future[Claim | None]:
        """Begin to handle an event. The result is the store's answer; None if there was none."""
        loop = asyncio.get_running_loop()
        claimed: asyncio.Future[Claim | None] = loop.create_future()
        # A task, because the request may be cancelled at any time, and the claim must not be lost.
        task = loop.create_task(self._work(event, claimed), name="heymarket-webhook-event")
        self._tasks[task] = loop.time() + self._timeout_s
        task.add_done_callback(partial(self._end, claimed))
        if self._timer is None:
            self._timer = loop.call_later(self._timeout_s, self._cancel_late)
        return claimed

    def _end(self, claimed: asyncio.Future[Claim | None], task: _Task) -> None:
        self._tasks.pop(task)
        # Only now, so that an event that was handled before takes the room of no other.
        if not claimed.done():
            claimed.set_result(None if task.cancelled() else task.result())

    def _cancel_late(self) -> None:
        """Cancel the tasks that took too long.

        They share this timer. To set one for each costs a tenth of a delivery, and few ever fire.
        """
        loop, self._timer = asyncio.get_running_loop(), None
        for task, until in self._tasks.items():
            if until > loop.time():
                self._timer = loop.call_at(until, self._cancel_late)
                break
            task.cancel()

    async def _work(self, event: Event, claimed: asyncio.Future[Claim | None]) -> Claim | None:
        try:
            claim = await self._store.claim(event.dedupe_key, self._timeout_s + _MARGIN_S)
        except Exception as error:  # noqa: BLE001 - a store may be anybody's
            logger.warning("%r was not claimed: %s.", event, _reason(error))
            return None
        if claim is Claim.TAKEN:
            if not event.kind:
                logger.warning(
                    "A webhook event has neither a type nor an event, so its kind is empty."
                    " Its data is in Event.raw."
                )
            if not claimed.done():  # as it is, if the request was cancelled
                claimed.set_result(claim)
            await self._run(event)
        return claim

    async def _run(self, event: Event) -> None:
        try:
            await _awaitable(self._handle(event))
        except BaseException as error:  # also a cancellation, because it took too long
            logger.warning("%r was not handled: %s.", event, _reason(error))
            await self._note(self._store.release(event.dedupe_key), event)
            if not isinstance(error, Exception):
                raise
        else:
            await self._note(self._store.keep(event.dedupe_key), event)

    async def _note(self, noting: Awaitable[None], event: Event) -> None:
        try:
            await noting
        except Exception as error:  # noqa: BLE001 - a store may be anybody's
            logger.warning("The result of %r was not noted: %s.", event, _reason(error))


# A claim lasts longer than its handler, so that no other process takes it meanwhile.
_MARGIN_S = 30.0


def _awaitable(handled: object) -> Awaitable[object]:
    if not isinstance(handled, Awaitable):
        raise WebhookError("the handler must be an async function")
    return cast("Awaitable[object]", handled)


async def _whole(parts: AsyncIterable[bytes]) -> bytes:
    whole = bytearray()
    try:
        async for part in parts:
            whole += part
            if len(whole) > MAX_BODY_BYTES:
                break
    except Exception:  # noqa: BLE001 - each framework has errors of its own for a cut body
        raise WebhookError("its body did not arrive", status=400) from None
    return bytes(whole)


def _reason(error: BaseException) -> str:
    """Return the type of an error, and the line of the handler that it came through.

    Its text may hold anything, unless it is an error of this package.
    """
    text = f": {error}" if isinstance(error, HeymarketError | WebhookError) else ""
    entries = traceback.walk_tb(error.__traceback__)
    places = [f" in {frame.f_code.co_filename}:{line}" for frame, line in entries]
    place = "".join(places[1:2])  # below our own frame
    return f"{type(error).__name__}{place}{text}"

"""Outgoing webhooks: the events of the account, posted to the URLs of subscribers."""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import RLock
from typing import Unpack

import aiohttp
import msgspec

from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.subscriber import Options, Subscriber

MAX_DELIVERIES = 10_000
TIMEOUT_S = 10.0


@dataclass(slots=True)
class Delivery:
    """A body that was posted to a subscriber.

    Attributes:
        url: Where it was posted.
        body: The JSON; it holds the token, and so is not shown.
        attempt: 1, and more if earlier ones failed.
        status: The status of the answer; None if there is none, or none yet.
        error: The kind of the error if there was no answer, such as "ClientConnectorError".
    """

    url: str
    body: bytes = field(repr=False)
    attempt: int
    status: int | None = None
    error: str | None = None

    @property
    def events(self) -> list[dict[str, object]]:
        """The events of the body."""
        array = self.body if self.body.startswith(b"[") else b"[" + self.body + b"]"
        return msgspec.json.decode(array, type=list[dict[str, object]])


class Webhooks:
    """The webhooks of the account.

    Deliveries are posted while the sandbox runs, by its own loop. Those that are not done when it
    closes are given up. Proxies of the environment are not used, redirects not followed.

    Attributes:
        deliveries: The newest 10,000 deliveries, in the order of their posts; repeats are
            deliveries of their own.
    """

    def __init__(self, readings: Readings, lock: RLock) -> None:
        self.deliveries: deque[Delivery] = deque(maxlen=MAX_DELIVERIES)
        self._readings = readings
        self._lock = lock
        self._subscribers: list[Subscriber] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._session: aiohttp.ClientSession | None = None
        self._early: list[tuple[Subscriber, Sequence[bytes]]] = []
        self._lanes: dict[int, asyncio.Semaphore] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, url: str, token: str, **options: Unpack[Options]) -> int:
        """Post events to a URL from now on, and return the configuration's id.

        Args:
            url: Where they are posted.
            token: Sent in every body.
            options: See `heymarket_async.sandbox.subscriber.Options`.

        Raises:
            ValueError: An option is of another type or too low, or there is nothing to reorder.
        """
        with self._lock:
            config_id = 501 + len(self._subscribers)
            self._subscribers.append(
                Subscriber(url=url, token=token, config_id=config_id, **options)
            )
        return config_id

    def emit(self, kind: str, event_data: object) -> None:
        """Tell the subscribers of an event; nothing happens without any.

        Args:
            kind: Its type, such as "message_sent"; "message_received" in either spelling.
            event_data: The message, the conversation or the contact: anything that msgspec can
                encode as a JSON object.
        """
        if self._subscribers:
            with self._lock:
                data = msgspec.json.encode(event_data)
                for subscriber in self._subscribers:
                    self._send(subscriber, subscriber.take(kind, data))

    async def settled(self) -> None:
        """Send the events that are held, and wait until every delivery has ended.

        Raises:
            RuntimeError: The sandbox is not running.
        """
        await asyncio.wrap_future(self._settling())

    def settle(self, timeout_s: float | None = 30.0) -> None:
        """Do the same in a synchronous test, which has a sandbox in a thread.

        Raises:
            RuntimeError: The sandbox is not running.
            TimeoutError: It took longer.
        """
        self._settling().result(timeout_s)

    def open(self) -> None:
        """Begin to deliver, in the running loop."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
            self._lanes = {}
            early, self._early = self._early, []
            for subscriber, bodies in early:
                self._send(subscriber, bodies)

    async def close(self) -> None:
        """Give up deliveries that are under way, and close every connection."""
        with self._lock:
            self._loop = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _settling(self) -> Future[None]:
        if self._loop is None:
            raise RuntimeError("the sandbox is not running")
        return asyncio.run_coroutine_threadsafe(self._idle(), self._loop)

    async def _idle(self) -> None:
        with self._lock:
            for subscriber in self._subscribers:
                self._begin(subscriber, subscriber.flush())
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _send(self, subscriber: Subscriber, bodies: Sequence[bytes]) -> None:
        """Deliver bodies, or keep them until the sandbox runs."""
        if self._loop is None:
            self._early.append((subscriber, bodies))
        else:
            self._loop.call_soon_threadsafe(self._begin, subscriber, bodies)

    def _begin(self, subscriber: Subscriber, bodies: Sequence[bytes]) -> None:
        """Start a task for each body, unless the sandbox has closed in the meantime."""
        if self._loop is None:
            return
        free = asyncio.Semaphore(subscriber.at_once)
        lane = self._lanes.setdefault(subscriber.config_id, free)
        for body in bodies:
            task = self._loop.create_task(
                self._deliver(subscriber, body, lane), name="heymarket-sandbox-delivery"
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, subscriber: Subscriber, body: bytes, lane: asyncio.Semaphore) -> None:
        """Post a body until it is accepted, or the readings' number of retries is used up."""
        async with lane:
            await asyncio.sleep(subscriber.delay_s)
            for attempt in range(1, self._readings.webhook_retries + 2):
                if attempt > 1:
                    await asyncio.sleep(self._readings.webhook_retry_s)
                delivery = Delivery(subscriber.url, body, attempt)
                self.deliveries.append(delivery)
                await self._post(delivery)
                if self._accepted(delivery.status):
                    return

    async def _post(self, delivery: Delivery) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers={"Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        try:
            async with self._session.post(
                delivery.url, data=delivery.body, allow_redirects=False
            ) as response:
                await response.read()
                delivery.status = response.status
        except (aiohttp.ClientError, OSError, ValueError) as error:  # OSError: also of a timeout
            delivery.error = type(error).__name__

    def _accepted(self, status: int | None) -> bool:
        if status is None or self._readings.webhook_accepts == "200":
            return status == 200
        return 200 <= status < 300

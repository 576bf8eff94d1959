"""A queue before a window that processes share: ask for turns, sleep until the next, ask again.

The clients of a credential keep their window in a store, and the store's clock is the only one.
One task of each client speaks for all its calls. It asks for some turns at a time, so that others
come between; if not all are free, one is reserved, and it sleeps until that one has come. So who
waits is served in the order of asking, and each turn costs a round trip at most.

As in `pacing`, a request weighs from the moment it is sent until a window after its answer. The
store reckons with answers that come within a sixtieth of the window (a second of a minute), and is
told of those that come later.

While the store is away, each client keeps to its own part of the limit.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress

from heymarket_async.errors import StoreError
from heymarket_async.transport.pacing import MARGIN, RateLimit
from heymarket_async.transport.store import Reply, Server, Store, StoreLostError
from heymarket_async.transport.turns import OwnTurns, ages_ms
from heymarket_async.transport.waits import give_up

logger = logging.getLogger("heymarket_async")

_TIMEOUT_S = 0.25
_LOOK_AGAIN_S = 0.5


class SharedPacer:
    """One event loop's queue before the window of a credential that other processes use too.

    Args:
        store: Where the window is.
        rate: What may be sent in it.
        loop: The loop of all who wait.
    """

    def __init__(self, store: Store, rate: RateLimit, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._rate = rate
        self._loop = loop
        self._window_s = rate.per_s * MARGIN
        self._grace_s = rate.per_s / 60
        self._most = max(1, int(rate.limit * rate.share))
        self._part = max(1, int(rate.limit * rate.fallback)) if rate.fallback else 0
        self._at_once = max(1, rate.limit // 100)
        self._own = OwnTurns(self._window_s, self._grace_s)
        self._queue: deque[asyncio.Future[float]] = deque()
        self._weighing = 0
        self._paused_until = self._last = float("-inf")
        self._pause_is_news = False
        # Without the store, or with one that does not know yet what was sent lately.
        self._server: Server | None = None
        self._is_connected = self._is_lost = False
        self._look_again_at = self._young_until = self._alone_since = float("-inf")
        self._alone_most = self._part
        self._is_in_line = self._is_closed = self._has_answered = False
        self._woken = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    # What a transport does with it

    def take(self) -> asyncio.Future[float]:
        """Return a future that is done when a request may be sent.

        Whoever stops waiting for the future must `discard` it, and whoever has sent a request must
        say when it is `answered`.
        """
        turn: asyncio.Future[float] = self._loop.create_future()
        self._queue.append(turn)
        if not self._is_in_line:
            self._wake()
        return turn

    def discard(self, turn: asyncio.Future[float]) -> None:
        """Give up a turn, whether it came already or not."""
        give_up(self._queue, turn, self.give_back)

    def give_back(self) -> None:
        """Return a turn that came and was not used."""
        self._own.give_back()
        self._wake()

    def answered(self) -> None:
        """Tell that the request of a turn was answered, or failed."""
        if self._own.answer(self._loop.time()):
            self._wake()

    def pause(self, seconds: float) -> None:
        """Let no call of this credential be sent for so long, by no process."""
        self._paused_until = max(self._paused_until, self._loop.time() + seconds)
        self._pause_is_news = True
        self._wake()

    @property
    def pause_s(self) -> float:
        """For how long no call of this credential may be sent yet, as far as is known here."""
        return max(0.0, self._paused_until - self._loop.time())

    @property
    def minute_s(self) -> float:
        """How long a refused call waits to outlast the window in which the limit is counted."""
        return self._window_s

    def close(self) -> None:
        """Close the connection, and let all go who wait: they see that this is over."""
        self._is_closed = True
        while self._someone_waits():
            self._let_go(self._loop.time(), is_known=True)
        if self._work is not None:
            self._woken.set()
            self._work.cancel()

    async def aclose(self) -> None:
        """Close the connection, and wait until it is closed."""
        self.close()
        if self._work is not None:
            await asyncio.wait([self._work])

    # The task that speaks with the store for all

    def _wake(self) -> None:
        self._woken.set()
        if not self._is_closed and (self._work is None or self._work.done()):
            self._work = self._loop.create_task(self._serve_on())

    async def _serve_on(self) -> None:
        try:
            while True:
                self._woken.clear()
                seconds = await self._serve()
                if self._is_closed:  # a connection that was being made may swallow a cancellation
                    return
                self._is_in_line = seconds is not None
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._woken.wait()
        finally:
            if self._is_connected:
                with suppress(StoreLostError):
                    await self._ask(0)  # so that nobody waits for the turn that was reserved
            await self._store.close()

    async def _serve(self) -> float | None:
        """Give turns to those who wait; return after how long to do it again, or None."""
        try:
            if self._is_lost:
                seconds = self._serve_alone()
                if self._loop.time() < self._look_again_at:
                    return seconds
            if not self._is_connected:
                await self._connect()
            return await self._speak()
        except StoreLostError as error:
            return self._lose(str(error))

    async def _connect(self) -> None:
        server, now = await self._store.server(), self._loop.time()
        self._is_connected = True
        weighs_s = self._window_s + self._grace_s
        if self._server is None:
            young_s = weighs_s - server.uptime_s
        else:
            # A connection that was idle may have been cut. Another server knows nothing yet.
            young_s = weighs_s if server.run_id != self._server.run_id else 0.0
            self._own.tell_all()
            self._pause_is_news = self.pause_s > 0
        if self._is_lost:
            self._is_lost = False
            young_s = max(young_s, 2 * _LOOK_AGAIN_S)  # so that the others have told theirs
            logger.warning("the store of the rate limit is back")
        self._server = server
        self._young_until = now + young_s

    async def _speak(self) -> float | None:
        now = self._loop.time()
        is_young = now < self._young_until
        room = (min(self._most, self._part) if is_young else self._most) - self._own.weighing(now)
        want = max(0, min(len(self._queue), room, self._at_once)) if self._someone_waits() else 0
        reply = await self._ask(want)
        self._has_answered = True
        self._weighing = reply.weighing
        if reply.paused_ms:
            self._paused_until = max(self._paused_until, self._loop.time() + reply.paused_ms / 1000)
        self._give(reply.granted, asked_at=now)
        if reply.wait_ms:
            return reply.wait_ms / 1000
        if not self._queue:
            return None
        if room > want:
            return 0.0
        lighter_in_s = self._own.lighter_in_s(now)
        return min(lighter_in_s, self._young_until - now) if is_young else lighter_in_s

    async def _ask(self, want: int) -> Reply:
        # If it does not answer, all of this is told to it anew when it is back.
        news, pause_s = self._own.news(), self.pause_s if self._pause_is_news else 0.0
        self._pause_is_news = False
        return await self._store.ask(
            self._window_s * 1000,
            self._grace_s * 1000,
            self._rate.limit,
            self._own.name,
            want,
            self._own.taken,
            pause_s * 1000,
            *ages_ms(news, self._loop.time()),
        )

    def _give(self, turns: int, *, asked_at: float) -> None:
        while turns and self._someone_waits():
            # For the store they began while it was asked, so its answer may have made them late.
            self._let_go(asked_at, is_known=True)
            turns -= 1
        self._own.skip(turns)

    def _let_go(self, at: float, *, is_known: bool) -> None:
        self._own.take(at, is_known=is_known)
        self._queue.popleft().set_result(0.0)

    def _someone_waits(self) -> bool:
        while self._queue and self._queue[0].done():
            self._queue.popleft()  # it gave up
        return bool(self._queue)

    # Without the store

    def _lose(self, why: str) -> float | None:
        now = self._loop.time()
        was_fine, self._is_connected, self._has_answered = self._has_answered, False, False
        if was_fine:
            return 0.0  # perhaps the connection was cut because it was idle: look again at once
        if not self._is_lost:
            self._is_lost, self._alone_since = True, now
            rest = int((self._rate.limit - self._weighing) * self._rate.fallback)
            self._alone_most = min(self._part, self._own.weighing(now) + rest)
            logger.warning(
                "the store of the rate limit does not answer (%s); until it does, this client sends"
                " at most %d requests in %g s",
                why,
                self._part,
                self._window_s,
            )
        self._look_again_at = now + _LOOK_AGAIN_S
        return self._serve_alone()

    def _serve_alone(self) -> float | None:
        """Give turns within the part of this client; return after how long to do it again."""
        if not self._part:
            self._refuse_all()
        now = self._loop.time()
        while self._someone_waits():
            next_at = self._next_alone(now)
            if next_at > now:
                return min(next_at, self._look_again_at) - now
            self._let_go(now, is_known=False)
            self._last = now
        # As long as some weigh, the store is to be told of them when it is back.
        return self._look_again_at - now if self._own.weighing(now) else None

    def _next_alone(self, now: float) -> float:
        is_later = now > self._alone_since + self._window_s
        most = min(self._most, self._part if is_later else self._alone_most)
        if not most:
            return float("inf")
        next_at = self._paused_until
        if now < self._paused_until + self._window_s:
            next_at = max(next_at, self._last + self._window_s / most)
        if self._own.weighing(now) >= most:
            return max(next_at, now + self._own.lighter_in_s(now))
        return next_at

    def _refuse_all(self) -> None:
        while self._someone_waits():
            refusal = StoreError("was not sent: the store of the rate limit does not answer")
            self._queue.popleft().set_exception(refusal)


def pacer(credential: str, rate: RateLimit, loop: asyncio.AbstractEventLoop) -> SharedPacer:
    """Return a queue of its own before the window that is shared under a credential's name."""
    return SharedPacer(Store(rate.store or "", credential, _TIMEOUT_S), rate, loop)

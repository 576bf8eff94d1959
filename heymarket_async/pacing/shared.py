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
import sys
from contextlib import suppress
from enum import Enum, auto
from math import inf

from heymarket_async.errors import StoreError
from heymarket_async.pacing.ledger import Ledger
from heymarket_async.pacing.line import PacedLine
from heymarket_async.pacing.store import Reply, Server, Store, StoreLostError
from heymarket_async.pacing.window import MARGIN, RateLimit
from heymarket_async.privacy import hides_locals

logger = logging.getLogger("heymarket_async")

# Far above a round trip between machines of one place, and little beside a call to Heymarket.
_TIMEOUT_S = 0.25
# As soon as a user may notice, and too seldom to keep a server from starting.
_LOOK_AGAIN_S = 0.5
# As in `store.lua`.
_LONGEST_PAUSE_S = 600.0


class _Link(Enum):
    """How it stands between a pacer and its store."""

    UNKNOWN = auto()  # not asked yet, or cut just now, perhaps because the connection was idle
    THERE = auto()
    AWAY = auto()


class SharedPacer(PacedLine):
    """One client's queue before the window of a credential that other processes use too.

    Args:
        store: Where the window is.
        rate: What may be sent in it.
        loop: The loop of all who wait.
    """

    def __init__(self, store: Store, rate: RateLimit, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._store = store
        self._rate = rate
        self._loop = loop
        self._window_s = rate.per_s * MARGIN
        self._grace_s = rate.per_s / 60
        self._weighs_s = self._window_s + self._grace_s  # as the store reckons
        self._most = max(1, int(rate.limit * rate.share))
        part = max(1, int(rate.limit * rate.fallback)) if rate.fallback else 0
        self._most_alone = min(self._most, part)
        self._at_once = max(1, rate.limit // 100)
        self._own = Ledger(self._window_s, self._grace_s)
        self._pauses_until = self._told_until = self._sent_alone_at = -inf
        self._pause_is_news = False

        self._link = _Link.UNKNOWN
        self._server: Server | None = None
        self._since: int = 0  # which memory of the store was last seen
        self._weighing = 0  # of all, when the store was last asked
        self._asked_at = -inf
        self._young_until = -inf  # the store may not know yet what was sent lately
        self._cut_at = self._look_again_at = self._warned_at = -inf
        self._has_warned = self._has_warned_of_loss = False
        self._why = ""  # the store cannot be used
        self._most_at_first = 0  # in the window in which the connection was cut

        self._is_in_line = self._is_closed = False
        self._woken = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    # What a transport does with it

    def take(self) -> asyncio.Future[None]:
        """Return a future that is done when a request may be sent.

        Whoever stops waiting for the future must `discard` it, and whoever has sent a request must
        say when it is `answered`.
        """
        turn = self._join()
        if self._link is _Link.AWAY:
            self._serve_alone()  # at once, although the store may just be looked for
        if not self._is_in_line:
            self._wake()
        return turn

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
        self._pauses_until = max(self._pauses_until, self._loop.time() + seconds)
        self._pause_is_news = True
        self._wake()

    @property
    def pause_s(self) -> float:
        """For how long no call of this credential may be sent yet, as far as is known here."""
        return max(0.0, self._paused_until - self._loop.time())

    @property
    def _paused_until(self) -> float:
        return max(self._pauses_until, self._told_until)

    async def aclose(self) -> None:
        """Let all go who wait, who see that this is over, and close the connection."""
        self._is_closed = True
        if self._loop.is_closed():  # with all that was in it
            return
        while self._is_waited_for():
            self._let_go(self._loop.time(), is_known=True)
        if self._work is not None and not self._work.done():
            self._woken.set()
            self._work.cancel()
            await asyncio.wait([self._work])

    # The task that speaks with the store for all

    def _wake(self) -> None:
        self._woken.set()
        if not self._is_closed and (self._work is None or self._work.done()):
            self._work = self._loop.create_task(self._run())
            self._work.add_done_callback(self._ended)

    @hides_locals
    async def _run(self) -> None:
        try:
            while not self._is_closed:  # a connection being made may swallow a cancellation
                self._woken.clear()
                seconds = await self._work_once()
                self._is_in_line = seconds is not None
                await self._sleep(inf if seconds is None else seconds)
        finally:
            self._is_in_line = False
            if not isinstance(sys.exception(), GeneratorExit):  # which lets nothing be awaited
                if self._link is _Link.THERE:
                    self._link = _Link.UNKNOWN
                    with suppress(StoreLostError):
                        await self._ask(0)  # so that nobody waits for the turn that was reserved
                await self._store.close()

    async def _sleep(self, seconds: float) -> None:
        """Sleep until that is over, or there is something to say."""
        until = self._loop.time() + seconds
        while True:
            now = self._loop.time()
            overdue_in_s = self._own.overdue_in_s(now) if self._link is _Link.THERE else inf
            wake_at = min(until, now + overdue_in_s)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(wake_at if wake_at < inf else None):
                    await self._woken.wait()
            if self._woken.is_set() or self._loop.time() >= until or overdue_in_s <= 0:
                return

    def _ended(self, work: asyncio.Task[None]) -> None:
        # Nobody would ever serve those who wait.
        if not work.cancelled() and (error := work.exception()) is not None:
            self._refuse_all(f"was not sent: its rate limit failed ({type(error).__name__})", error)

    async def _work_once(self) -> float | None:
        """Give turns to those who wait; return after how long to do it again, or None."""
        if self._link is _Link.AWAY:
            seconds = self._serve_alone()
            if self._loop.time() < self._look_again_at:
                return seconds
        try:
            if self._link is not _Link.THERE:
                await self._connect()
            return await self._take_turns()
        except StoreLostError as error:
            if self._link is _Link.THERE:
                self._link = _Link.UNKNOWN
                self._note_cut()
                return 0.0
            self._lose(str(error))
            return self._serve_alone()

    async def _connect(self) -> None:
        server = await self._store.server()
        young_s = self._young_s(server)
        self._tell_all()
        if self._link is _Link.AWAY:
            young_s = max(young_s, 2 * _LOOK_AGAIN_S)  # so that the others have told theirs
        await self._ask(0)
        if self._has_warned:
            self._has_warned = False
            logger.warning("the store of the rate limit is back")
        self._link = _Link.THERE
        self._server = server
        self._young_until = max(self._young_until, self._loop.time() + young_s)

    def _young_s(self, server: Server | None) -> float:
        """Return for how long the store cannot know all that was sent, as far as it says."""
        if server is None:
            return 0.0
        if self._server is None:
            return self._weighs_s - server.uptime_s
        # Another server, or this one started again, does not know what was sent.
        return self._weighs_s if server.run_id != self._server.run_id else 0.0

    def _tell_all(self) -> None:
        self._own.tell_all()
        self._pause_is_news = True

    async def _take_turns(self) -> float | None:
        now = self._loop.time()
        is_young = now < self._young_until
        room = (self._most_without(now) if is_young else self._most) - self._own.weighing(now)
        want = max(0, min(len(self._queue), room, self._at_once)) if self._is_waited_for() else 0
        reply = await self._ask(want)
        for _ in range(reply.granted):
            if self._is_waited_for():
                # For the store they began while it was asked; its answer may have made them late.
                self._let_go(now, is_known=True)
            else:
                self._own.skip(1)
        if reply.wait_ms:
            # Now and then it is asked anew, should a wrong number have been put right.
            return min(reply.wait_ms / 1000, self._window_s)
        if not self._queue:
            return None
        if room > want:
            return 0.0
        lighter_in_s = self._own.lighter_in_s(now)
        return min(lighter_in_s, self._young_until - now) if is_young else lighter_in_s

    async def _ask(self, want: int) -> Reply:
        now = self._loop.time()
        pause_s = max(0.0, self._pauses_until - now) if self._pause_is_news else 0.0
        self._pause_is_news = False  # if the store does not hear it, it is told all when it is back
        reply = await self._store.ask(
            self._window_s * 1000,
            self._grace_s * 1000,
            self._rate.limit,
            self._own.name,
            want,
            self._own.taken,
            pause_s * 1000,
            *self._own.news(now),
        )
        # It may have let go of a memory that nobody asked for, but not of one so fresh.
        if reply.since != self._since and now < self._asked_at + self._weighs_s:
            self._note_loss()
        self._since, self._weighing, self._asked_at = reply.since, reply.weighing, now
        # The newest word counts, should a wrong one have been put right.
        paused_s = min(reply.paused_ms / 1000, _LONGEST_PAUSE_S + 2 * self._window_s)
        self._told_until = self._loop.time() + paused_s if paused_s else -inf
        return reply

    def _note_loss(self) -> None:
        self._young_until = self._loop.time() + self._weighs_s
        if self._link is not _Link.THERE:
            return  # it was started again, perhaps, and is told all in any case
        self._note_cut()
        self._tell_all()
        self._woken.set()  # to tell it now
        if not self._has_warned_of_loss:
            self._has_warned_of_loss = True
            logger.warning(
                "the store of the rate limit has lost what was sent: it evicts keys (set"
                " maxmemory-policy noeviction), or was emptied; in the next %g s, this client"
                " sends at most %d requests",
                self._weighs_s,
                self._most_alone,
            )

    def _take_now(self) -> float:
        return inf

    def _let_go(self, at: float, *, is_known: bool) -> None:
        self._own.take(at, is_known=is_known)
        self._queue.popleft().set_result(None)

    # Without the store

    def _note_cut(self) -> None:
        now = self._cut_at = self._loop.time()
        # What was told longer ago than that weighs no more; what was sent since, nobody knows.
        weighing = self._weighing if now - self._asked_at < self._weighs_s else 0
        free = int((self._rate.limit - weighing) * self._rate.fallback)
        self._most_at_first = min(self._most_alone, self._own.weighing(now) + free)

    def _most_without(self, now: float) -> int:
        """Return how many requests may weigh while the store is away, or cannot know them all."""
        is_first_window = now <= self._cut_at + self._window_s
        return self._most_at_first if is_first_window else self._most_alone

    def _lose(self, why: str) -> None:
        now = self._loop.time()
        self._look_again_at, self._why = now + _LOOK_AGAIN_S, why
        if self._link is _Link.AWAY:
            return
        self._link = _Link.AWAY
        if now > self._cut_at + self._window_s:
            self._note_cut()
        if now < self._warned_at + self._window_s:  # it comes and goes
            return
        self._warned_at, self._has_warned = now, True
        logger.warning(
            "the store of the rate limit cannot be used (%s); until it can, %s",
            why,
            f"this client sends at most {self._most_alone} requests in {self._window_s:g} s"
            if self._rate.fallback
            else "calls raise StoreError",
        )

    def _serve_alone(self) -> float | None:
        """Give turns within the part of this client; return after how long to do it again."""
        now = self._loop.time()
        if not self._rate.fallback:
            if now >= self._look_again_at:
                return 0.0  # perhaps it is back
            self._refuse_all(
                f"was not sent: the store of the rate limit cannot be used ({self._why})"
            )
        until_look_s = max(0.0, self._look_again_at - now)
        while self._is_waited_for():
            if (wait_s := self._next_alone_in_s(now)) > 0:
                return min(wait_s, until_look_s)
            self._let_go(now, is_known=False)
            self._sent_alone_at = now
        # As long as some weigh, the store is to be told of them when it is back.
        return until_look_s if self._own.weighing(now) else None

    def _next_alone_in_s(self, now: float) -> float:
        most = self._most_without(now)
        if not most:
            return inf
        next_at = self._paused_until
        if now < self._paused_until + self._window_s:
            next_at = max(next_at, self._sent_alone_at + self._window_s / most)
        if self._own.weighing(now) >= most:
            next_at = max(next_at, now + self._own.lighter_in_s(now))
        return next_at - now

    def _refuse_all(self, why: str, cause: BaseException | None = None) -> None:
        while self._is_waited_for():
            refusal = StoreError(why)
            refusal.__cause__ = cause
            self._queue.popleft().set_exception(refusal)


def pacer(credential: str, rate: RateLimit, loop: asyncio.AbstractEventLoop) -> SharedPacer:
    """Return a queue of its own before the window that is shared under a credential's name."""
    return SharedPacer(Store(rate.store or "", credential, _TIMEOUT_S), rate, loop)

"""The line for a rate-limit window that several processes share in a store (Redis).

One task of each client asks the store for turns, a few at a time, so that other clients get theirs
in between. If a turn is not free yet, the store reserves one, and the task sleeps until it is. So
clients are served in the order in which they ask, with at most one round trip a turn.

As everywhere in `pacing`, a request weighs from its sending until a window after its answer. The
store assumes that an answer comes within a sixtieth of the window (a second of a minute). If one
comes later, the client reports it.

    state      a call asks     the store answers  the store fails       the store forgot all, or its
                                                                        clock was set
    UNKNOWN    waits           CONNECTED          ALONE; warn           young
    CONNECTED  waits           gives turns        UNKNOWN; ask at once  young; report all; warn
    ALONE      its own part    CONNECTED; young   ALONE; ask in 0.5 s   young
    closed     fails           -                  -                     -

In any state, the store can be young: it may not know all that was sent in the last window. Until it
can, a client sends no more than its own part of the limit, as it does alone.
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
from heymarket_async.pacing.line import Line
from heymarket_async.pacing.store import Reply, Server, SharedWindow, StoreLostError
from heymarket_async.pacing.window import MARGIN, RateLimit
from heymarket_async.privacy import hides_locals

logger = logging.getLogger("heymarket_async")

# Far longer than a round trip within a data center, and short compared with a call to Heymarket.
_TIMEOUT_S = 0.25
# Soon enough that few users notice, and too rarely to keep a server from starting.
_ASK_AGAIN_S = 0.5
# As in `store.lua`.
_LONGEST_PAUSE_S = 600.0


class _State(Enum):
    UNKNOWN = auto()  # not asked yet, or the connection was cut, perhaps because it was idle
    CONNECTED = auto()
    ALONE = auto()


class SharedPacer(Line):
    """The line of one client for the window of a credential that other processes use too.

    Args:
        store: The shared window.
        rate: The limit of the window.
        loop: The loop of all calls that wait.
    """

    def __init__(
        self, store: SharedWindow, rate: RateLimit, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__()
        self._store = store
        self._rate = rate
        self._loop = loop
        self._window_s = rate.per_s * MARGIN
        self._grace_s = rate.per_s / 60
        self._weighs_s = self._window_s + self._grace_s  # as the store assumes
        self._most = max(1, int(rate.limit * rate.share))
        part = max(1, int(rate.limit * rate.fallback)) if rate.fallback else 0
        self._most_alone = min(self._most, part)
        self._most_at_first = 0  # while ALONE, in the window in which the connection was cut
        self._at_once = max(1, rate.limit // 100)
        self._ledger = Ledger(self._window_s, self._grace_s)

        self._state = _State.UNKNOWN
        self._is_closed = False
        self._young_until = -inf
        self._server: Server | None = None  # when it was last asked; its memory began at `_since`
        self._since: int = 0
        self._asked_at = -inf
        # By how many seconds the store's clock was before the loop's: at least, at most; and when.
        self._ahead = (0.0, 0.0, -inf)
        self._weighing = 0  # turns of all clients, when the store was last asked
        self._granted = 0  # turns that the store gave, and no call has taken yet
        self._own_pause_until = self._pause_until = -inf  # noted here, and by the store
        self._is_pause_reported = True
        self._cut_at = self._ask_again_at = self._sent_alone_at = self._warned_at = -inf
        self._is_outage_logged = False
        self._losses_logged: set[str] = set()
        self._why = ""  # why the store cannot be used

        self._task: asyncio.Task[None] | None = None
        self._next_at = inf  # when the task asks the store again, if it is not woken
        self._woken = asyncio.Event()

    def take(self) -> asyncio.Future[None]:
        """Return a future that is done when the call may go."""
        turn = self._join()
        self._serve()  # alone, it may go at once
        if self._next_at == inf:
            self._wake()
        return turn

    def next_s(self) -> float:
        """Return after how many seconds the first in line may go; the store is asked then."""
        return min(super().next_s(), max(0.0, self._next_at - self._loop.time()))

    def _take_now(self) -> float:
        now = self._loop.time()
        if self._granted or self._is_closed:
            self._granted = max(0, self._granted - 1)
            # For the store, a turn begins when it is asked for. Its answer may have been slow.
            self._ledger.take(self._asked_at, is_known=True)
            return 0.0
        if self._state is not _State.ALONE:
            return inf
        if (wait_s := self._next_alone_at(now) - now) > 0:
            return wait_s
        self._ledger.take(now, is_known=False)
        self._sent_alone_at = now
        return 0.0

    def _serve(self) -> None:
        is_alone = self._state is _State.ALONE and self._loop.time() < self._ask_again_at
        if is_alone and not self._rate.fallback:
            self._refuse_all(f"{_UNREACHABLE} ({self._why})")
        super()._serve()

    def _refuse_all(self, why: str, cause: BaseException | None = None) -> None:
        while self._is_waited_for():
            refusal = StoreError(f"was not sent: {why}")
            refusal.__cause__ = cause
            self._queue.popleft().set_exception(refusal)

    def give_back(self) -> None:
        """Return a turn that was not used."""
        self._ledger.give_back()
        self._wake()

    def answered(self) -> None:
        """Count the request of a turn as answered, or failed."""
        if self._ledger.answer(self._loop.time()):
            self._wake()

    def pause(self, seconds: float) -> None:
        """Pause all calls of this credential, in all processes."""
        self._own_pause_until = max(self._own_pause_until, self._loop.time() + seconds)
        self._is_pause_reported = False
        self._wake()

    @property
    def pause_s(self) -> float:
        """The seconds for which calls of this credential are still paused, as far as is known."""
        return max(0.0, self._paused_until - self._loop.time())

    @property
    def _paused_until(self) -> float:
        return max(self._own_pause_until, self._pause_until)

    async def aclose(self) -> None:
        """Wake all waiting calls, which then see that their client is closed, and disconnect."""
        self._is_closed = True
        if self._loop.is_closed():  # and with it all tasks and connections
            return
        self._serve()
        if self._task is not None and not self._task.done():
            self._woken.set()
            self._task.cancel()
            await asyncio.wait([self._task])

    # The task that asks the store

    def _wake(self) -> None:
        self._woken.set()
        if not self._is_closed and (self._task is None or self._task.done()):
            self._task = self._loop.create_task(self._run(), name="heymarket-rate-limit-store")
            self._task.add_done_callback(self._note_end)

    @hides_locals
    async def _run(self) -> None:
        try:
            while not self._is_closed:  # a connection being made may swallow a cancellation
                self._woken.clear()
                self._next_at = self._loop.time() + await self._ask_once()
                await self._sleep()
        finally:
            self._next_at = inf
            if not isinstance(sys.exception(), GeneratorExit):  # which lets nothing be awaited
                if self._state is _State.CONNECTED:
                    self._state = _State.UNKNOWN
                    with suppress(StoreLostError):
                        await self._ask(0)  # so that no other client waits for the reserved turn
                await self._store.close()

    async def _sleep(self) -> None:
        """Sleep until it is time to ask or to report long requests, or until woken."""
        while not self._woken.is_set():
            is_connected = self._state is _State.CONNECTED
            report_at = self._ledger.report_at() if is_connected else inf
            wake_at = min(self._next_at, report_at)
            if wake_at <= self._loop.time():
                return
            with suppress(TimeoutError):
                async with asyncio.timeout_at(wake_at if wake_at < inf else None):
                    await self._woken.wait()

    def _note_end(self, task: asyncio.Task[None]) -> None:
        # After a bug of ours, nothing would ever serve the waiting calls.
        if not task.cancelled() and (error := task.exception()) is not None:
            self._refuse_all(f"its rate limit failed ({type(error).__name__})", error)

    async def _ask_once(self) -> float:
        """Ask the store for turns. Return the seconds until the next time, inf for never."""
        now = self._loop.time()
        if self._state is not _State.ALONE or now >= self._ask_again_at:
            try:
                if self._state is not _State.CONNECTED:
                    await self._connect()
                return await self._ask_for_turns()
            except StoreLostError as error:
                now = self._loop.time()
                if self._state is _State.CONNECTED:
                    self._state = _State.UNKNOWN
                    self._note_cut(now)
                    return 0.0
                self._be_alone(now, str(error))
        self._serve()
        # While some turns weigh, they must be reported to the store when it is back.
        is_needed = self._queue or self._ledger.weighing(now)
        return max(0.0, self._ask_again_at - now) if is_needed else inf

    async def _connect(self) -> None:
        server = await self._store.server()
        young_s = self._young_s(server)
        if self._state is _State.ALONE:
            young_s = max(young_s, 2 * _ASK_AGAIN_S)  # the other clients report theirs first
        self._report_all()
        await self._ask(0)
        if self._is_outage_logged:
            self._is_outage_logged = False
            logger.warning("Redis for the shared rate limit is back.")
        self._state = _State.CONNECTED
        self._server = server
        self._young_until = max(self._young_until, self._loop.time() + young_s)

    def _young_s(self, server: Server | None) -> float:
        """Return the seconds for which the store may not know all that was sent."""
        if server is None:
            return 0.0
        if self._server is None:
            return self._weighs_s - server.uptime_s
        # Another server, or this one started again, does not know what was sent.
        return self._weighs_s if server.run_id != self._server.run_id else 0.0

    async def _ask_for_turns(self) -> float:
        now = self._loop.time()
        is_young = now < self._young_until
        room, first = self._room(now), self._ledger.taken
        want = min(len(self._queue), room, self._at_once) if self._is_waited_for() else 0
        reply = await self._ask(want)
        # A store that has just forgotten what was sent may have given too much.
        self._granted = min(reply.granted, self._room(self._loop.time()))
        self._serve()
        self._granted = 0
        self._ledger.skip(first + reply.granted - self._ledger.taken)
        if reply.wait_ms:
            # At least once a window, in case a wrong number was corrected in the store.
            return min(reply.wait_ms / 1000, self._window_s)
        if not self._queue:
            return inf
        if room > want:
            return 0.0
        lighter_in_s = self._ledger.lighter_in_s(now)
        return min(lighter_in_s, self._young_until - now) if is_young else lighter_in_s

    def _room(self, now: float) -> int:
        most = self._most_without(now) if now < self._young_until else self._most
        return max(0, most - self._ledger.weighing(now))

    async def _ask(self, want: int) -> Reply:
        now = self._loop.time()
        pause_s = 0.0 if self._is_pause_reported else max(0.0, self._own_pause_until - now)
        self._is_pause_reported = True  # if this fails, all is reported when the store is back
        reply = await self._store.ask(
            self._window_s * 1000,
            self._grace_s * 1000,
            self._rate.limit,
            self._ledger.name,
            want,
            self._ledger.taken,
            pause_s * 1000,
            *self._ledger.changes(now),
        )
        # The store may drop a memory that nobody asked for, but not one as fresh as this.
        is_lost = reply.since != self._since and now < self._asked_at + self._weighs_s
        if (is_set := self._note_time(reply.now_us / 1e6, now)) or is_lost:
            self._note_loss(_CLOCK_SET if is_set else _LOST)
        self._since, self._weighing, self._asked_at = reply.since, reply.weighing, now
        # The last answer counts, in case a wrong number was corrected in the store.
        paused_s = min(reply.paused_ms / 1000, _LONGEST_PAUSE_S + 2 * self._window_s)
        self._pause_until = self._loop.time() + paused_s if paused_s else -inf
        return reply

    def _note_time(self, time_s: float, asked_at: float) -> bool:
        """Note the time of the store. Return True if its clock was set, or runs at another speed.

        Turns are forgotten too early then, or too late.
        """
        now = self._loop.time()
        at_least, at_most = time_s - now, time_s - asked_at
        least, most, noted_at = self._ahead
        # As much as the margin of the window makes good.
        drift_s = (MARGIN - 1) * max(self._rate.per_s, now - noted_at)
        is_set = at_most < least - drift_s or at_least > most + drift_s
        # Compared over a window, so that a wrong speed shows.
        if is_set or now > noted_at + self._rate.per_s:
            self._ahead = at_least, at_most, now
        return is_set

    def _report_all(self) -> None:
        self._ledger.report_all()
        self._is_pause_reported = False

    def _note_loss(self, why: str) -> None:
        now = self._loop.time()
        self._young_until = now + self._weighs_s
        if self._state is not _State.CONNECTED:
            return  # it was started again, perhaps, and all is reported to it in any case
        self._note_cut(now)
        self._report_all()
        self._woken.set()  # to report it now
        if why not in self._losses_logged:
            self._losses_logged.add(why)
            logger.warning(
                "%s In the next %.0f s, this client sends at most %d requests.",
                why,
                self._weighs_s,
                self._most_alone,
            )

    # Without the store

    def _note_cut(self, now: float) -> None:
        self._cut_at = now
        # Turns that were reported before weigh no more; nobody knows those that were sent since.
        weighing = self._weighing if now - self._asked_at < self._weighs_s else 0
        free = int((self._rate.limit - weighing) * self._rate.fallback)
        self._most_at_first = min(self._most_alone, self._ledger.weighing(now) + free)

    def _most_without(self, now: float) -> int:
        """Return how many requests may weigh while the store is unreachable or young."""
        is_first_window = now <= self._cut_at + self._window_s
        return self._most_at_first if is_first_window else self._most_alone

    def _be_alone(self, now: float, why: str) -> None:
        self._ask_again_at, self._why = now + _ASK_AGAIN_S, why
        if self._state is _State.ALONE:
            return
        self._state = _State.ALONE
        if now > self._cut_at + self._window_s:
            self._note_cut(now)
        if now < self._warned_at + self._window_s:  # it comes and goes
            return
        self._warned_at, self._is_outage_logged = now, True
        span = "a minute" if self._rate.per_s == 60 else f"in {self._rate.per_s:g} s"
        logger.warning(
            "%s (%s). Until it is back, %s.",
            _UNREACHABLE,
            why,
            f"this client sends at most {self._most_alone} requests {span}"
            if self._rate.fallback
            else "calls raise StoreError",
        )

    def _next_alone_at(self, now: float) -> float:
        most = self._most_without(now)
        if not most:
            return inf
        next_at = self._paused_until
        if now < self._paused_until + self._window_s:
            next_at = max(next_at, self._sent_alone_at + self._window_s / most)
        if self._ledger.weighing(now) >= most:
            next_at = max(next_at, now + self._ledger.lighter_in_s(now))
        return next_at


_UNREACHABLE = "Redis for the shared rate limit is unreachable"
_LOST = (
    "Redis has lost the requests of the shared rate limit: it was emptied, or it evicts keys. Set"
    " its maxmemory-policy to noeviction."
)
_CLOCK_SET = "The clock of Redis for the shared rate limit was set, or runs at another speed."


def pacer(credential: str, rate: RateLimit, loop: asyncio.AbstractEventLoop) -> SharedPacer:
    """Return a new line for the window that is shared under a credential's name."""
    return SharedPacer(SharedWindow(rate.store or "", credential, _TIMEOUT_S), rate, loop)

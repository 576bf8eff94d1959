"""One budget for two to sixteen processes, while their store is disturbed."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

from endurance import stores
from endurance.run import Figures, Run, small
from endurance.stores import KINDS, Alone, Cluster, Engine, Stepped, Watched
from endurance.versions import versions
from heymarket_async.sandbox import Sandbox
from tests.pacing.workers import End, started
from tests.redis_server import RedisServer
from tests.windows import most_in_a_window

LIMIT = 100 if small() else 240
WINDOW_S = 1.0 if small() else 10.0
"""A sixth of the documented minute, so that an hour has as many windows as a quarter of a day."""
USED = 0.8 if small() else 0.97
USED_MEANWHILE = 0.5
PART = 0.5
LATE_S = 0.05
"""A machine whose sleeps end later than this has no time for a store that is given 0.25 s."""
BEFORE, AFTER = (1.2, 2.2) if small() else (2.2, 3.3)
RETURN_S = 1.02 * WINDOW_S + 2.0
"""After so long, clients trust a store that is back: they ask each half second whether it is, and
wait for as long as earlier requests weigh."""
AWAY = (
    "Redis for the shared rate limit is unreachable",
    "Redis for the shared rate limit is back",
)
LOST = (*AWAY, "Redis has lost the requests of the shared rate limit")
SET = ("The clock of Redis for the shared rate limit was set",)
"""The lines that docs/scaling.md has."""


class Disturbance(NamedTuple):
    """Something that happens to a store.

    Attributes:
        name: For the page.
        place: Makes the store.
        happen: Disturbs it, and returns when it is there again.
        logs: Which lines a client may log meanwhile. Without any, the store is there all the time.
    """

    name: str
    place: Callable[[Engine], Any]
    happen: Callable[[Any, random.Random], object]
    logs: tuple[str, ...] = AWAY


def cut(store: RedisServer, chance: random.Random) -> None:
    """Cut all connections, some times."""
    for _ in range(chance.randint(1, 5)):
        store.run("CLIENT", "KILL", "TYPE", "normal")
        time.sleep(chance.uniform(0, WINDOW_S / 2))


def kill(store: RedisServer, chance: random.Random) -> None:
    """Kill it, and start it again, perhaps twice within a window."""
    for _ in range(chance.randint(1, 2)):
        time.sleep(chance.uniform(0, WINDOW_S / 2))
        store.kill()
        time.sleep(chance.uniform(0, 1.5 * WINDOW_S))
        store.start()


def stop(store: RedisServer, chance: random.Random) -> None:
    """Stop its process for a while."""
    store.stop()
    time.sleep(chance.uniform(0.1, 1.5 * WINDOW_S))
    store.go_on()


def pause(store: RedisServer, chance: random.Random) -> None:
    """Let it hold back the answers to all commands, or to those that write."""
    pause_s = chance.uniform(0.1, 1.5 * WINDOW_S)
    store.run("CLIENT", "PAUSE", int(pause_s * 1000), chance.choice(["ALL", "WRITE"]))
    time.sleep(pause_s)


def be_busy(store: RedisServer, chance: random.Random) -> None:
    """Let it run a script that does not end, until that is killed."""
    store.run("CONFIG", "SET", "lua-time-limit", 100)
    busy = stores.in_background(store.run, "EVAL", "while true do end", 0)
    time.sleep(chance.uniform(0.3, 1.5 * WINDOW_S))
    store.run("SCRIPT", "KILL")
    busy.join()


def empty(store: RedisServer, chance: random.Random) -> None:
    """Take all its keys, as somebody does by mistake."""
    store.run(chance.choice(["FLUSHALL", "FLUSHDB"]))


def evict(store: RedisServer, chance: random.Random) -> None:
    """Fill its memory until the keys of the budget are evicted."""
    policies = ["allkeys-random", "allkeys-lru", "volatile-random", "volatile-ttl", "volatile-lru"]
    store.run("CONFIG", "SET", "maxmemory-policy", chance.choice(policies))
    keys = store.run("KEYS", "heymarket:*")
    stores.fill(store, until=lambda: store.run("EXISTS", *keys) < len(keys))
    store.run("CONFIG", "SET", "maxmemory", 0)
    store.run("CONFIG", "SET", "maxmemory-policy", "noeviction")


def be_full(store: RedisServer, chance: random.Random) -> None:
    """Fill its memory, so that it takes no writes, until there is more of it."""
    stores.fill(store, until=lambda: False)
    time.sleep(chance.uniform(0, WINDOW_S))
    store.run("CONFIG", "SET", "maxmemory", 0)


def step(store: Stepped, chance: random.Random) -> None:
    """Set its clock ahead or back, and perhaps right again within a window."""
    most_s = chance.choice([0.1 * WINDOW_S, WINDOW_S, 3 * WINDOW_S, 3600.0, 86_400.0])
    store.step_clock(chance.choice([-1, 1]) * chance.uniform(0.3, 1) * most_s)
    if chance.random() < 0.5:
        time.sleep(chance.uniform(0, 1.5 * WINDOW_S))
        store.step_clock(0)


def fail_over(store: Watched, chance: random.Random) -> None:
    """Kill the primary; the Sentinels choose the other server, and the first one follows it."""
    killed = store.primary()
    killed.kill()
    stores.until(lambda: store.primary() is not killed)
    time.sleep(chance.uniform(0, WINDOW_S))
    killed.start()
    store.wait()


def switch_over(store: Watched, chance: random.Random) -> None:
    """Ask a Sentinel to make the replica the primary."""
    left = store.primary()
    chance.choice(store.sentinels).run("SENTINEL", "FAILOVER", store.NAME)
    stores.until(lambda: store.primary() is not left)
    store.wait()


def split(store: Watched, chance: random.Random) -> None:
    """Stop the primary until another one is chosen; then it runs again, as if it still were one."""
    stopped = store.primary()
    stopped.stop()
    stores.until(lambda: store.primary() is not stopped)
    time.sleep(chance.uniform(0, WINDOW_S / 2))
    stopped.go_on()
    store.wait()


def reshard(store: Cluster, chance: random.Random) -> None:
    """Move the slot of the budget to other nodes, in steps, or at once as Valkey 9 can."""
    for _ in range(chance.randint(1, 3)):
        if store.moves_at_once and chance.random() < 0.5:
            store.move_at_once(chance.choice)
        else:
            pause_s = chance.choice([0, chance.uniform(0, WINDOW_S / 2)])
            store.move(chance.choice, pause_s, together=chance.random() < 0.5)
        time.sleep(chance.uniform(0, WINDOW_S / 2))


def lose_node(store: Cluster, chance: random.Random) -> None:
    """Kill the node with the budget; its replica takes over."""
    lost, _ = store.keys()
    lost.kill()
    stores.until(lambda: store.replica.run("INFO", "replication")["role"] == "master")
    time.sleep(chance.uniform(0, WINDOW_S))
    lost.start()


def take_over(store: Cluster, chance: random.Random) -> None:
    """Ask the replica of the node with the budget to take over, together with it or not."""
    store.replica.run("CLUSTER", "FAILOVER", *chance.choice([(), ("FORCE",), ("TAKEOVER",)]))
    stores.until(lambda: store.replica.run("INFO", "replication")["role"] == "master")


def with_file(engine: Engine) -> Alone:
    """Return a server that keeps its keys in a file."""
    return Alone(engine, appendonly="yes")


def with_replica(engine: Engine) -> Cluster:
    """Return a cluster with a replica of the node with the budget."""
    return Cluster(engine, has_replica=True)


DISTURBANCES = [
    Disturbance("killed", Alone, kill),
    Disturbance("failed over", Watched, fail_over),
    Disturbance("resharded", Cluster, reshard),
    Disturbance("evicted", Alone, evict, LOST),
    Disturbance("stopped", Alone, stop),
    Disturbance("clock stepped", Stepped, step, SET),
    Disturbance("left alone", Alone, lambda _store, _chance: time.sleep(WINDOW_S), ()),
    Disturbance("killed, with a file", with_file, kill),
    Disturbance("switched over", Watched, switch_over),
    Disturbance("node lost", with_replica, lose_node),
    Disturbance("emptied", Alone, empty, LOST),
    Disturbance("paused", Alone, pause),
    Disturbance("split", Watched, split),
    Disturbance("taken over", with_replica, take_over),
    Disturbance("full", Alone, be_full),
    Disturbance("busy", Alone, be_busy),
    Disturbance("cut", Alone, cut, ()),
]


def work(seed: int) -> Figures:
    """Let processes want more than the budget, and disturb their store in the midst of it."""
    chance = random.Random(seed)
    disturbance = DISTURBANCES[seed // len(KINDS) % len(DISTURBANCES)]
    engine = stores.engine([*KINDS][seed % len(KINDS)], chance.choice)
    processes = 2 if small() else chance.randint(2, 16)
    rate = {"limit": LIMIT, "per_s": WINDOW_S, "fallback": 1 / processes}
    with (
        disturbance.place(engine) as store,
        Sandbox(limit=LIMIT, per_s=WINDOW_S) as sandbox,
        started(sandbox, store.url, rate, processes) as workers,
        Lateness() as lateness,
    ):
        if isinstance(store, Cluster):
            store.follow()
        time.sleep(1.2 * WINDOW_S)  # so that the store may know all that was sent lately
        workers.go()
        began = time.monotonic()
        time.sleep((BEFORE + chance.random()) * WINDOW_S)
        disturbed = time.monotonic()
        disturbance.happen(store, chance)
        back = time.monotonic() + RETURN_S
        time.sleep(RETURN_S + AFTER * WINDOW_S)
        ended = time.monotonic()
        workers.go()
        ends = workers.ends()
        refused = [each.status for each in sandbox.requests if each.status != 200]
    seen = Seen(disturbance, ends, began, disturbed, back, ended)
    seconds = round(ended - began)
    wrong, slow = seen.wrong(refused), seen.slow()
    if wrong or (slow and lateness.most_s <= LATE_S):
        what = f"{engine.name}, {disturbance.name}, {processes} processes"
        late = f"{lateness.most_s:.3f} s late"
        raise AssertionError(f"{what}, {late}: {'; '.join(wrong + slow)}: {seen}")
    total = {
        "requests": len(seen.spans),
        "answers 429 where only some lost the store": len(refused),
    }
    if slow:
        return Figures(units=0, total={**total, "seconds not counted: a slow machine": seconds})
    return Figures(
        units=seconds,
        total={**total, f"seconds on {engine.name}": seconds, f"times {disturbance.name}": 1},
        most={"processes": processes, f"requests in any {WINDOW_S:g} s": seen.most},
        least={
            "processes": processes,
            "% of the budget used, while the store is there": 100 * min(seen.used),
            "% of its part that a process had": 100 * seen.part,
            **({f"% used, {disturbance.name}": 100 * seen.meanwhile} if disturbance.logs else {}),
        },
        versions=versions("redis"),
    )


class Lateness:
    """Measures in a thread how late the sleeps of this machine end.

    Attributes:
        most_s: The latest so far, in seconds.
    """

    def __init__(self) -> None:
        self.most_s = 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._is_over.wait(max(0.0, due - time.monotonic())):
            self.most_s = max(self.most_s, time.monotonic() - due)
            due = time.monotonic() + 0.02

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()


class Seen:
    """The work of the processes, while their store was there and while it was not.

    Args:
        disturbance: The event that the store had.
        ends: The work of each process.
        began, disturbed, back, ended: When it did; `back` is when all may trust the store again.

    Attributes:
        spans: From when to when each request was under way.
        most: The most requests that a window may have held.
        used: The parts of the budget that were used while the store was there.
        meanwhile: The part that was used from the disturbance until it was back.
        part: The smallest part that a process had, as a ratio to an equal part.
    """

    def __init__(
        self,
        disturbance: Disturbance,
        ends: list[End],
        began: float,
        disturbed: float,
        back: float,
        ended: float,
    ) -> None:
        self._logs = disturbance.logs
        self._errors = [error for end in ends for error in end.errors]
        self.spans = [span for end in ends for span in end.spans]
        self._log_of_each = [end.log for end in ends]
        self._lines = "".join(self._log_of_each).splitlines()
        self.most = most_in_a_window(self.spans, WINDOW_S)
        times = [(began, disturbed), (back, ended)] if self._logs else [(began, ended)]
        self.used = [self._used(*each) for each in times]
        self.meanwhile = self._used(disturbed - WINDOW_S, back + WINDOW_S)
        self.part = min(len(end.spans) for end in ends) * len(ends) / len(self.spans)

    def _used(self, start: float, end: float) -> float:
        """Return the part that was used: a window over the time that a whole budget took.

        At most that of the whole windows, lest a time without any at an edge be overlooked.
        """
        begun = sorted(begin for begin, _ in self.spans if start <= begin < end)
        took = [later - earlier for earlier, later in zip(begun, begun[LIMIT:], strict=False)]
        of_windows = len(begun) / LIMIT / max(1, (end - start) // WINDOW_S)
        return min(WINDOW_S * len(took) / sum(took), of_windows) if took else 0.0

    def wrong(self, refused: Sequence[int] = ()) -> list[str]:
        """Return all that must never be.

        Args:
            refused: The statuses of the answers that were not 200.
        """
        # Those who lose a store that others still have send their parts in addition.
        lost = [AWAY[0] in each for each in self._log_of_each]
        extra = sum(lost) * (LIMIT // len(lost)) if self._logs and not all(lost) else 0
        known = (*self._logs, *AWAY)
        return [
            *self._errors,
            *(each for each in self._lines if not any(line in each for line in known)),
            *(["a window held too many"] if self.most > LIMIT + extra else []),
            *(["too many were refused"] if len(refused) > extra else []),
            *(f"an answer was {each}" for each in {*refused} - {429}),
        ]

    def slow(self) -> list[str]:
        """Return all that must not be, but may be if the machine is slow."""
        is_away = any(line in each for line in {*AWAY} - {*self._logs} for each in self._lines)
        is_back = all(each.count(AWAY[0]) == each.count(AWAY[1]) for each in self._log_of_each)
        return [
            *(["the store was away"] if is_away else []),
            *([] if is_back else ["a process did not come back to the store"]),
            *(["too little was used"] if min(self.used) < USED else []),
            *(["too little was used meanwhile"] if self.meanwhile < USED_MEANWHILE else []),
            *(["a process had too little"] if self.part < PART else []),
        ]

    def __repr__(self) -> str:
        numbers = {"used": self.used, "meanwhile": self.meanwhile, "part": self.part}
        return repr({**numbers, "most": self.most, "log": dict(Counter(self._lines))})


RUNS = [
    Run(
        name="budget",
        title="Processes on one budget",
        unit="seconds",
        goal=7200,
        holds=f"Two to sixteen processes want more than their one budget of {LIMIT} requests in"
        f" {WINDOW_S:g} s. Meanwhile their store is killed, stopped, paused, failed over or"
        " resharded, loses keys, or its clock is set. No request is answered with 429, and no"
        f" window of {WINDOW_S:g} s holds more than {LIMIT} requests, wherever it begins. No"
        f" process has less than half of an equal part. At least {USED:.0%} of the budget is used"
        f" while the store is there, and from {RETURN_S:g} s after it is back. Then every process"
        " that has lost it relies on it again. Without its store a process is careful, so less"
        f" is used meanwhile. It is at least {USED_MEANWHILE:.0%}, from {WINDOW_S:g} s before the"
        f" store goes to {WINDOW_S:g} s after all are back. Nothing is logged but the lines that"
        " the documentation has."
        "\n\n"
        "There is one exception. If only some clients lose the store, these may send their parts"
        " in addition, as [the documentation](scaling.md) says. Then as many answers may be 429,"
        f" and they are counted. A piece does not count if the machine was late by more than"
        f" {LATE_S:g} s, and also the store was away, less was used, or a process had less."
        "\n\n"
        "In the table:\n\n"
        "- Busy: the store runs a script that does not end.\n"
        "- Full: it has no memory for more keys.\n"
        "- Switched over: a Sentinel gets the order to change the primary.\n"
        "- Taken over: the replica gets the order.\n"
        "- Split: the primary is stopped until another one is chosen, and then runs again as if"
        " it were still the primary.\n"
        "- Left alone: nothing happens.\n"
        "\n"
        "To repeat a seed, install the same engines.",
        work=work,
        at_once=1,
    )
]

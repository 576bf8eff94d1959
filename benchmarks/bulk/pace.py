"""(c) Time of an export from a server that is slow to answer, beside what the limit allows.

Heymarket takes 500 requests a minute, and 200 ms are supposed until it answers. What decides is how
these go together: an answer is 1/300 of the minute, and 500 answers one after the other take 1.67
minutes. So minute and latency are made shorter by one factor, and 500 stays. The work of this
machine does not get shorter, so by that factor it weighs more than it would.

The floor is the steady one: requests of the plain walk, 100 contacts a page, times the minute,
divided by 500. The limit lets a minute's requests through at once, so that a job may end before
the steady floor, by up to a minute that depends on the size of the account alone. This account
gains nothing by that: the plain walk would fill four minutes to the last request, and whoever sends
one more has to wait for the fifth. (Without any request more, and none that waits for another, it
could end after the third.)
"""

from __future__ import annotations

import functools
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from benchmarks.bulk import tables
from benchmarks.bulk.account import account
from benchmarks.bulk.child import Spent, run
from benchmarks.bulk.cpu import SIZE

MINUTE_S, LATENCY_S = 60.0, 0.2
CONCURRENCY = (1, 2, 4, 8)


class Scale(NamedTuple):
    """How much of the real thing is done.

    Attributes:
        shorter: By what minute and latency are divided.
        limit: Requests a minute.
        minutes: How many of them the plain walk needs.
        rounds: How often each is run.
    """

    shorter: float
    limit: int
    minutes: int
    rounds: int

    @property
    def per_s(self) -> float:
        return MINUTE_S / self.shorter

    @property
    def latency_s(self) -> float:
        return LATENCY_S / self.shorter

    @property
    def floor_s(self) -> float:
        return self.minutes * self.per_s


SCALED = Scale(shorter=10, limit=500, minutes=4, rounds=3)
REAL = Scale(shorter=1, limit=500, minutes=4, rounds=1)
SMALL = Scale(shorter=200, limit=25, minutes=2, rounds=1)


def measure(*, small: bool, real: bool) -> None:
    scale = REAL if real else SMALL if small else SCALED
    at_once = CONCURRENCY[::2] if small else CONCURRENCY
    runs = {each: functools.partial(_export, scale, each) for each in at_once}
    if real:
        # They wait nearly all of the time, so that they can do so side by side.
        with ThreadPoolExecutor(len(runs)) as pool:
            under_way = {each: pool.submit(work) for each, work in runs.items()}
            taken = {each: [future.result()] for each, future in under_way.items()}
    else:
        taken = tables.interleaved(runs, scale.rounds)
    plain = scale.minutes * scale.limit
    tables.title(
        f"(c) {plain * SIZE:,} contacts, {scale.limit} requests in {scale.per_s:g} s,"
        f" answers after {scale.latency_s * 1000:g} ms, {scale.rounds} rounds;"
        f" the limit's floor for {plain:,} requests: {scale.floor_s:g} s"
    )
    tables.line(
        "concurrency", "wall s", "ratio to floor", "latency's floor s", "requests", "refused"
    )
    for concurrency, spent in taken.items():
        wall = [each.wall_s for each in spent]
        sent = tables.spread([each.result["requests"] for each in spent], 0)
        refused = tables.spread([each.result["repeated"] for each in spent], 0)
        ratio = tables.ratios(wall, [scale.floor_s] * len(wall), 3)
        latency = f"{plain * scale.latency_s / concurrency:.2f}"
        tables.line(str(concurrency), tables.spread(wall), ratio, latency, sent, refused)


def _export(scale: Scale, concurrency: int) -> Spent:
    # An account for each run: another one's requests would still count in its minute.
    limit, per_s = scale.limit, scale.per_s
    contacts = scale.minutes * limit * SIZE
    server = account(contacts, limit=limit, per_s=per_s, latency_s=scale.latency_s)
    with server as at, tempfile.TemporaryDirectory() as folder:
        return run(
            "jobs.export",
            url=at.url,
            key=at.key,
            path=str(Path(folder) / "contacts.jsonl"),
            size=SIZE,
            concurrency=concurrency,
            limit=limit,
            per_s=per_s,
        )

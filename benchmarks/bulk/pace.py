"""(c) Time of an export from a server that is slow to answer, compared with the rate limit.

Heymarket allows 500 requests a minute, and is assumed to answer within 200 ms. Their ratio matters:
an answer takes 1/300 of the minute, and 500 answers one after the other take 1.67 minutes. So the
minute and the latency are divided by the same factor, and 500 stays. The work of this machine does
not get shorter, so its share is larger than in reality.

The floor is the number of requests of a plain walk, at 100 contacts a page, times the minute,
divided by 500. The limit lets the requests of a minute through at once. So a job may end up to a
minute before the floor, depending on the size of the account. This account gains nothing by that:
the plain walk fills four minutes exactly, and one request more waits for the fifth. (With no
further request, and none that waits for another, it could end after the third.)
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
    """The size of a run.

    Attributes:
        shorter: The divisor of the minute and of the latency.
        limit: Requests a minute.
        minutes: How many minutes the plain walk needs.
        rounds: How often each job is run.
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
        # They wait nearly all of the time, so they can run side by side.
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
    # Each run has an account of its own: the requests of another run would count in its minute.
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

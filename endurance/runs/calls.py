"""Mixed calls of all groups, while the server, the network and the clock fail at random."""

from __future__ import annotations

import asyncio
import gc
import os
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from endurance.run import Figures, Run, small
from endurance.versions import versions
from heymarket_async import AttemptEvent
from heymarket_async.transport import sends
from tests.stories.mixed_calls import WatchedSandbox, client_of, many_acts
from tests.test_api_page import ROWS

ROUNDS, WARM, WORKERS, ACTS = (2, 1, 5, 30) if small() else (6, 2, 20, 200)
"""After the rounds to warm up, nothing may grow any more."""
MOST_RESULTS = 100
"""A client remembers 10,000 results of sends, which would grow all the while."""
OBJECTS_FOR_EACH_CALL = 0.05
"""Messages that may have been sent stay known: two objects for one call in two hundred."""
MOST_MB = 4.0
"""The allocator keeps some memory that it has once had."""
CALLS = {row.call for row in ROWS}
_ID = re.compile(r"/\d+$")


class Held(NamedTuple):
    """The memory and the resources of a process at one moment."""

    objects: int
    mb: float
    descriptors: int
    tasks: int


class Watch:
    """Counts the calls of a client, and what it leaves behind."""

    def __init__(self) -> None:
        self.calls = Counter[str]()
        self.requests = 0

    def note(self, event: AttemptEvent) -> None:
        """Count an attempt."""
        self.requests += 1
        if event.attempt == 1:
            self.calls[_ID.sub("/{id}", event.call)] += 1


def work(seed: int) -> Figures:
    """Make calls in rounds, each with a new account behind the same address."""
    return asyncio.run(_rounds(seed))


async def _rounds(seed: int) -> Figures:
    watch, seen, warm = Watch(), Counter[str](), (Held(0, 0, 0, 0), 0)
    sends.MOST_RESULTS = MOST_RESULTS
    first = WatchedSandbox(seed=seed)
    async with first:
        url = first.url
    client = client_of(first, url=url, on_attempt=watch.note)
    async with client:
        for number in range(ROUNDS):
            same = {"port": int(url.rpartition(":")[2])}
            named = dict(zip(("secret_id", "secret_key"), first.credentials, strict=True))
            async with WatchedSandbox(**same, **named) as sandbox:
                seen += await many_acts(
                    client, sandbox, seed=seed * ROUNDS + number, workers=WORKERS, acts=ACTS
                )
            del sandbox
            await asyncio.sleep(0.05)  # what was closed ends
            held = _held()
            if number < WARM:
                warm = held, watch.calls.total()
    (before, calls_before), calls = warm, watch.calls.total()
    more = Held(*(now - then for now, then in zip(held, before, strict=True)))
    objects = more.objects / (calls - calls_before)
    assert more.tasks <= 0, f"{more.tasks} more tasks"
    assert more.descriptors <= 0, f"{more.descriptors} more descriptors"
    assert objects < OBJECTS_FOR_EACH_CALL or small(), f"{objects} more objects for each call"
    assert more.mb < MOST_MB or small(), f"{more.mb:.1f} MB more"
    missing = CALLS - set(watch.calls)
    assert not missing or small(), f"not called: {missing}"
    return Figures(
        units=calls,
        total={"requests": watch.requests, **seen},
        most={
            "MB more after warming up": more.mb,
            "objects more for each 1,000 calls": objects * 1000,
            "tasks more": more.tasks,
            "descriptors more": more.descriptors,
        },
        least={"calls of the API that were made": len(CALLS) - len(missing)},
        versions=versions(),
    )


def _held() -> Held:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Held(
        objects=len(gc.get_objects()),
        mb=pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        descriptors=len(list(Path("/proc/self/fd").iterdir())),
        tasks=len(asyncio.all_tasks()),
    )


RUNS = [
    Run(
        name="calls",
        title="Mixed calls under random faults",
        unit="calls",
        goal=1_000_000,
        holds="All calls of the API are made while connections are reset or cut, and answers are"
        " 429, 5xx, HTML or slow. The server is restarted, and the clock of the client is set by"
        " up to 28 hours. No call that may be repeated fails, except reads at their deadline. No"
        " unsafe write is carried out twice. All that was said to be done is there. Everything"
        " else that is there comes from calls that said that it may have been done. Memory stays"
        " flat: a process makes two rounds of calls, some 12,000, and then four more, some 24,000."
        " These add"
        f" less than {MOST_MB:g} MB, less than {OBJECTS_FOR_EACH_CALL * 1000:g} objects for each"
        " 1,000 calls, and no tasks or descriptors. The objects are the messages that may have"
        " been sent, which stay known until they are looked up. Here, a client remembers"
        f" {MOST_RESULTS} results of sends in place of 10,000. Otherwise its memory would grow"
        " until it has as many.",
        work=work,
    )
]

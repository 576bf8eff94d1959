"""Eight processes that want three times what their one credential may send."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from heymarket_async.sandbox import Sandbox
from tests.pacing.workers import Workers, started
from tests.redis_server import RedisServer
from tests.windows import most_in_a_window

pytestmark = pytest.mark.unmeasured

LIMIT = 160
WINDOW_S = 4.0
WINDOWS = 4
PROCESSES = 8


@contextmanager
def working(sandbox: Sandbox, server: RedisServer, seconds: float) -> Iterator[Workers]:
    """Start the processes, and let them go together."""
    rate = {"limit": LIMIT, "per_s": WINDOW_S, "fallback": 1 / PROCESSES}
    with started(sandbox, server.url, rate, PROCESSES, seconds) as workers:
        time.sleep(1.2 * WINDOW_S)  # so that the store may know all that was sent lately
        workers.go()
        yield workers


def ends_of(workers: Workers) -> tuple[list[int], str]:
    """Return how many answers each process had, and what they wrote; no window holds too many."""
    ends = workers.ends()
    assert [end.errors for end in ends] == [[]] * PROCESSES
    # Processes of one machine have the same monotonic clock.
    assert most_in_a_window([span for end in ends for span in end.spans], WINDOW_S) <= LIMIT
    return [len(end.spans) for end in ends], "".join(end.log for end in ends)


@pytest.fixture
def server():
    with RedisServer() as server:
        yield server


@pytest.fixture
def sandbox():
    with Sandbox(limit=LIMIT, per_s=WINDOW_S) as sandbox:
        yield sandbox


def test_processes_share_a_budget_fairly_and_use_it_up(server, sandbox):
    began = len(sandbox.requests)
    with working(sandbox, server, (WINDOWS - 0.5) * WINDOW_S) as workers:
        answered, written = ends_of(workers)

    assert not [each for each in sandbox.requests if each.status != 200]
    assert sum(answered) >= 0.97 * WINDOWS * LIMIT
    assert min(answered) >= 0.5 * sum(answered) / PROCESSES
    assert written == ""
    assert len(sandbox.requests) - began <= WINDOWS * LIMIT + PROCESSES


def test_a_store_that_is_killed_and_started_again_breaks_no_limit(server, sandbox):
    with working(sandbox, server, 5.5 * WINDOW_S) as workers:
        time.sleep(1.8 * WINDOW_S)
        server.kill()
        time.sleep(WINDOW_S / 2)  # in which the turns of the next window come
        server.start()
        answered, written = ends_of(workers)

    assert not [each for each in sandbox.requests if each.status != 200]
    assert sum(answered) >= 0.75 * 6 * LIMIT
    assert min(answered) >= 0.5 * sum(answered) / PROCESSES
    assert written.count("Redis for the shared rate limit is unreachable") == PROCESSES
    assert written.count("Redis for the shared rate limit is back") == PROCESSES
    assert written.count("\n") == 2 * PROCESSES

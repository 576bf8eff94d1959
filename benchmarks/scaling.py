"""Simulates the time of a pool of workers for many accounts: `python -m benchmarks.scaling`.

An account takes as many requests as it has pages of 100 contacts, and seven more. It is limited by
its 500 requests a minute, or by the time that Heymarket takes to answer. A worker is limited by its
number of jobs at once, and by its CPU.
"""

from __future__ import annotations

import argparse
import heapq
import random

PER_MINUTE = 500
CPU_S_A_REQUEST = 0.0005  # of an export, see part a of `python -m benchmarks.bulk`


def requests_of(contacts: int) -> int:
    return contacts // 100 + 7


def seconds_of(contacts: int, *, at_once: int, latency_s: float) -> float:
    """Return the time of one account on a worker that does nothing else."""
    per_s = min(PER_MINUTE / 60, at_once / latency_s)
    # The first minute's budget may be used up at once.
    return (
        max(0.0, requests_of(contacts) - PER_MINUTE) / per_s
        + min(requests_of(contacts), PER_MINUTE) * latency_s / at_once
    )


def makespan(
    accounts: list[int], *, workers: int, jobs: int, at_once: int, latency_s: float
) -> float:
    """Return the time until the last account is done. A free worker takes the next account."""
    free = [0.0] * (workers * jobs)
    for contacts in accounts:
        alone = seconds_of(contacts, at_once=at_once, latency_s=latency_s)
        cpu = requests_of(contacts) * CPU_S_A_REQUEST * jobs  # the others have their part of it
        heapq.heappush(free, heapq.heappop(free) + max(alone, cpu))
    return max(free)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds of an answer")
    asked = parser.parse_args()
    chance = random.Random(7)
    # A few are large: half have below 3,000 contacts, one in a hundred above 75,000.
    accounts = [int(chance.lognormvariate(8.0, 1.4)) for _ in range(asked.accounts)]
    print(f"{len(accounts):,} accounts, {sum(accounts):,} contacts, the largest {max(accounts):,}")
    print(f"{'workers':>8} {'jobs each':>10} {'hours':>8} {'requests a second':>18}")
    requests = sum(map(requests_of, accounts))
    for workers, jobs in ((1, 1), (1, 10), (10, 10), (50, 1), (50, 10), (200, 10)):
        seconds = makespan(accounts, workers=workers, jobs=jobs, at_once=1, latency_s=asked.latency)
        print(f"{workers:8} {jobs:10} {seconds / 3600:8.2f} {requests / seconds:18,.0f}")


if __name__ == "__main__":
    main()

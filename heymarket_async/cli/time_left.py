"""Estimates how long a bulk job still takes, by its speed and by the rate limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heymarket_async.bulk import Progress

_MINUTE_S = 60.0
_NEARLY_S = 55.0
_MOMENT_S = 1.0
_LONGEST_PAUSE_OF_ERROR_S = 5.0


def seconds_left(start: Progress, now: Progress, active_s: float) -> float | None:
    """Return how many seconds a stage still takes, or None if nothing is known yet.

    Requests leave as fast as they can until the budget of a minute is used up, and wait for the
    rest of that minute then. So the average speed so far says little: the minutes are counted in
    which the requests that are left may be sent.

    Args:
        start: The progress at the beginning of the stage.
        now: The progress now.
        active_s: Seconds since the beginning in which the job did not wait.
    """
    done, requests = now.done - start.done, now.requests - start.requests
    if now.total is None or done <= 0:
        return None
    left = now.total - now.done
    at_this_speed = left * active_s / done
    if not requests or (budget := _budget(now)) is None:
        return max(at_this_speed, now.waiting_s or 0.0)
    left_requests = left * requests / done
    if is_spaced(now):
        return max(at_this_speed, left_requests * now.lately_s / now.requests_lately)
    wait_s = now.waiting_s or 0.0
    if now.waiting.startswith("to try") and wait_s > _LONGEST_PAUSE_OF_ERROR_S:
        # A 429: after this pause, requests are spaced over the minute.
        return wait_s + max(at_this_speed, left_requests * _MINUTE_S / budget)
    # The last request that is left is the one of this number since the minute began.
    last = now.requests_lately + left_requests - 1
    minutes, rest = divmod(last, budget)
    if not minutes:
        return max(at_this_speed, wait_s)
    in_turn = minutes * _MINUTE_S - now.lately_s + rest * active_s / requests
    return max(at_this_speed, in_turn, wait_s)


def is_spaced(now: Progress) -> bool:
    """Return whether requests leave one by one, as after a 429, and do not use up the budget first.

    Each of them waits a moment then, although the budget of this minute is not used up.
    """
    has_room = now.budget is not None and 0 < now.requests_lately < now.budget
    return has_room and now.waiting == "the rate limit" and (now.waiting_s or 0.0) < _MOMENT_S


def _budget(now: Progress) -> int | None:
    """Return how many requests leave in a minute, or None if that is not limited.

    If fewer have left in a whole minute although the job waits, other processes send the rest.
    """
    if now.budget is not None and now.waiting == "the rate limit" and now.lately_s > _NEARLY_S:
        return min(now.budget, now.requests_lately)
    return now.budget

"""Says how the runs of a repeated job end: with the time, and each thing once until it changes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from heymarket_async.cli import show

_REMINDED_EVERY_S = 3600.0


class Runs:
    """The runs of a job that repeats, and what was said of them.

    A run that brings nothing new, or fails like the one before, is only counted. The numbers are
    said once an hour, so that a log shows that the job lives.

    Args:
        pause_s: The pause after each run.
    """

    def __init__(self, pause_s: float) -> None:
        self._pause = _span(pause_s)
        self._notes: Sequence[str] | None = None
        self._failure: object = None
        self._alike = 0
        self._said_at = 0.0

    def finished(self, lines: Sequence[str], *, is_news: bool) -> None:
        """Say how a run ended.

        Args:
            lines: The summary, then doubts and other notes.
            is_news: The run has changed something.
        """
        summary, *notes = lines
        if self._failure is not None:
            self._say(f"It works again, after {show.counted(self._alike + 1, 'failed run')}.")
            self._failure = None
        elif not is_news and notes == self._notes:
            self._count("found nothing new")
            return
        self._say(summary)
        for note in notes:
            if note not in (self._notes or ()):
                self._say(note)
        self._notes = notes

    def failed(self, error: Exception) -> None:
        """Say that a run failed, and when the next one is."""
        # The text may have another request id each time.
        failure = type(error), getattr(error, "status", None), getattr(error, "errno", None)
        if failure == self._failure:
            self._count("failed in the same way")
            return
        self._failure = failure
        show.err.print(_now(), end=" ", highlight=False)
        show.print_error(error)
        self._say(f"Next try in {self._pause}.")

    def _count(self, how: str) -> None:
        self._alike += 1
        if time.monotonic() - self._said_at >= _REMINDED_EVERY_S:
            self._say(f"{show.counted(self._alike, 'run')} since then {how}.", alike=self._alike)

    def _say(self, text: str, *, alike: int = 0) -> None:
        show.say(f"{_now()} {text}")
        self._alike, self._said_at = alike, time.monotonic()


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


def _span(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length and not seconds % length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"

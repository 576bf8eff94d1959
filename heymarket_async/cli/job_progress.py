"""Shows the progress of a bulk job: on a terminal one line with a bar, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from heymarket_async.cli import settings, show
from heymarket_async.cli.time_left import is_spaced, seconds_left

if TYPE_CHECKING:
    from heymarket_async.bulk import OnProgress, Progress

_LINE_EVERY_S = 5.0
_SHORTEST_BAR = 8
_LONGEST_BAR = 40


@contextmanager
def progress_of_job(*, quiet: bool) -> Generator[OnProgress]:
    """Show the progress of a bulk job: a bar on a terminal, else a line every few seconds.

    Gives the `on_progress` for the job, which shows nothing if quiet or with --no-progress. The bar
    is gone at the end: the report of the job says the rest.
    """
    meter = Meter()
    if quiet or settings.given().no_progress:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _live(lambda: _bar(meter)):
            yield meter.note
    else:
        lines = _Lines(meter)
        yield lines.show


@contextmanager
def countdown(text: str, seconds: float, *, quiet: bool) -> Generator[None]:
    """Count seconds down on a terminal, behind a text, while the block runs."""
    ends = time.monotonic() + seconds
    with changing(lambda: f"{text} {_clock(max(0.0, ends - time.monotonic()))}", quiet=quiet):
        yield


@contextmanager
def changing(text: Callable[[], str], *, quiet: bool = False) -> Generator[None]:
    """Show a text that changes on a terminal, while the block runs."""
    if quiet or settings.given().no_progress or not sys.stderr.isatty():
        yield
        return
    with _live(lambda: Text(text())):
        yield


@contextmanager
def _live(shown: Callable[[], RenderableType]) -> Generator[None]:
    live = Live(console=show.err, get_renderable=shown, transient=True)
    live.start()
    try:
        yield
    finally:
        with suppress(OSError):  # the terminal may be closed, which must not hide an error
            live.stop()


class Meter:
    """The progress of a job in words: the numbers first, then the time left, then the rest."""

    def __init__(self) -> None:
        self.now: Progress | None = None
        self._start: Progress | None = None
        self._noted_at = self._stage_began = time.monotonic()
        self._active_s = 0.0

    def note(self, progress: Progress) -> None:
        """Take the progress of this moment."""
        at = time.monotonic()
        if self._start is None or progress.stage != self._start.stage:
            # Another stage has another speed, and what an earlier run has done does not count.
            self._start, self._stage_began, self._active_s = progress, at, 0.0
        elif not progress.waiting:
            self._active_s += at - self._noted_at
        self.now, self._noted_at = progress, at

    def line(self, width: float = float("inf")) -> str:
        """Return the line, without the parts that do not fit into this width."""
        now, start = self.now, self._start
        if now is None or start is None:
            return "starting"
        line = f"{now.stage}: {now.done:,}{_of_total(now)}"
        since_s = time.monotonic() - self._noted_at
        left_s = seconds_left(start, now, self._active_s)
        if left_s is not None and now.done != now.total:
            line += f", {_clock(max(0.0, left_s - since_s))} left"
        wait = _wait(now, since_s)
        others = [self._speed(now.done - start.done) if not wait else "", _requests(now)]
        for each in filter(None, others):
            if len(line) + len(each) + 2 + len(wait) <= width:
                line += f", {each}"
        return line + wait

    def _speed(self, done: int) -> str:
        speed = done / max(time.monotonic() - self._stage_began, 0.001)
        return f"{speed:,.0f}/s" if speed >= 1 else ""


def _bar(meter: Meter) -> Table:
    width = show.err.width
    line = meter.line(width - _SHORTEST_BAR - 1)
    grid = Table.grid(padding=(0, 1, 0, 0))
    bar_width = min(_LONGEST_BAR, width - len(line) - 1)
    if meter.now is None or bar_width < _SHORTEST_BAR:
        grid.add_row(Text(meter.line(width), no_wrap=True, overflow="crop"))
    else:
        total = meter.now.total
        bar = ProgressBar(total, meter.now.done, width=bar_width, pulse=total is None)
        grid.add_row(Text(line, no_wrap=True), bar)
    return grid


class _Lines:
    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._shown = time.monotonic()

    def show(self, progress: Progress) -> None:
        self._meter.note(progress)
        if time.monotonic() - self._shown >= _LINE_EVERY_S:
            self._shown = time.monotonic()
            show.say(self._meter.line())


def _of_total(now: Progress) -> str:
    if now.total is None:
        return ""
    return f" of {'about ' if now.is_estimated else ''}{now.total:,}"


def _wait(now: Progress, since_s: float) -> str:
    """Return why the job waits, and for how long still; short, so that it fits."""
    if not now.waiting or is_spaced(now):
        return ""
    reason = now.waiting.removeprefix("the ")
    if reason.startswith("to try "):
        reason = "waits to try again"
    if now.waiting_s is None:
        return f"; {reason}"
    return f"; {reason}, {max(0.0, now.waiting_s - since_s):.0f} s"


def _requests(now: Progress) -> str:
    of_budget = "" if now.budget is None else f" of {now.budget}"
    return f"{now.requests_lately}{of_budget} requests/min"


def _clock(seconds: float) -> str:
    """Return a time as a clock shows it: 34 s, 2:10, 1:02:10."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"

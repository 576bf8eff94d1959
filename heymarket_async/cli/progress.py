"""Shows how far a bulk job is: a bar on a terminal, and elsewhere a line every few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.text import Text

from heymarket_async.bulk import OnProgress, Progress
from heymarket_async.cli.running import err, say

_LINE_EVERY_S = 5.0


@contextmanager
def show_progress(*, quiet: bool) -> Generator[OnProgress | None]:
    """Give what a job is to call as it goes on, or None if nothing is to be shown."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _Bar() as bar:
            yield bar.show
    else:
        yield _Lines().show


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")


class _Bar:
    def __init__(self) -> None:
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Speed(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", style="yellow"),
            console=err,
        )
        self._task = self._bar.add_task("starting", total=None, note="")
        self._stage = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, progress: Progress) -> None:
        if progress.stage != self._stage:
            # Its speed is another one.
            self._stage = progress.stage
            self._bar.reset(self._task, total=progress.total, completed=0, note="")
        self._bar.update(
            self._task,
            description=progress.stage,
            completed=progress.done,
            total=progress.total,
            note=_note(progress),
        )


class _Lines:
    def __init__(self) -> None:
        self._began = self._said = time.monotonic()
        self._stage = ""
        self._before = 0

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.stage != self._stage:
            # Its speed is another one, and what an earlier run has done does not count.
            self._stage, self._began, self._before = progress.stage, now, progress.done
        if now - self._said < _LINE_EVERY_S:
            return
        self._said = now
        of = "" if progress.total is None else f" of {progress.total:,}"
        speed = (progress.done - self._before) / max(now - self._began, 0.001)
        line = f"{progress.stage}: {progress.done:,}{of}, {speed:,.0f}/s, {_note(progress)}"
        say(line)


def _note(progress: Progress) -> str:
    waiting = f"; waiting: {progress.waiting}" if progress.waiting else ""
    return f"{progress.requests_lately} of 500 requests in the last minute{waiting}"

"""Runs a job on a whole account, and shows its report."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import typer

from heymarket_async.cli import show
from heymarket_async.cli.job_progress import countdown
from heymarket_async.cli.repeated import Runs
from heymarket_async.cli.running import run
from heymarket_async.errors import HeymarketError

if TYPE_CHECKING:
    from heymarket_async import HeymarketClient

INCOMPLETE = 3
"""The exit code of a job that ended, but something may be missing or was rejected."""


class Finished(NamedTuple):
    """A job that has ended.

    Attributes:
        report: The report for programs.
        lines: The report for people: the summary, then notes.
        is_complete: Nothing may be missing, and nothing was rejected.
        is_news: It has changed something.
    """

    report: object
    lines: list[str]
    is_complete: bool
    is_news: bool = True


def run_job(
    job: Callable[[HeymarketClient], Awaitable[Finished]],
    *,
    json: bool,
    sandbox: int | None,
    is_piped: bool = False,
    pause_s: float | None = None,
    quiet: bool = True,
) -> None:
    """Run a job, show its report, and exit with 3 if it is not complete.

    With `is_piped`, the job writes to standard output, so the report goes to standard error. With
    `pause_s`, the job is repeated with this pause, also after an error that may pass. Unless it is
    quiet, a terminal shows meanwhile when the next run is.
    """
    runs = None if pause_s is None else Runs(pause_s)

    async def once(client: HeymarketClient) -> bool:
        finished = await job(client)
        if json and not is_piped:
            show.print_json(finished.report)
        elif json:
            show.say(msgspec.json.encode(finished.report).decode())
        elif runs is None:
            show.say("\n".join(finished.lines))
        else:
            runs.finished(finished.lines, is_news=finished.is_news)
        return finished.is_complete

    async def work(client: HeymarketClient) -> bool:
        if runs is None or pause_s is None:
            return await once(client)
        while True:
            try:
                await once(client)
            except BrokenPipeError:
                raise  # nobody reads the reports any more
            except (HeymarketError, OSError) as error:
                runs.failed(error)  # the next run may succeed, and makes up for it
            with countdown("next run in", pause_s, quiet=quiet):
                await asyncio.sleep(pause_s)

    if not run(work, sandbox):
        raise typer.Exit(INCOMPLETE)

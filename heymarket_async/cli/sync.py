"""`heymarket sync`: an SQLite file that follows an account."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Never

import typer

from heymarket_async import HeymarketClient, HeymarketError
from heymarket_async.bulk import SyncReport, sync_contacts
from heymarket_async.cli.output import counted, print_json
from heymarket_async.cli.progress import show_progress
from heymarket_async.cli.reading import Concurrency, PageSize, ReadFrom, Surface
from heymarket_async.cli.running import NOT_PROVED, Json, Quiet, SandboxSize, run, say, say_error

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def sync_command(
    path: Annotated[Path, typer.Argument(help="The SQLite file, such as contacts.db.")],
    *,
    surface: ReadFrom = Surface.V2,
    page_size: PageSize = 100,
    concurrency: Concurrency = 1,
    detect_deletions: Annotated[
        bool,
        typer.Option("--detect-deletions", help="Read all, and mark what is not there any more."),
    ] = False,
    rebind: Annotated[
        bool,
        typer.Option(
            "--rebind", help="Follow an account that has moved to another base URL, same team."
        ),
    ] = False,
    every: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Do it again and again, such as 30s, 5m or 1h."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    sandbox: SandboxSize = None,
) -> None:
    """Bring an SQLite file up to date: all contacts the first time, then what changed.

    Exits with 3 if something may be missing in the file, and says what.
    """
    pause_s = None if every is None else _seconds(every)

    async def once(client: HeymarketClient) -> SyncReport:
        with show_progress(quiet=quiet or json) as on_progress:
            report = await sync_contacts(
                client,
                path,
                surface=surface.value,
                page_size=page_size,
                concurrency=concurrency,
                detect_deletions=detect_deletions,
                rebind=rebind,
                on_progress=on_progress,
            )
        if json:
            print_json(report)
        else:
            _show(report, path)
        return report

    async def work(client: HeymarketClient) -> SyncReport:
        return (
            await once(client) if pause_s is None else await _again_and_again(once, client, pause_s)
        )

    if run(work, sandbox).doubts:
        raise typer.Exit(NOT_PROVED)


async def _again_and_again(
    once: Callable[[HeymarketClient], Awaitable[object]], client: HeymarketClient, pause_s: float
) -> Never:
    while True:
        try:
            await once(client)
        except BrokenPipeError:
            raise  # nobody reads the reports any more
        except (HeymarketError, OSError) as error:
            # The next run makes up for it.
            say_error(error)
        await asyncio.sleep(pause_s)


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+)([smh])", text, re.ASCII)
    if match is None or int(match[1]) == 0:
        raise typer.BadParameter("--every must be a time such as 30s, 5m or 1h")
    return int(match[1]) * _SECONDS[match[2]]


def _show(report: SyncReport, path: Path) -> None:
    parts = [
        f"{counted(report.contacts, 'contact')} in {path}",
        f"{report.added:,} added",
        f"{report.changed:,} changed",
        f"{report.deleted:,} deleted",
        counted(report.requests, "request"),
        f"{report.seconds:.1f} s",
    ]
    if report.mended:
        parts.append(f"{report.mended:,} mended")
    if report.resumed:
        parts.append("resumed")
    lines = [", ".join(parts)]
    lines += [f"Something may be missing: {doubt}" for doubt in report.doubts]
    say("\n".join(lines))

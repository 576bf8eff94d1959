"""The commands that read a whole account: exports, and `sync`."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import typer

from heymarket_async.bulk.store.private_files import real_path, replace_file
from heymarket_async.cli import options as o
from heymarket_async.cli import show
from heymarket_async.cli.job import Finished, run_job

if TYPE_CHECKING:
    from heymarket_async import HeymarketClient
    from heymarket_async.bulk import OnProgress, ReadReport, Sink

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def export_command(
    path: o.ExportPath,
    *,
    surface: o.ReadFrom = o.Surface.V1,
    date: o.Since = None,
    page_size: o.PageSize = None,
    concurrency: o.Parts = 1,
    checkpoint: o.Checkpoint = None,
    restart: o.Restart = False,
    bom: o.Bom = False,
    raw_formulas: o.RawFormulas = False,
    report: o.ReportFile = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
    sandbox: o.SandboxSize = None,
) -> None:
    """Write all contacts to a file, each in its newest version.

    If it is interrupted, run the same command again: it continues where it stopped. The file
    appears when it is complete, and only you can read it. --since needs --surface v2. Exits with 3
    if the export is not proved to be complete.
    """
    if date is not None and surface is o.Surface.V1:
        raise typer.BadParameter("--since needs --surface v2: v1 cannot be read from a given time.")

    async def read(client: HeymarketClient, sink: Sink, on_progress: OnProgress) -> ReadReport:
        from heymarket_async.bulk import export_contacts  # noqa: PLC0415 - no help needs it

        return await export_contacts(
            client,
            sink,
            surface=surface.value,
            date=date,
            page_size=page_size,
            concurrency=concurrency,
            checkpoint=checkpoint,
            restart=restart,
            on_progress=on_progress,
        )

    files = Files(path, report, bom=bom, raw_formulas=raw_formulas)
    run_export(read, "contact", files, json=json, quiet=quiet, sandbox=sandbox)


class Files(NamedTuple):
    """The files of an export, and how they are written."""

    path: Path
    report: Path | None
    bom: bool
    raw_formulas: bool


def run_export(
    read: Callable[[HeymarketClient, Sink, OnProgress], Awaitable[ReadReport]],
    noun: str,
    files: Files,
    *,
    json: bool,
    quiet: bool,
    sandbox: int | None,
    pause_s: float | None = None,
) -> None:
    """Run an export of such records; for `pause_s` see `run_job`."""
    path, report = files.path, files.report
    if (files.bom or files.raw_formulas) and path.suffix != ".csv":
        raise typer.BadParameter("--bom and --raw-formulas are for .csv files only.")
    o.check_export_paths(path, report)

    async def job(client: HeymarketClient) -> Finished:
        from heymarket_async.cli.sinks import sink_of  # noqa: PLC0415 - no help needs it

        async with sink_of(path, bom=files.bom, defuse=not files.raw_formulas) as sink:
            with show.progress_of_job(quiet=quiet or json) as on_progress:
                done = await read(client, sink, on_progress)
        if report is not None:
            replace_file(real_path(report), msgspec.json.encode(done) + b"\n")
        return Finished(done, show.lines_of_export(done, path, noun), done.is_proved)

    run_job(job, json=json, sandbox=sandbox, is_piped=str(path) == "-", pause_s=pause_s)


def sync_command(
    path: o.SyncPath,
    *,
    surface: o.ReadFrom = o.Surface.V2,
    page_size: o.PageSize = None,
    concurrency: o.Parts = 1,
    detect_deletions: o.DetectDeletions = False,
    rebind: o.Rebind = False,
    every: o.Every = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
    sandbox: o.SandboxSize = None,
) -> None:
    """Keep an SQLite file up to date with the account.

    The first run reads all contacts, and later runs read what changed. If a run is interrupted,
    run the same command again: it continues where it stopped. If contacts may be missing, it
    says why and exits with 3.
    """
    pause_s = None if every is None else seconds_of(every, "--every")

    async def job(client: HeymarketClient) -> Finished:
        from heymarket_async.bulk import sync_contacts  # noqa: PLC0415 - no help needs it

        with show.progress_of_job(quiet=quiet or json) as on_progress:
            done = await sync_contacts(
                client,
                path,
                surface=surface.value,
                page_size=page_size,
                concurrency=concurrency,
                detect_deletions=detect_deletions,
                rebind=rebind,
                on_progress=on_progress,
            )
        return Finished(done, show.lines_of_sync(done, path), not done.doubts)

    run_job(job, json=json, sandbox=sandbox, pause_s=pause_s)


def seconds_of(text: str, option: str) -> float:
    """Return a time such as "5m" in seconds."""
    match = re.fullmatch(r"(\d+)([smhd])", text, re.ASCII)
    if match is None or int(match[1]) == 0:
        raise typer.BadParameter(f"{option} must be a time such as 30s, 5m, 1h or 1d.")
    return int(match[1]) * _SECONDS[match[2]]

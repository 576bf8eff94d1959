"""The commands that read a whole account: exports, and `sync`."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import typer

from heymarket_async.bulk.sinks.endings import DATABASES
from heymarket_async.bulk.store.private_files import beside, real_path, replace_file
from heymarket_async.cli import options as o
from heymarket_async.cli import show
from heymarket_async.cli.job import Finished, run_job
from heymarket_async.cli.job_progress import progress_of_job
from heymarket_async.cli.kept import Kept, is_pipe_or_device
from heymarket_async.cli.read_report import lines_of_export, lines_of_sync

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

    files = Files(path, report, checkpoint, restart=restart, bom=bom, raw_formulas=raw_formulas)
    run_export(read, "contact", files, json=json, quiet=quiet, sandbox=sandbox)


class Files(NamedTuple):
    """The files of an export, and how they are written."""

    path: Path
    report: Path | None
    checkpoint: Path | None
    restart: bool
    bom: bool
    raw_formulas: bool

    def kept(self, noun: str, *, repeats: bool) -> Kept:
        """Return where records are kept until the export is complete."""
        place: Path | None = self.path  # an SQLite file keeps them itself
        if str(self.path) == "-" or is_pipe_or_device(self.path):
            place = None
        elif self.path.suffix.lower() not in DATABASES:
            place = self.checkpoint or beside(real_path(self.path), ".partial")
        return Kept(place, noun, restart=self.restart, repeats=repeats)


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
    is_file = str(path) != "-" and not is_pipe_or_device(path)
    if is_file and not path.suffix and not (quiet or json):
        show.say(
            f"{path} has no ending, so it is written as JSON Lines. For another format, end its"
            " name in .csv, .xlsx, .parquet or .db."
        )

    async def job(client: HeymarketClient) -> Finished:
        from heymarket_async.cli.sinks import sink_of  # noqa: PLC0415 - no help needs it

        kept, was_there = files.kept(noun, repeats=pause_s is not None), path.is_file()
        async with sink_of(path, bom=files.bom, defuse=not files.raw_formulas) as sink:
            with kept.noting(), progress_of_job(quiet=quiet or json) as on_progress:
                done = await read(client, sink, kept.heard(on_progress))
        if report is not None:
            replace_file(real_path(report), msgspec.json.encode(done) + b"\n")
        adds = noun != "contact" and path.suffix.lower() in DATABASES
        lines = lines_of_export(done, path, noun, adds=adds, replaced=was_there and not adds)
        changes = int(getattr(done, "added", 1)) + int(getattr(done, "changed", 0))
        return Finished(done, lines, done.is_proved, is_news=bool(changes))

    run_job(
        job,
        json=json,
        sandbox=sandbox,
        is_piped=str(path) == "-",
        pause_s=pause_s,
        quiet=quiet or json,
    )


def sync_command(
    path: o.SyncPath,
    *,
    surface: o.ReadFrom = o.Surface.V2,
    page_size: o.PageSize = None,
    concurrency: o.Parts = 1,
    detect_deletions: o.Full = False,
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
    o.check_sync_path(path)

    async def job(client: HeymarketClient) -> Finished:
        from heymarket_async.bulk import sync_contacts  # noqa: PLC0415 - no help needs it

        kept = Kept(path, "contact", repeats=pause_s is not None)
        with kept.noting(), progress_of_job(quiet=quiet or json) as on_progress:
            done = await sync_contacts(
                client,
                path,
                surface=surface.value,
                page_size=page_size,
                concurrency=concurrency,
                detect_deletions=detect_deletions,
                rebind=rebind,
                on_progress=kept.heard(on_progress),
            )
        lines = lines_of_sync(done, path, repeats=pause_s is not None)
        is_news = bool(done.added or done.changed or done.deleted)
        return Finished(done, lines, not done.doubts, is_news)

    run_job(job, json=json, sandbox=sandbox, pause_s=pause_s, quiet=quiet or json)


def seconds_of(text: str, option: str) -> float:
    """Return a time such as "5m" in seconds."""
    match = re.fullmatch(r"(\d+)([smhd])", text, re.ASCII)
    if match is None or int(match[1]) == 0:
        raise typer.BadParameter(f"{option} must be a time such as 30s, 5m, 1h or 1d.")
    return int(match[1]) * _SECONDS[match[2]]

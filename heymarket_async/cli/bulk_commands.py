"""The commands that work on a whole account: `contacts export`, `contacts import` and `sync`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import typer

from heymarket_async import HeymarketClient, HeymarketError
from heymarket_async.bulk import OnProgress, export_contacts, import_contacts, sync_contacts
from heymarket_async.bulk.store.private_files import real_path, replace_file
from heymarket_async.cli import options as o
from heymarket_async.cli import show
from heymarket_async.cli.import_source import Columns, Source, custom_fields_of, meanings_of
from heymarket_async.cli.running import run

INCOMPLETE = 3
"""The exit code of a job that ended, but something may be missing or was rejected."""

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class _Finished(NamedTuple):
    """A job that has ended: its report for programs and for people, and whether all was done."""

    report: object
    lines: list[str]
    is_complete: bool


_Job = Callable[[HeymarketClient, OnProgress], Awaitable[_Finished]]


def export_command(
    path: o.ExportPath,
    *,
    surface: o.ReadFrom = o.Surface.V1,
    date: o.Since = None,
    page_size: o.PageSize = 100,
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
    if (bom or raw_formulas) and path.suffix != ".csv":
        raise typer.BadParameter("--bom and --raw-formulas are for .csv files only.")
    o.check_export_paths(path, report)

    async def job(client: HeymarketClient, on_progress: OnProgress) -> _Finished:
        async with o.sink_of(path, bom=bom, defuse=not raw_formulas) as sink:
            done = await export_contacts(
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
        if report is not None:
            replace_file(real_path(report), msgspec.json.encode(done) + b"\n")
        return _Finished(done, show.lines_of_export(done, path), done.is_proved)

    _run_job(job, json=json, quiet=quiet, sandbox=sandbox, is_piped=str(path) == "-")


def import_command(
    path: o.ImportPath,
    *,
    file_format: o.FileFormat = None,
    delimiter: o.Delimiter = None,
    mapped: o.Mapped = None,
    ignored: o.Ignored = None,
    ignore_others: o.IgnoreOthers = False,
    region: o.Region = None,
    overwrite: o.Overwrite = False,
    dry_run: o.DryRun = False,
    outcomes: o.Outcomes = None,
    resume: o.Resume = False,
    batch_size: o.BatchSize = 100,
    concurrency: o.Requests = 4,
    json: o.Json = False,
    quiet: o.Quiet = False,
    sandbox: o.SandboxSize = None,
) -> None:
    """Create the contacts of a CSV or JSON Lines file.

    A contact whose phone exists already is not changed, unless --overwrite is given. If the import
    is interrupted, run the same command again with --resume: it continues where it stopped.

    The first row of a CSV file names its columns: phone, first, last, display_name, email, avatar,
    assignee_id, tags, is_opted_out, email_suppressions, or the title of a custom field. A file
    that `contacts export` wrote can be imported as it is.

    The outcome of a row is created, updated, unchanged, rejected or unknown. Exits with 3 if any
    row was rejected or is unknown.
    """
    source = Source(path, file_format, delimiter, region)
    meanings = meanings_of(mapped or [])
    if outcomes is None and not dry_run and str(path) != "-":
        outcomes = Path(f"{path}.outcomes.jsonl")
    source.check(outcomes, resume=resume)

    async def job(client: HeymarketClient, on_progress: OnProgress) -> _Finished:
        fields = await custom_fields_of(client, on_progress)
        columns = Columns(fields, meanings, ignored or [], ignore_others=ignore_others)
        with source.noting_how_to_resume(outcomes):
            done = await import_contacts(
                client,
                source.rows(columns),
                overwrite=overwrite,
                dry_run=dry_run,
                batch_size=batch_size,
                concurrency=concurrency,
                outcomes=outcomes,
                resume=resume,
                on_progress=lambda progress: on_progress(source.with_total(progress)),
            )
        names = {"left_out": list(columns.left_out), "unseen": columns.unseen}
        report = {**msgspec.to_builtins(done), **names, "outcomes": outcomes and str(outcomes)}
        lines = show.lines_of_import(done, outcomes, dry_run=dry_run, **names)
        return _Finished(report, lines, not (done.rejected or done.unknown))

    _run_job(job, json=json, quiet=quiet, sandbox=sandbox)


def sync_command(
    path: o.SyncPath,
    *,
    surface: o.ReadFrom = o.Surface.V2,
    page_size: o.PageSize = 100,
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
    pause_s = None if every is None else _seconds(every)

    async def job(client: HeymarketClient, on_progress: OnProgress) -> _Finished:
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
        return _Finished(done, show.lines_of_sync(done, path), not done.doubts)

    _run_job(job, json=json, quiet=quiet, sandbox=sandbox, pause_s=pause_s)


def _run_job(
    job: _Job,
    *,
    json: bool,
    quiet: bool,
    sandbox: int | None,
    is_piped: bool = False,
    pause_s: float | None = None,
) -> None:
    """Run a job, show its progress and its report, and exit with 3 if it is not complete.

    With `is_piped`, the job writes to standard output, so the report goes to standard error. With
    `pause_s`, the job is repeated with this pause, also after an error that may pass.
    """

    async def once(client: HeymarketClient) -> bool:
        with show.progress_of_job(quiet=quiet or json) as on_progress:
            finished = await job(client, on_progress)
        if not json:
            show.say("\n".join(finished.lines))
        elif is_piped:
            show.say(msgspec.json.encode(finished.report).decode())
        else:
            show.print_json(finished.report)
        return finished.is_complete

    async def work(client: HeymarketClient) -> bool:
        if pause_s is None:
            return await once(client)
        while True:
            try:
                await once(client)
            except BrokenPipeError:
                raise  # nobody reads the reports any more
            except (HeymarketError, OSError) as error:
                show.print_error(error)  # the next run may succeed, and makes up for it
            await asyncio.sleep(pause_s)

    if not run(work, sandbox):
        raise typer.Exit(INCOMPLETE)


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+)([smh])", text, re.ASCII)
    if match is None or int(match[1]) == 0:
        raise typer.BadParameter("--every must be a time such as 30s, 5m or 1h.")
    return int(match[1]) * _SECONDS[match[2]]

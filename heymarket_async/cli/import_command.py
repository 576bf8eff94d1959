"""The command `contacts import`: from a file to contacts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import msgspec
import typer

from heymarket_async import ContactField, HeymarketClient
from heymarket_async.bulk import import_contacts
from heymarket_async.bulk.contact_files.contacts import ContactReader
from heymarket_async.bulk.contact_files.phones import phone_reader
from heymarket_async.bulk.contact_files.plan import Plan
from heymarket_async.bulk.custom_fields import fields_of
from heymarket_async.bulk.importing.outcome_file import checked_path
from heymarket_async.bulk.importing.rejected_file import RejectedFile
from heymarket_async.bulk.importing.tags import TagsByName
from heymarket_async.bulk.progress import RequestStats, reporting
from heymarket_async.cli import options as o
from heymarket_async.cli import preview, show
from heymarket_async.cli.import_file import ImportFile
from heymarket_async.cli.job import Finished, run_job


def import_command(
    path: o.ImportPath,
    *,
    file_format: o.ImportFormat = None,
    delimiter: o.Delimiter = None,
    encoding: o.Encoding = None,
    mapped: o.Mapped = None,
    ignored: o.Ignored = None,
    ignore_others: o.IgnoreOthers = False,
    ignore_opt_outs: o.IgnoreOptOuts = False,
    region: o.Region = None,
    drop_extensions: o.DropExtensions = False,
    create_tags: o.CreateTags = False,
    overwrite: o.Overwrite = False,
    dry_run: o.DryRun = False,
    yes: o.YesToImport = False,
    outcomes: o.Outcomes = None,
    rejected: o.Rejected = None,
    resume: o.Resume = False,
    restart: o.RestartImport = False,
    batch_size: o.BatchSize = 100,
    concurrency: o.Requests = 4,
    json: o.Json = False,
    quiet: o.Quiet = False,
    sandbox: o.SandboxSize = None,
) -> None:
    """Create the contacts of a file, whichever program wrote it.

    Reads CSV and other delimited text, .xlsx, .vcf, JSON Lines, and all exports of
    `contacts export`. Shows how it understands the columns, and asks before it sends anything
    if it runs in a terminal.

    A contact whose phone exists already is not changed, unless --overwrite is given. But people
    who opted out in the file are opted out in any case, and nobody who opted out becomes textable.

    Run the same command again to resume, also with a mended file: rows that are done are skipped.
    Rejected rows go to FILE.rejected.csv. Exits with 3 if any row was rejected or is unknown.
    """
    meanings = _meanings_of(mapped or [])
    file = ImportFile(path, file_format=file_format, delimiter=delimiter, encoding=encoding)
    if not file.is_stdin:
        if outcomes is None and not dry_run:
            outcomes = Path(f"{path}.outcomes.jsonl")
        resume = not restart and outcomes is not None
    phone_reader(region)  # a wrong region is an error before the file is read
    file.check_exists()
    checked_path(outcomes, resume=resume, restart=restart)
    asks = not (yes or dry_run or json or quiet) and file.can_ask

    async def job(client: HeymarketClient) -> Finished:
        async with file.opened():
            with show.progress_of_job(quiet=quiet or json) as on_progress:
                stats = RequestStats(client)
                async with reporting(on_progress, lambda: stats.progress(0, None, "starting")):
                    fields = await fields_of(stats.client)
            plan = file.plan(
                fields,
                mapped=meanings,
                ignored=ignored or [],
                ignore_others=ignore_others,
                ignore_opt_outs=ignore_opt_outs,
            )
            if not (json or quiet):
                preview.print_plan(plan, file)
            if asks:
                await preview.confirm()
            tags = TagsByName(client, creates=create_tags, dry_run=dry_run)
            reader = ContactReader(
                plan,
                phone=phone_reader(
                    region,
                    drop_extensions=drop_extensions,
                    takes_possible=plan.is_export,
                    notes=file.notes,
                ),
                tag_id=tags.tag_id,
                find_tag=tags.find,
                notes=file.notes,
            )
            ...

    run_job(job, json=json, sandbox=sandbox)

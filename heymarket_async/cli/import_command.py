"""The command `contacts import`: from a file to contacts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from heymarket_async.cli import options as o
from heymarket_async.cli.job import Finished, run_job

if TYPE_CHECKING:
    from heymarket_async import HeymarketClient


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
    rule = '--map must be COLUMN=FIELD, such as --map "Cell phone=phone".'
    meanings = pairs_of(mapped or [], rule)

    async def job(client: HeymarketClient) -> Finished:
        from heymarket_async.cli.import_file import ImportFile  # noqa: PLC0415 - no help needs it
        from heymarket_async.cli.import_job import ImportJob  # noqa: PLC0415 - nor this

        file = ImportFile(
            path,
            file_format=file_format,
            delimiter=delimiter,
            encoding=encoding,
            mapped=meanings,
        )
        job = ImportJob(
            file=file,
            ignored=ignored or [],
            ignore_others=ignore_others,
            ignore_opt_outs=ignore_opt_outs,
            region=region,
            drop_extensions=drop_extensions,
            create_tags=create_tags,
            overwrite=overwrite,
            dry_run=dry_run,
            asks=not (yes or dry_run or json or quiet or file.is_stdin),
            outcomes=outcomes,
            rejected=rejected,
            resume=resume,
            restart=restart,
            batch_size=batch_size,
            concurrency=concurrency,
            is_quiet=quiet or json,
        )
        return await job.run(client)

    run_job(job, json=json, sandbox=sandbox)


def pairs_of(
    given: list[str],
    rule: str,
    split: Callable[[str, str], tuple[str, str, str]] = str.rpartition,
) -> dict[str, str]:
    """Return the values by name of NAME=VALUE.

    Args:
        given: As they were typed.
        rule: Says the form, for those who typed another one.
        split: At which "=" to split: `str.rpartition` if a name may have one in it.

    Raises:
        BadParameter: One has another form.
    """
    pairs = [split(each, "=") for each in given]
    if not all(name and sign and value for name, sign, value in pairs):
        raise typer.BadParameter(rule)
    return {name: value for name, _, value in pairs}

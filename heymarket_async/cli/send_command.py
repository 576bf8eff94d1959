"""The command `messages send`: from a file to texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from heymarket_async.cli import options as o
from heymarket_async.cli.import_command import pairs_of
from heymarket_async.cli.job import Finished, run_job

if TYPE_CHECKING:
    from heymarket_async import HeymarketClient


def send_command(
    path: o.ImportPath,
    *,
    text: o.Text = None,
    template_id: o.Template = None,
    inbox_id: o.Inbox,
    creator_id: o.Creator,
    media_url: o.MediaUrl = None,
    defaults: o.Defaults = None,
    skip_empty: o.SkipEmpty = False,
    repeats: o.Repeats = False,
    limit: o.Limit = 100,
    yes: o.YesToSend = False,
    dry_run: o.DryRunOfTexts = False,
    file_format: o.ImportFormat = None,
    delimiter: o.Delimiter = None,
    encoding: o.Encoding = None,
    mapped: o.Mapped = None,
    ignore_opt_outs: o.IgnoreOptOuts = False,
    region: o.Region = None,
    outcomes: o.SendOutcomes = None,
    resume: o.Resume = False,
    restart: o.RestartTexts = False,
    batch_size: o.BatchSize = 100,
    concurrency: o.Requests = 4,
    json: o.Json = False,
    quiet: o.Quiet = False,
    sandbox: o.SandboxSize = None,
) -> None:
    """Send a text to everybody in a file.

    Reads the files that `contacts import` reads. Shows some of the texts, and asks before it sends
    anything if it runs in a terminal. If it cannot ask, it sends more than --limit texts only with
    --yes.

    People who opted out are skipped, by the file or by Heymarket. Nobody gets two texts.

    Run the same command again to resume, also with a mended file, but without --restart: people
    who got their text are skipped. Exits with 3 if any row was rejected or is unknown.
    """
    meanings = pairs_of(mapped or [], '--map must be COLUMN=FIELD, such as --map "Cell=phone".')
    rule = '--default must be COLUMN=VALUE, such as "first=there".'
    values = pairs_of(defaults or [], rule, str.partition)
    if str(path) == "-" and outcomes is None and not dry_run:
        raise typer.BadParameter(
            "standard input needs --outcomes FILE. Without it, a run that was interrupted could not"
            " be continued, and running it again would text people twice."
        )

    async def job(client: HeymarketClient) -> Finished:
        from heymarket_async.cli.import_file import ImportFile  # noqa: PLC0415 - no help needs it
        from heymarket_async.cli.send_job import SendJob  # noqa: PLC0415 - nor this

        file = ImportFile(
            path,
            file_format=file_format,
            delimiter=delimiter,
            encoding=encoding,
            mapped=meanings,
        )
        job = SendJob(
            file=file,
            text=text,
            template_id=template_id,
            inbox_id=inbox_id,
            creator_id=creator_id,
            media_url=media_url,
            defaults=values,
            skip_empty=skip_empty,
            repeats=repeats,
            limit=None if yes else limit,
            dry_run=dry_run,
            asks=not (yes or dry_run or json or quiet or file.is_stdin),
            ignore_opt_outs=ignore_opt_outs,
            region=region,
            outcomes=outcomes,
            resume=resume,
            restart=restart,
            batch_size=batch_size,
            concurrency=concurrency,
            is_quiet=quiet or json,
        )
        return await job.run(client)

    run_job(job, json=json, sandbox=sandbox)

"""`heymarket contacts import`: the contacts of a file, each once, and what became of each row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from heymarket_async import HeymarketClient, NewContact
from heymarket_async.bulk import ImportReport, RejectedRow, import_contacts
from heymarket_async.bulk.custom_fields import fields_of
from heymarket_async.bulk.importing.columns import Columns
from heymarket_async.bulk.importing.csv_rows import csv_rows
from heymarket_async.bulk.importing.json_rows import json_rows
from heymarket_async.bulk.importing.outcome_file import checked_path
from heymarket_async.bulk.importing.phones import phone_reader
from heymarket_async.bulk.progress import RequestStats, reporting
from heymarket_async.cli.import_report import show
from heymarket_async.cli.import_source import Reader, Source
from heymarket_async.cli.output import print_json
from heymarket_async.cli.progress import show_progress
from heymarket_async.cli.running import NOT_PROVED, Json, Quiet, SandboxSize, run


class Format(StrEnum):
    """What the file is."""

    CSV = "csv"
    JSONL = "jsonl"


_Path = Annotated[Path, typer.Argument(metavar="FILE", help="The file, or - for standard input.")]
_Format = Annotated[
    Format | None, typer.Option("--format", help="If the file's name does not say it.")
]
_Delimiter = Annotated[
    str | None,
    typer.Option(
        metavar="CHARACTER", help='CSV: what divides the cells, such as ";" or "tab".  [default: ,]'
    ),
]
_Mapped = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=FIELD",
        help="What a column means: a field of a contact, a custom field by title, or"
        " custom:TITLE or custom:ID; repeatable.",
    ),
]
_Ignored = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="COLUMN", help="A column to leave out; repeatable."),
]
_IgnoreOthers = Annotated[
    bool, typer.Option("--ignore-others", help="Leave out all columns that mean nothing.")
]
_Region = Annotated[
    str | None, typer.Option(help="Country of phones without a country code, such as US.")
]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Overwrite contacts that differ.")]
_DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Compare with the account, and write nothing.")
]
_Outcomes = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Where to write what became of each row.  [default: FILE.outcomes.jsonl]",
    ),
]
_Resume = Annotated[bool, typer.Option("--resume", help="Go on with an import that was ended.")]
_BatchSize = Annotated[int, typer.Option(min=1, help="Rows in a request.")]
_Concurrency = Annotated[int, typer.Option(min=1, help="Requests at once.")]


def import_command(
    path: _Path,
    *,
    file_format: _Format = None,
    delimiter: _Delimiter = None,
    mapped: _Mapped = None,
    ignored: _Ignored = None,
    ignore_others: _IgnoreOthers = False,
    region: _Region = None,
    overwrite: _Overwrite = False,
    dry_run: _DryRun = False,
    outcomes: _Outcomes = None,
    resume: _Resume = False,
    batch_size: _BatchSize = 100,
    concurrency: _Concurrency = 4,
    json: Json = False,
    quiet: Quiet = False,
    sandbox: SandboxSize = None,
) -> None:
    """Create contacts from CSV or JSON Lines; a phone that is known is left alone.

    The first row of CSV names its columns: phone, first, last, display_name, email, avatar,
    assignee_id, tags, is_opted_out, email_suppressions, or the title of a custom field. What
    `contacts export` wrote can be imported as it is. Every row ends as created, updated, unchanged,
    rejected or unknown. Exits with 3 if rows were rejected or are unknown.
    """
    source = Source(path, _reader(_format_of(path, file_format), delimiter, region))
    meanings = _meanings(mapped or [])
    if outcomes is None and not dry_run and str(path) != "-":
        outcomes = Path(f"{path}.outcomes.jsonl")

    async def work(client: HeymarketClient) -> tuple[ImportReport, Columns]:
        with show_progress(quiet=quiet or json) as on_progress:
            tally = RequestStats(client)
            async with reporting(on_progress, lambda: tally.progress(0, None, "starting")):
                fields = await fields_of(tally.client)
            columns = Columns(fields, meanings, ignored or [], ignore_others=ignore_others)
            report = await import_contacts(
                client,
                source.rows(columns),
                overwrite=overwrite,
                dry_run=dry_run,
                batch_size=batch_size,
                concurrency=concurrency,
                outcomes=outcomes,
                resume=resume,
                on_progress=source.with_total(on_progress),
            )
        return report, columns

    with source.with_a_way_on(outcomes):
        source.check()
        checked_path(outcomes, resume=resume)
        report, columns = run(work, sandbox)
    _tell(report, columns, outcomes, json=json, dry_run=dry_run)


def _tell(
    report: ImportReport, columns: Columns, outcomes: Path | None, *, json: bool, dry_run: bool
) -> None:
    if json:
        more = {"left_out": list(columns.left_out), "unseen": columns.unseen}
        where = outcomes and str(outcomes)
        print_json({**msgspec.to_builtins(report), **more, "outcomes": where})
    else:
        show(report, columns, outcomes, dry_run=dry_run)
    if report.rejected + report.unknown:
        raise typer.Exit(NOT_PROVED)


def _format_of(path: Path, file_format: Format | None) -> Format:
    if file_format is not None:
        return file_format
    suffix = path.suffix.casefold().removeprefix(".")
    if suffix not in list(Format):
        raise typer.BadParameter("--format csv or --format jsonl is needed, the name does not tell")
    return Format(suffix)


def _reader(file_format: Format, delimiter: str | None, region: str | None) -> Reader:
    phone = phone_reader(region)
    divider = "\t" if delimiter == "tab" else delimiter or ","
    if delimiter is not None and file_format is not Format.CSV:
        raise typer.BadParameter("--delimiter is for CSV")
    if len(divider) != 1 or divider in '"\r\n ':
        raise typer.BadParameter('--delimiter must be one character, or "tab"')

    def read(lines: Iterable[bytes], columns: Columns) -> Iterator[NewContact | RejectedRow]:
        if file_format is Format.CSV:
            return csv_rows(lines, columns, phone, delimiter=divider)
        return json_rows(lines, columns, phone)

    return read


def _meanings(mapped: list[str]) -> dict[str, str]:
    pairs = [each.rpartition("=") for each in mapped]
    if not all(column and field for column, _, field in pairs):
        raise ValueError('--map must be COLUMN=FIELD, such as --map "Cell phone=phone"')
    return {column: field for column, _, field in pairs}

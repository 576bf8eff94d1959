"""`heymarket contacts import`: the contacts of a file, each once, and what became of each row."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import typer

from heymarket_async import HeymarketClient
from heymarket_async.bulk.importing.columns import Columns
from heymarket_async.bulk.importing.job import import_contacts
from heymarket_async.bulk.importing.phones import phone_reader
from heymarket_async.bulk.importing.readers import csv_rows, json_rows
from heymarket_async.bulk.importing.report import ImportReport
from heymarket_async.bulk.importing.rules import RowOutcome
from heymarket_async.cli.output import counted, print_json
from heymarket_async.cli.progress import show_progress
from heymarket_async.cli.running import NOT_PROVED, Json, SandboxSize, err, run


class Format(StrEnum):
    """What the file is."""

    CSV = "csv"
    JSONL = "jsonl"


def import_command(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file, or - for standard input.")
    ],
    *,
    file_format: Annotated[
        Format | None, typer.Option("--format", help="If the file's name does not say it.")
    ] = None,
    mapped: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=FIELD",
            help="What a column means: a field of a contact, or a custom field by title;"
            " repeatable.",
        ),
    ] = None,
    ignored: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="COLUMN", help="A column to leave out; repeatable."),
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="Country of phones without a country code, such as US.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Overwrite contacts that differ.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compare with the account, and write nothing.")
    ] = False,
    outcomes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to write what became of each row.  [default: FILE.outcomes.jsonl]",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an import that was ended.")
    ] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Rows in a request.")] = 100,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests at once.")] = 4,
    json: Json = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Say nothing, unless a row was not stored.")
    ] = False,
    sandbox: SandboxSize = None,
) -> None:
    """Create contacts from CSV or JSON Lines; a phone that is known is left alone.

    The first row of CSV names its columns: phone, first, last, display_name, email, avatar,
    assignee_id, tags, is_opted_out, email_suppressions, or the title of a custom field. Every row
    ends as created, updated, unchanged, rejected or unknown. Exits with 3 if rows were rejected or
    are unknown.
    """
    read = csv_rows if _format_of(path, file_format) is Format.CSV else json_rows
    phone = phone_reader(region)
    meanings = _meanings(mapped or [])
    if outcomes is None and not dry_run and str(path) != "-":
        outcomes = Path(f"{path}.outcomes.jsonl")

    async def work(client: HeymarketClient) -> ImportReport:
        with _opened(path) as file, show_progress(quiet=quiet or json) as on_progress:
            fields = await client.contact_fields.all()
            return await import_contacts(
                client,
                read(file, Columns(fields, meanings, ignored or []), phone),
                overwrite=overwrite,
                dry_run=dry_run,
                batch_size=batch_size,
                concurrency=concurrency,
                outcomes=outcomes,
                resume=resume,
                on_progress=on_progress,
            )

    report = run(work, sandbox)
    not_stored = report.rejected + report.unknown
    if json:
        print_json({**msgspec.to_builtins(report), "outcomes": outcomes and str(outcomes)})
    elif not_stored or not quiet:
        _show(report, outcomes, dry_run=dry_run)
    if not_stored:
        raise typer.Exit(NOT_PROVED)


def _format_of(path: Path, file_format: Format | None) -> Format:
    if file_format is not None:
        return file_format
    suffix = path.suffix.casefold().removeprefix(".")
    if suffix not in list(Format):
        raise typer.BadParameter("--format csv or --format jsonl is needed, the name does not tell")
    return Format(suffix)


def _meanings(mapped: list[str]) -> dict[str, str]:
    pairs = [each.rpartition("=") for each in mapped]
    if not all(column and field for column, _, field in pairs):
        raise ValueError('--map must be COLUMN=FIELD, such as --map "Cell phone=phone"')
    return {column: field for column, _, field in pairs}


@contextmanager
def _opened(path: Path) -> Generator[BinaryIO]:
    if str(path) == "-":
        yield sys.stdin.buffer
    else:
        with path.open("rb") as file:
            yield file


def _show(report: ImportReport, outcomes: Path | None, *, dry_run: bool) -> None:
    is_or = "would be " if dry_run else ""
    numbers = {each.value: int(getattr(report, each)) for each in RowOutcome}
    counts = [f"{number:,} {is_or}{each}" for each, number in numbers.items() if number]
    rows = "1 row" if report.rows == 1 else f"{report.rows:,} rows"
    parts = [f"{rows}: {', '.join(counts)}" if counts else rows]
    if report.duplicates:
        parts.append(f"{report.duplicates:,} of them with the phone of an earlier row")
    if report.skipped:
        parts.append(f"{report.skipped:,} of them settled by an earlier run")
    parts.append(f"{counted(report.requests, 'request')}, {report.seconds:.1f} s")
    if dry_run:
        parts.append("nothing was written")
    lines = ["; ".join(parts)]
    lines += [f"row {each.row}: {each.reason}" for each in report.rejections]
    if outcomes is not None:
        lines.append(f"What became of each row is in {outcomes}")
    if report.unknown:
        lines.append("Some outcomes are unknown: run it again with --resume to look them up")
    err.print("\n".join(lines), soft_wrap=True, markup=False)

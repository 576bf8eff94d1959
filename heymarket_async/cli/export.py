"""`heymarket contacts export`: every contact of an account in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from heymarket_async import HeymarketClient
from heymarket_async.bulk import ExportReport, export_contacts
from heymarket_async.bulk.store.private_files import check_place, real_path, replace_file
from heymarket_async.cli.output import counted, print_json
from heymarket_async.cli.progress import show_progress
from heymarket_async.cli.reading import Concurrency, PageSize, ReadFrom, Surface
from heymarket_async.cli.running import NOT_PROVED, Json, Quiet, SandboxSize, run, say
from heymarket_async.cli.sinks import sink_of


def export_command(
    path: Annotated[
        Path,
        typer.Argument(
            help="The file to write: .jsonl, .jsonl.gz, .jsonl.zst, .csv, .parquet, or .db for"
            " SQLite; - for JSON Lines on standard output."
        ),
    ],
    *,
    surface: ReadFrom = Surface.V1,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Only contacts updated after it (RFC 3339); with --surface v2."
        ),
    ] = None,
    page_size: PageSize = 100,
    concurrency: Concurrency = 1,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where to keep an unfinished export.  [default: PATH.partial]",
        ),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Drop what an unfinished export left.")
    ] = False,
    bom: Annotated[
        bool, typer.Option("--bom", help="CSV: begin with a byte order mark, for spreadsheets.")
    ] = False,
    raw_formulas: Annotated[
        bool,
        typer.Option("--raw-formulas", help="CSV: leave cells that a spreadsheet would run."),
    ] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report there too, as JSON.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    sandbox: SandboxSize = None,
) -> None:
    """Write every contact to a file, in its newest version.

    The file appears when it is whole, and only you can read it. An interrupted
    export is resumed by the same command. Exits with 3 if the export is not proved to be complete.
    """
    if since is not None and surface is Surface.V1:
        raise typer.BadParameter("--since needs --surface v2: v1 does not say which side it lists")
    if (bom or raw_formulas) and path.suffix != ".csv":
        raise typer.BadParameter("--bom and --raw-formulas are for .csv")
    _check_path(path)
    if report is not None:
        _check_report(report, path)

    async def work(client: HeymarketClient) -> ExportReport:
        async with sink_of(path, bom=bom, defuse=not raw_formulas) as sink:
            with show_progress(quiet=quiet or json) as on_progress:
                return await export_contacts(
                    client,
                    sink,
                    surface=surface.value,
                    date=since,
                    page_size=page_size,
                    concurrency=concurrency,
                    checkpoint=checkpoint,
                    restart=restart,
                    on_progress=on_progress,
                )

    done = run(work, sandbox)
    if report is not None:
        replace_file(real_path(report), msgspec.json.encode(done) + b"\n")
    _show(done, path, json=json)
    if done.doubts:
        raise typer.Exit(NOT_PROVED)


def _check_path(path: Path) -> None:
    if path.is_dir():
        raise typer.BadParameter("PATH is a folder; name a file in it")
    if not path.absolute().parent.is_dir():
        raise typer.BadParameter("the folder of PATH does not exist")


def _check_report(report: Path, path: Path) -> None:
    place = real_path(report)
    if place == path.resolve():
        raise typer.BadParameter("--report must be another file than PATH")
    if not report.absolute().parent.is_dir():
        raise typer.BadParameter("the folder of --report does not exist")
    check_place(place)


def _show(report: ExportReport, path: Path, *, json: bool) -> None:
    if not json:
        say("\n".join(_told(report, path)))
    elif str(path) == "-":
        say(msgspec.json.encode(report).decode())
    else:
        print_json(report)


def _told(report: ExportReport, path: Path) -> list[str]:
    where = "standard output" if str(path) == "-" else path
    parts = [
        f"{counted(report.contacts, 'contact')} to {where}",
        counted(report.pages, "page"),
        counted(report.requests, "request"),
        f"{report.seconds:.1f} s",
    ]
    if report.repeated:
        parts.insert(3, f"{report.repeated:,} of them repeated")
    if report.edited:
        parts.append(f"{counted(report.edited, 'contact')} edited meanwhile")
    if report.mended:
        parts.append(f"{counted(report.mended, 'contact')} mended")
    if report.resumed:
        parts.append("resumed")
    doubts = [f"Not proved to be complete: {doubt}" for doubt in report.doubts]
    return [", ".join(parts), *doubts]

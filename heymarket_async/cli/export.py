"""`heymarket contacts export`: every contact of an account in a file."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from heymarket_async import HeymarketClient
from heymarket_async.bulk import (
    Csv,
    ExportReport,
    JsonLines,
    Parquet,
    Sink,
    Sqlite,
    Stream,
    export_contacts,
)
from heymarket_async.bulk.sinks.staging import beside, real_path, replace_file
from heymarket_async.cli.output import counted, print_json
from heymarket_async.cli.progress import show_progress
from heymarket_async.cli.running import NOT_PROVED, Json, Quiet, SandboxSize, err, run
from heymarket_async.endpoints.contacts_v2 import MAX_LIMIT


class Surface(StrEnum):
    """Which of the two lists to walk."""

    V1 = "v1"
    V2 = "v2"


def export_command(
    path: Annotated[
        Path,
        typer.Argument(
            help="The file to write: .jsonl, .jsonl.gz, .jsonl.zst, .csv, .parquet, or .db for"
            " SQLite; - for JSON Lines on standard output."
        ),
    ],
    *,
    surface: Annotated[Surface, typer.Option(help="Which list to walk.")] = Surface.V1,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Only contacts updated after it (RFC 3339); with --surface v2."
        ),
    ] = None,
    page_size: Annotated[int, typer.Option(min=1, help="Contacts asked for at once.")] = 100,
    concurrency: Annotated[
        int, typer.Option(min=1, help="Parts of the account that are walked side by side.")
    ] = 1,
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

    The file appears when it is whole, and only you can read it. What is interrupted is gone on with
    by the same command. Exits with 3 if the export is not proved to be complete.
    """
    if surface is Surface.V2 and page_size > MAX_LIMIT:
        raise typer.BadParameter(f"--page-size must be at most {MAX_LIMIT} with --surface v2")
    if since is not None and surface is Surface.V1:
        raise typer.BadParameter("--since needs --surface v2: v1 does not say which side it lists")
    if (bom or raw_formulas) and path.suffix != ".csv":
        raise typer.BadParameter("--bom and --raw-formulas are for .csv")

    if path.is_dir():
        raise typer.BadParameter("PATH is a folder; name a file in it")
    if not path.absolute().parent.is_dir():
        raise typer.BadParameter("the folder of PATH does not exist")

    if report is not None:
        _check_report(report, path)
    if sandbox is not None and not restart and beside(path, ".partial").exists():
        raise typer.BadParameter("PATH has an unfinished export; name another file, or --restart")

    async def work(client: HeymarketClient) -> ExportReport:
        with (
            _sink(path, bom=bom, defuse=not raw_formulas) as sink,
            show_progress(quiet=quiet or json) as on_progress,
        ):
            return await export_contacts(
                client,
                sink,
                surface=surface.value,
                date=since,
                page_size=page_size,
                concurrency=concurrency,
                checkpoint=checkpoint,
                # An embedded sandbox is a new account each time.
                restart=restart or sandbox is not None,
                on_progress=on_progress,
            )

    done = run(work, sandbox)
    if report is not None:
        replace_file(report, msgspec.json.encode(done) + b"\n")
    if not json:
        _show(done, path)
    elif str(path) == "-":
        err.print(msgspec.json.encode(done).decode(), soft_wrap=True, markup=False)
    else:
        print_json(done)
    if done.doubts:
        raise typer.Exit(NOT_PROVED)


def _check_report(report: Path, path: Path) -> None:
    if real_path(report) == path.resolve():
        raise typer.BadParameter("--report must be another file than PATH")
    if not report.absolute().parent.is_dir():
        raise typer.BadParameter("the folder of --report does not exist")


@contextmanager
def _sink(path: Path, *, bom: bool, defuse: bool) -> Generator[Sink]:
    if str(path) == "-":
        yield Stream(sys.stdout.buffer)
    elif _is_pipe_or_device(path):
        with path.open("wb") as device:
            yield Stream(device)
    elif path.suffix == ".csv":
        yield Csv(path, bom=bom, defuse=defuse)
    else:
        yield _kind_of(path)(path)


def _kind_of(path: Path) -> Callable[[Path], Sink]:
    name = path.with_suffix("").suffix if path.suffix in {".gz", ".zst"} else path.suffix
    kinds: dict[str, Callable[[Path], Sink]] = {
        "": JsonLines,
        ".json": JsonLines,
        ".jsonl": JsonLines,
        ".ndjson": JsonLines,
        ".parquet": Parquet,
        ".db": Sqlite,
        ".sqlite": Sqlite,
        ".sqlite3": Sqlite,
    }
    if name not in kinds or (name != path.suffix and kinds[name] is not JsonLines):
        raise typer.BadParameter(
            "PATH must end in .jsonl, .jsonl.gz, .jsonl.zst, .csv, .parquet or .db"
        )
    return kinds[name]


def _is_pipe_or_device(path: Path) -> bool:
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _show(report: ExportReport, path: Path) -> None:
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
    if report.resumed:
        parts.append("gone on with")
    lines = [", ".join(parts)]
    lines += [f"Not proved to be complete: {doubt}" for doubt in report.doubts]
    err.print("\n".join(lines), soft_wrap=True, markup=False)

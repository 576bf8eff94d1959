"""The commands about conversations: `heymarket conversations …`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from heymarket_async.cli import options as o
from heymarket_async.cli import show
from heymarket_async.cli.bulk_commands import Files, run_export
from heymarket_async.cli.running import Commands, run

if TYPE_CHECKING:
    from heymarket_async import HeymarketClient
    from heymarket_async.bulk import OnProgress, ReadReport, Sink

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Export conversations and count them.",
)


@app.command()
def export(
    path: o.ExportPath,
    *,
    inbox_ids: o.Inboxes = None,
    page_size: o.RecordsPerPage = None,
    checkpoint: o.Checkpoint = None,
    restart: o.RestartArchive = False,
    bom: o.Bom = False,
    raw_formulas: o.RawFormulas = False,
    report: o.ReportFile = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
    sandbox: o.SandboxSize = None,
) -> None:
    """Write all conversations to a file, open and closed ones.

    If it is interrupted, run the same command again: it continues where it stopped. Into a .db file
    that is complete, it adds what is new or has changed. Exits with 3 if the export is not proved
    to be complete.
    """

    async def read(client: HeymarketClient, sink: Sink, on_progress: OnProgress) -> ReadReport:
        from heymarket_async.bulk import export_conversations  # noqa: PLC0415 - no help needs it

        return await export_conversations(
            client,
            sink,
            inbox_ids=inbox_ids,
            page_size=page_size,
            checkpoint=checkpoint,
            restart=restart,
            on_progress=on_progress,
        )

    files = Files(path, report, checkpoint, restart=restart, bom=bom, raw_formulas=raw_formulas)
    run_export(read, "conversation", files, json=json, quiet=quiet, sandbox=sandbox)


@app.command()
def count(*, json: o.Json = False, sandbox: o.SandboxSize = None) -> None:
    """Show how many conversations the team has."""
    show.print_count(run(lambda client: client.conversations.count(), sandbox), json=json)

"""The commands about messages: `heymarket messages …`."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

import typer

from heymarket_async.bulk.sinks.endings import DATABASES
from heymarket_async.cli import options as o
from heymarket_async.cli import show
from heymarket_async.cli.bulk_commands import Files, run_export, seconds_of
from heymarket_async.cli.running import Commands, run
from heymarket_async.cli.send_command import send_command

if TYPE_CHECKING:
    from heymarket_async import HeymarketClient
    from heymarket_async.bulk import OnProgress, ReadReport, Sink

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Send messages, export them and count them.",
)
app.command("send")(send_command)


@app.command()
def export(
    path: o.ExportPath,
    *,
    conversation_id: o.OfConversation = None,
    phone: o.WithPhone = None,
    inbox_id: o.InboxOfPhone = None,
    follow: o.Follow = False,
    every: o.FollowEvery = None,
    window_s: o.Window = "24h",
    page_size: o.RecordsPerPage = None,
    concurrency: o.Parts = 1,
    checkpoint: o.Checkpoint = None,
    restart: o.RestartArchive = False,
    bom: o.Bom = False,
    raw_formulas: o.RawFormulas = False,
    report: o.ReportFile = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
    sandbox: o.SandboxSize = None,
) -> None:
    """Write all messages to a file, newest first.

    If it is interrupted, run the same command again: it continues where it stopped. Into a .db file
    that is complete, it adds what is new, and reads the messages of the last day again for their
    new status: one request for about 100 messages. With --follow, each run reads the last hour
    again, and one in each hour the last day. Any other file is written anew. --phone needs --inbox.
    Exits with 3 if the export is not proved to be complete.
    """
    from heymarket_async.bulk.archive import EVERY_S, windows  # noqa: PLC0415 - no help needs it

    pause_s = seconds_of(every, "--every") if every else EVERY_S if follow else None
    if pause_s is not None and path.suffix.lower() not in DATABASES:
        raise typer.BadParameter("--follow needs a .db file: other files cannot be added to.")
    if pause_s is not None and restart:
        raise typer.BadParameter("--follow and --restart exclude each other.")
    if (phone is None) is not (inbox_id is None):
        raise typer.BadParameter("--phone needs --inbox, and --inbox needs --phone.")
    window = seconds_of(window_s, "--window")
    each_window = repeat(window) if pause_s is None else windows(window, pause_s)

    async def read(client: HeymarketClient, sink: Sink, on_progress: OnProgress) -> ReadReport:
        from heymarket_async.bulk import export_messages  # noqa: PLC0415 - no help needs it

        return await export_messages(
            client,
            sink,
            conversation_id=conversation_id,
            phone=phone,
            inbox_id=inbox_id,
            window_s=next(each_window),
            page_size=page_size,
            concurrency=concurrency,
            checkpoint=checkpoint,
            restart=restart,
            on_progress=on_progress,
        )

    files = Files(path, report, checkpoint, restart=restart, bom=bom, raw_formulas=raw_formulas)
    run_export(read, "message", files, json=json, quiet=quiet, sandbox=sandbox, pause_s=pause_s)


@app.command()
def count(*, json: o.Json = False, sandbox: o.SandboxSize = None) -> None:
    """Show how many messages the account has."""
    show.print_count(run(lambda client: client.messages.count(), sandbox), json=json)

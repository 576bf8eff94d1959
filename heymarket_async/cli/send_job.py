"""Texts to the people of a file, from the options to the report."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import ExitStack, nullcontext
from pathlib import Path

import msgspec
import typer

from heymarket_async import HeymarketClient
from heymarket_async.bulk import Draft, OnProgress, Progress, SendReport, send_messages
from heymarket_async.bulk.contact_files.phones import phone_reader
from heymarket_async.bulk.contact_files.recipients import RecipientReader
from heymarket_async.bulk.sending.outcomes import SendHeader
from heymarket_async.bulk.store.outcome_file import checked_path
from heymarket_async.cli import preview, show
from heymarket_async.cli.import_file import ImportFile
from heymarket_async.cli.job import Finished
from heymarket_async.cli.job_progress import progress_of_job
from heymarket_async.cli.options import check_folder
from heymarket_async.cli.send_report import lines_of_draft, lines_of_texts

_SAMPLE = 100
"""Rows to look at before the others are read."""


class SendJob(msgspec.Struct, kw_only=True):
    """Texts as they were asked for.

    Attributes:
        limit: The most texts to send without being asked; None for any number.
        asks: Whether to ask, if there is a terminal.
        is_new: There are no earlier outcomes, though there could be.
        shown_draft: The texts before the first one was sent.

    The other attributes are the options of the command.
    """

    file: ImportFile
    text: str | None
    template_id: int | None
    inbox_id: int
    creator_id: int
    media_url: str | None
    defaults: Mapping[str, str]
    skip_empty: bool
    repeats: bool
    limit: int | None
    dry_run: bool
    asks: bool
    ignore_opt_outs: bool
    region: str | None
    outcomes: Path | None
    resume: bool
    restart: bool
    batch_size: int
    concurrency: int
    is_quiet: bool
    is_new: bool = False
    shown_draft: Draft | None = None

    async def run(self, client: HeymarketClient) -> Finished:
        """Open the file, show some texts, and send them."""
        self._check()
        async with self.file.opened(_SAMPLE):
            reader = self._reader()
            how_to_resume = self.file.noting_how_to_resume(self.outcomes, restart=self.restart)
            with nullcontext() if self.dry_run else how_to_resume:
                done = await self._send(client, reader)
        return self._finished(done)

    def _check(self) -> None:
        """Check the options before anything is read, and choose the file of the outcomes."""
        phone_reader(self.region)
        if not self.file.is_stdin:
            self.file.path.stat()
            if self.outcomes is None:
                self.outcomes = Path(f"{self.file.path}.texts.jsonl")
            self.resume = not self.restart
        if self.outcomes is not None:
            check_folder(self.outcomes)
        checked_path(self.outcomes, SendHeader, resume=self.resume, restart=self.restart)
        self.is_new = self.outcomes is not None and not self.outcomes.exists()

    def _reader(self) -> RecipientReader:
        file = self.file
        # Any column may be a field of the text, so none is misspelt.
        plan = file.plan([], ignored=(), ignore_others=True, ignore_opt_outs=self.ignore_opt_outs)
        file.check_country_codes(plan, self.region)
        phone = phone_reader(self.region, takes_possible=plan.is_export, notes=file.notes)
        return RecipientReader(plan, phone=phone, notes=file.notes)

    async def _send(self, client: HeymarketClient, reader: RecipientReader) -> SendReport:
        with ExitStack() as stack:
            shown: list[OnProgress] = []

            async def on_draft(draft: Draft) -> None:
                await self._show(draft)
                # Only now: a bar would be drawn over the question.
                shown.append(stack.enter_context(progress_of_job(quiet=self.is_quiet)))

            def on_progress(progress: Progress) -> None:
                for each in shown:
                    each(progress)

            return await send_messages(
                client,
                self.file.rows(reader),
                inbox_id=self.inbox_id,
                creator_id=self.creator_id,
                text=self.text,
                template_id=self.template_id,
                media_url=self.media_url,
                defaults=self.defaults,
                skip_empty=self.skip_empty,
                repeats=self.repeats,
                limit=None if self.asks and preview.is_terminal() else self.limit,
                dry_run=self.dry_run,
                batch_size=self.batch_size,
                concurrency=self.concurrency,
                outcomes=self.outcomes,
                resume=self.resume,
                restart=self.restart,
                on_draft=on_draft,
                on_progress=on_progress,
            )

    async def _show(self, draft: Draft) -> None:
        """Show the texts, and ask whether to send them.

        Raises:
            typer.Exit: The answer is no.
        """
        self.shown_draft = draft
        if not self.is_quiet:
            lines = lines_of_draft(draft, has_texts=self.dry_run or sys.stderr.isatty())
            if self.is_new:
                # The outcomes may have another name: then these people would be texted once more.
                lines.append(f"A new job: no earlier outcomes in {self.outcomes}")
            for line in [*lines, *self.file.notes.lines()]:
                show.say(line)
        may_ask = self.asks and draft.recipients > 0
        if may_ask and not await preview.is_confirmed("Send this?", needs_yes=True):
            show.say("Nothing was sent.")
            raise typer.Exit(1)

    def _finished(self, done: SendReport) -> Finished:
        draft = self.shown_draft
        written = None if self.dry_run else self.outcomes
        report: dict[str, object] = {
            **msgspec.to_builtins(done),
            "texts": draft.examples if draft and self.dry_run else [],
            "in_ucs_2": draft.in_ucs_2 if draft else 0,
            "forcing_ucs_2": draft.forcing if draft else None,
            "notes": self.file.notes.lines(),
            "outcomes": written and str(written),
        }
        lines = lines_of_texts(done, written, dry_run=self.dry_run, restart=self.restart)
        return Finished(report, lines, not (done.rejected or done.unknown))

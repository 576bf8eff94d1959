"""An import of a contact file, from the options to the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path

import msgspec
import typer

from heymarket_async import ContactField, HeymarketClient
from heymarket_async.bulk import ImportReport, SourceRow, import_contacts
from heymarket_async.bulk.contact_files.contacts import ContactReader
from heymarket_async.bulk.contact_files.meanings import Target
from heymarket_async.bulk.contact_files.phones import phone_reader
from heymarket_async.bulk.contact_files.plan import Plan
from heymarket_async.bulk.contact_files.table import Table
from heymarket_async.bulk.custom_fields import fields_of
from heymarket_async.bulk.importing.rejected_file import RejectedFile
from heymarket_async.bulk.importing.rules import ImportHeader
from heymarket_async.bulk.importing.tags import TagsByName
from heymarket_async.bulk.progress import RequestStats, reporting
from heymarket_async.bulk.store.outcome_file import checked_path
from heymarket_async.cli import preview, show
from heymarket_async.cli.import_file import ImportFile
from heymarket_async.cli.import_report import lines_of_import
from heymarket_async.cli.job import Finished
from heymarket_async.cli.job_progress import progress_of_job
from heymarket_async.cli.options import check_folder

_MOST_NAMES = 20
_SAMPLE = 100
"""Rows to look at before the first one is sent."""


class ImportJob(msgspec.Struct, kw_only=True):
    """An import as it was asked for.

    Attributes:
        shown_notes: The remarks on the file that were shown before it began.

    The other attributes are the options of the command.
    """

    file: ImportFile
    ignored: list[str]
    ignore_others: bool
    ignore_opt_outs: bool
    region: str | None
    drop_extensions: bool
    create_tags: bool
    overwrite: bool
    dry_run: bool
    asks: bool
    outcomes: Path | None
    rejected: Path | None
    resume: bool
    restart: bool
    batch_size: int
    concurrency: int
    is_quiet: bool
    shown_notes: list[str] = msgspec.field(default_factory=list[str])

    async def run(self, client: HeymarketClient) -> Finished:
        """Open the file, show how it is understood, and import it."""
        file = self.file
        self._check()
        async with file.opened(min(self.batch_size, _SAMPLE)):
            fields = await self._fields(client)
            plan = file.plan(
                fields,
                ignored=self.ignored,
                ignore_others=self.ignore_others,
                ignore_opt_outs=self.ignore_opt_outs,
            )
            file.check_country_codes(plan, self.region)
            titles = {str(field.id): field.title for field in fields or ()}
            if not self.is_quiet:
                self.shown_notes = file.notes.lines()
                preview.print_plan(
                    plan, titles, [row.cells for row in file.first_rows], self.shown_notes
                )
            if self.asks and not await preview.is_confirmed():
                show.say("Nothing was imported.")
                raise typer.Exit(1)
            tags = TagsByName(client, creates=self.create_tags, dry_run=self.dry_run)
            reader = self._reader(plan, tags)
            done, rejected = await self._import(client, file.rows(reader))
        return self._finished(done, rejected, plan, reader, tags, titles)

    def _check(self) -> None:
        """Check the options before anything is read, and choose the file of the outcomes."""
        phone_reader(self.region)
        if not self.file.is_stdin:
            self.file.path.stat()
            if self.outcomes is None and not self.dry_run:
                self.outcomes = Path(f"{self.file.path}.outcomes.jsonl")
            self.resume = self.outcomes is not None and not self.restart
        if self.outcomes is not None:
            check_folder(self.outcomes)
        checked_path(self.outcomes, ImportHeader, resume=self.resume, restart=self.restart)

    async def _fields(self, client: HeymarketClient) -> list[ContactField] | None:
        """Return the custom fields of the account, or None if they cannot be read."""
        stats = RequestStats(client)
        with progress_of_job(quiet=self.is_quiet) as on_progress:
            async with reporting(on_progress, lambda: stats.progress(0, None, "starting")):
                return await fields_of(stats.client)

    def _reader(self, plan: Plan, tags: TagsByName) -> ContactReader:
        phone = phone_reader(
            self.region,
            drop_extensions=self.drop_extensions,
            takes_possible=plan.is_export,
            notes=self.file.notes,
        )
        return ContactReader(
            plan,
            phone=phone,
            tag_id=tags.tag_id,
            find_tag=tags.find,
            at_once=self.batch_size,
            notes=self.file.notes,
        )

    async def _import(
        self, client: HeymarketClient, rows: Iterable[SourceRow]
    ) -> tuple[ImportReport, Path | None]:
        """Import the rows, and return the report and the file of the rejected rows."""
        file = self.file
        rejected = self._rejected_file()
        with (
            file.noting_how_to_resume(self.outcomes, restart=self.restart),
            rejected or nullcontext(),
            progress_of_job(quiet=self.is_quiet) as on_progress,
        ):
            done = await import_contacts(
                client,
                rows,
                overwrite=self.overwrite,
                dry_run=self.dry_run,
                batch_size=self.batch_size,
                concurrency=self.concurrency,
                outcomes=self.outcomes,
                resume=self.resume,
                restart=self.restart,
                on_progress=lambda progress: on_progress(file.with_total(progress)),
                on_rejected=rejected.add if rejected else None,
            )
        return done, rejected.written if rejected else None

    def _rejected_file(self) -> RejectedFile | None:
        content, path = self.file.content, self.rejected
        if path is None:
            if self.file.is_stdin or self.dry_run:
                return None
            ending = "csv" if isinstance(content, Table) else "jsonl"
            path = Path(f"{self.file.path}.rejected.{ending}")
        return RejectedFile(path, content.headings if isinstance(content, Table) else None)

    def _finished(
        self,
        done: ImportReport,
        rejected: Path | None,
        plan: Plan,
        reader: ContactReader,
        tags: TagsByName,
        titles: Mapping[str, str],
    ) -> Finished:
        is_table = isinstance(self.file.content, Table)
        unseen = [] if is_table else reader.unseen
        report = {
            **msgspec.to_builtins(done),
            "columns": {each.heading: preview.field_of(each, titles) for each in plan.columns},
            "left_out": list(dict.fromkeys([*plan.left_out, *reader.left_out])),
            "unseen": unseen,
            "notes": self.file.notes.lines(),
            "unknown_tags": dict(tags.unknown),
            "created_tags": dict(tags.created),
            "outcomes": self.outcomes and str(self.outcomes),
            "rejected_rows": rejected and str(rejected),
        }
        notes = [each for each in self.file.notes.lines() if each not in self.shown_notes]
        columns = [each.heading for each in plan.columns if each.target == Target("tags")]
        notes += _lines_of_tags(tags, ", ".join(columns), dry_run=self.dry_run)
        if later := [each for each in reader.left_out if each not in plan.left_out]:
            notes.append(f"Not imported either: {', '.join(map(show.one_line, later))}")
        if unseen:
            notes.append(f"Named by --map or --ignore, but in no row: {', '.join(unseen)}")
        lines = lines_of_import(
            done, notes, self.outcomes, rejected, dry_run=self.dry_run, restart=self.restart
        )
        return Finished(report, lines, not (done.rejected or done.unknown))


def _lines_of_tags(tags: TagsByName, column: str, *, dry_run: bool) -> list[str]:
    lines: list[str] = []
    of_column = f' of the column "{show.one_line(column)}"' if column else ""
    if tags.created:
        verb = "Tags that would be created" if dry_run else "Created tags"
        lines.append(f"{verb}: {_counted(tags.created)}.")
    if tags.unknown and tags.cannot_be_read:
        lines.append(f"Tags{of_column} left out, as tags cannot be read: {_counted(tags.unknown)}.")
    elif tags.unknown:
        lines.append(
            f"Tags{of_column} left out, as the account does not have them:"
            f" {_counted(tags.unknown)}. Create them with --create-tags."
        )
    return lines


def _counted(names: Mapping[str, int]) -> str:
    shown = [f"{name} ({show.counted(number, 'row')})" for name, number in names.items()]
    more = [f"{len(shown) - _MOST_NAMES:,} more"] if len(shown) > _MOST_NAMES else []
    return ", ".join(shown[:_MOST_NAMES] + more)

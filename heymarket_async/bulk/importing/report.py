"""The report of an import, and the results that it is made from."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from heymarket_async.bulk.importing.rules import (
    Decision,
    NumberedRow,
    PendingRow,
    RowOutcome,
    SentWhen,
)
from heymarket_async.bulk.progress import Progress, RequestStats
from heymarket_async.bulk.reasons import Reasons
from heymarket_async.bulk.store.outcome_file import OutcomeFile

OnRejected: TypeAlias = Callable[[object, str], None]
"""Called with the source of a rejected row, and the reason."""

_MOST_REJECTIONS = 20
_STORED = {RowOutcome.UPDATED, RowOutcome.UNCHANGED}


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was rejected.

    Attributes:
        row: Its number, from 1.
        reason: Why, without phones, e-mails and names.
    """

    row: int
    reason: str


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of an import; of a dry run, as they would be.

    `created`, `updated`, `unchanged`, `rejected` and `unknown` add up to `rows`. After a resume
    they include the rows of earlier runs.

    Attributes:
        rows: Rows read.
        created: Contacts that were not in the account when they were looked up. If two imports send
            the same phone at the same time, there is one contact, but both may count it.
        updated: Contacts that were overwritten, or opted out because a row says so.
        unchanged: Contacts that existed and were left alone.
        rejected: Rows that cannot be stored, for a known reason.
        unknown: Rows that were sent without a clear answer; resume to look them up.
        duplicates: Rejected rows that have the phone of an earlier row.
        skipped: Rows that an earlier run had finished.
        opted_out: Rows of this run that opted an existing contact out.
        opt_outs_kept: Rows of this run that say opted in, for contacts that stay opted out although
            they are overwritten.
        requests: Requests sent, retries included.
        repeated: Requests that failed; most of them were retried.
        seconds: How long it took.
        waited_s: Seconds waited, by reason, summed over calls that waited side by side.
        rejections: The first twenty of this run, by row.
        reasons: How many rows of this run were rejected, by reason, the largest number first.
    """

    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    unknown: int
    duplicates: int
    skipped: int
    opted_out: int
    opt_outs_kept: int
    requests: int
    repeated: int
    seconds: float
    waited_s: Mapping[str, float]
    rejections: list[Rejection]
    reasons: dict[str, int] = msgspec.field(default_factory=dict[str, int])


class Results:
    """Counts the outcomes of the rows, and adds them to the outcome file.

    Args:
        file: The outcome file.
        stats: Counts the requests.
        on_rejected: Called with each row that is rejected.

    Attributes:
        rows: Rows read.
        duplicates: Rows with the phone of an earlier row.
        skipped: Rows that an earlier run had finished.
    """

    def __init__(
        self,
        file: OutcomeFile[RowOutcome, SentWhen],
        stats: RequestStats,
        on_rejected: OnRejected | None = None,
    ) -> None:
        self.rows = 0
        self.duplicates = 0
        self.skipped = 0
        self._opted_out = 0
        self._opt_outs_kept = 0
        self._counts: Counter[RowOutcome] = Counter()
        self._rejections: list[Rejection] = []
        self._reasons = Reasons()
        self._file = file
        self._stats = stats
        self._on_rejected = on_rejected
        self._began = time.monotonic()

    def skip(self, outcome: RowOutcome) -> None:
        """Count a row that an earlier run had finished."""
        self.skipped += 1
        self._counts[outcome] += 1

    def finish(self, row: PendingRow, decision: Decision) -> None:
        """Add the outcome of a row that was looked up."""
        self._opted_out += row.opted_out
        is_kept = row.is_opted_out is False and row.contact.is_opted_out is True
        self._opt_outs_kept += is_kept and decision.outcome in _STORED
        self.add(row, decision)

    def add(self, row: NumberedRow, decision: Decision) -> None:
        """Add the outcome of a row."""
        self._file.add(row.line(decision))
        self._counts[decision.outcome] += 1
        if decision.outcome is RowOutcome.REJECTED:
            self._reject(row, decision.reason or "")

    def progress(self) -> Progress:
        """Return how far the import is."""
        return self._stats.progress(self._counts.total(), None, "importing")

    def report(self) -> ImportReport:
        """Return the report."""
        return ImportReport(
            rows=self.rows,
            **{outcome.value: self._counts[outcome] for outcome in RowOutcome},
            duplicates=self.duplicates,
            skipped=self.skipped,
            opted_out=self._opted_out,
            opt_outs_kept=self._opt_outs_kept,
            requests=self._stats.requests,
            repeated=self._stats.repeated,
            seconds=round(time.monotonic() - self._began, 3),
            waited_s=self._stats.waits(),
            rejections=sorted(self._rejections, key=lambda rejection: rejection.row),
            reasons=self._reasons.counts,
        )

    def _reject(self, row: NumberedRow, reason: str) -> None:
        self._reasons.add(reason)
        if len(self._rejections) < _MOST_REJECTIONS:
            self._rejections.append(Rejection(row=row.number, reason=reason))
        if self._on_rejected is not None:
            self._on_rejected(row.source, reason)

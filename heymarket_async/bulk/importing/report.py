"""What an import did, and the counting of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

import msgspec

from heymarket_async.bulk.importing.outcome_file import OutcomeFile
from heymarket_async.bulk.importing.rules import ReadRow, RowOutcome, Verdict
from heymarket_async.bulk.progress import Progress, RequestStats

_SHOWN = 20


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was rejected.

    Attributes:
        row: Its number, from 1.
        reason: Why, without phones, e-mails and names.
    """

    row: int
    reason: str


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did; of a dry run, what it would do.

    `created`, `updated`, `unchanged`, `rejected` and `unknown` add up to `rows`. After a resume
    they count the rows of earlier runs too; `skipped` of them were settled there.

    Attributes:
        rows: Rows read.
        created: Contacts that were not in the account when they were looked up. Of one that two
            imports send at the same time there is one contact, but both may count it.
        updated: Contacts that were overwritten.
        unchanged: Contacts that were there, and were left alone.
        rejected: Rows that cannot be stored, and why is known.
        unknown: Rows that were sent, and nobody knows what became of them; resume to find out.
        duplicates: Those of the rejected that have the phone of an earlier row.
        skipped: Rows that an earlier run had settled.
        requests: Requests sent, repeated ones included.
        repeated: Requests that failed; most of them were sent again.
        seconds: How long it took.
        waited_s: Seconds waited, by reason, summed over calls that waited side by side.
        rejections: The first twenty that were settled in this run, by row.
    """

    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    unknown: int
    duplicates: int
    skipped: int
    requests: int
    repeated: int
    seconds: float
    waited_s: Mapping[str, float]
    rejections: list[Rejection]


class Results:
    """Takes in what became of the rows.

    Attributes:
        rows: Rows read.
        duplicates: Rows with the phone of an earlier row.
        skipped: Rows that an earlier run had settled.
    """

    def __init__(self, file: OutcomeFile, tally: RequestStats) -> None:
        self.rows = 0
        self.duplicates = 0
        self.skipped = 0
        self._counts: Counter[RowOutcome] = Counter()
        self._rejections: list[Rejection] = []
        self._file = file
        self._tally = tally
        self._began = time.monotonic()

    def skip(self, outcome: RowOutcome) -> None:
        """Count a row that an earlier run has settled."""
        self.skipped += 1
        self._counts[outcome] += 1

    def settle(self, row: ReadRow, verdict: Verdict) -> None:
        """Write down and count what became of a row."""
        self._file.settled(row, verdict)
        self._counts[verdict.outcome] += 1
        if verdict.outcome is RowOutcome.REJECTED and len(self._rejections) < _SHOWN:
            self._rejections.append(Rejection(row=row.number, reason=verdict.reason or ""))

    def progress(self) -> Progress:
        """Return how far the import is."""
        return self._tally.progress(self._counts.total(), None, "importing")

    def report(self) -> ImportReport:
        """Return what was done."""
        return ImportReport(
            rows=self.rows,
            **{outcome.value: self._counts[outcome] for outcome in RowOutcome},
            duplicates=self.duplicates,
            skipped=self.skipped,
            requests=self._tally.requests,
            repeated=self._tally.repeated,
            seconds=round(time.monotonic() - self._began, 3),
            waited_s=self._tally.waits(),
            rejections=sorted(self._rejections, key=lambda each: each.row),
        )

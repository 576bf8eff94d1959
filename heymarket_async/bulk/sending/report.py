"""The report of texts that were sent in bulk, and the results that it is made from."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

import msgspec

from heymarket_async.bulk.progress import Progress, RequestStats
from heymarket_async.bulk.reasons import Reasons
from heymarket_async.bulk.sending.outcomes import SendFile, SendLine, SendOutcome

_MOST_PROBLEMS = 20


class SendProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was not sent, or may not have been.

    Attributes:
        row: Its number, from 1.
        outcome: "skipped", "rejected" or "unknown".
        reason: Why, without phones, e-mails and names.
    """

    row: int
    outcome: SendOutcome
    reason: str


class SendReport(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of a job of `send_messages`; of a dry run, as they would be.

    `sent`, `skipped`, `rejected` and `unknown` add up to `rows`. After a resume they include the
    rows of earlier runs.

    Attributes:
        rows: Rows read.
        sent: Texts that Heymarket accepted. That means accepted, not delivered.
        skipped: Rows that were not sent, because the person opted out, an earlier row has the
            phone, or a field is empty.
        rejected: Rows that cannot be sent, or that Heymarket refused.
        unknown: Texts that were sent without a clear answer; resume to look them up.
        opted_out: Skipped rows of people who opted out, or may have.
        duplicates: Skipped rows that have the phone of an earlier row.
        sent_before: Rows that an earlier run had sent.
        segments: Segments of the texts that this run sent; 0 for a template.
        requests: Requests sent, retries and look-ups included.
        look_ups: How many of them looked for opt-outs, or for texts that may have been sent.
        repeated: Requests that failed; most of them were retried.
        seconds: How long it took.
        waited_s: Seconds waited, by reason, summed over calls that waited side by side.
        problems: The first twenty rows of this run that were not sent, by row.
        reasons: How many rows of this run were not sent, by reason, the largest number first.
    """

    rows: int
    sent: int
    skipped: int
    rejected: int
    unknown: int
    opted_out: int
    duplicates: int
    sent_before: int
    segments: int
    requests: int
    look_ups: int
    repeated: int
    seconds: float
    waited_s: Mapping[str, float]
    problems: list[SendProblem]
    reasons: dict[str, int] = msgspec.field(default_factory=dict[str, int])


class SendResults:
    """Counts the outcomes of the rows, and adds them to the outcome file.

    Args:
        file: The outcome file.
        stats: Counts the requests.

    Attributes:
        rows: Rows read.
        total: Rows of the input, once it has been read.
        opted_out: See `SendReport`, like the four below.
        duplicates: As above.
        sent_before: As above.
        segments: As above.
        look_ups: Counts the requests that look something up; has the client for them.
    """

    def __init__(self, file: SendFile, stats: RequestStats) -> None:
        self.rows = 0
        self.total: int | None = None
        self.opted_out = 0
        self.duplicates = 0
        self.sent_before = 0
        self.segments = 0
        self.look_ups = RequestStats(stats.client)
        self._counts: Counter[SendOutcome] = Counter()
        self._problems: list[SendProblem] = []
        self._reasons = Reasons()
        self._file = file
        self._stats = stats
        self._began = time.monotonic()

    def add_sent_before(self) -> None:
        """Count a row that an earlier run had sent."""
        self.sent_before += 1
        self._counts[SendOutcome.SENT] += 1

    def add(self, line: SendLine) -> None:
        """Add the outcome of a row."""
        self._file.add(line)
        self._counts[line.outcome] += 1
        if line.reason is None:
            return
        self._reasons.add(line.reason)
        if len(self._problems) < _MOST_PROBLEMS:
            problem = SendProblem(row=line.row, outcome=line.outcome, reason=line.reason)
            self._problems.append(problem)

    def progress(self) -> Progress:
        """Return how far the job is."""
        if self.total is None:
            return self._stats.progress(self.rows, None, "reading")
        return self._stats.progress(self._counts.total(), self.total, "sending")

    def report(self) -> SendReport:
        """Return the report."""
        return SendReport(
            rows=self.rows,
            **{outcome.value: self._counts[outcome] for outcome in SendOutcome},
            opted_out=self.opted_out,
            duplicates=self.duplicates,
            sent_before=self.sent_before,
            segments=self.segments,
            requests=self._stats.requests,
            look_ups=self.look_ups.requests,
            repeated=self._stats.repeated,
            seconds=round(time.monotonic() - self._began, 3),
            waited_s=self._stats.waits(),
            problems=sorted(self._problems, key=lambda problem: problem.row),
            reasons=self._reasons.counts,
        )

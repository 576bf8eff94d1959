"""The state of a job, which its store keeps together with the records: the job resumes from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec

from heymarket_async import timestamps
from heymarket_async.bulk.errors import UNREADABLE, JobError, mismatch_error
from heymarket_async.bulk.read.versions import OddRows
from heymarket_async.timestamps import earlier, later, seconds_between
from heymarket_async.transport.account import Account
from heymarket_async.walk import cursor

VERSION = 1


class TimeSpan(msgspec.Struct, kw_only=True):
    """A part of the account's time range, and how far it is read. Pure: no I/O, no clock.

    It is half-open: a record is in it if above < updated <= up_to, as instants. So each record is
    in exactly one span, even if pages overlap. A bound that divides two spans is a whole second, so
    records that share one `updated` stay together.

    Attributes:
        above: The instant that all its records are later than, or None.
        up_to: The last instant in it, or None.
        cursor: The cursor of its walk, as text; None before its first page.
        at: The instant of the last record that was taken, or None.
        sharing: How many records that were taken share `at`.
        page_s: Seconds that the last page covered, at least one.
        is_read: Nothing is left to read.
    """

    above: str | None = None
    up_to: str | None = None
    cursor: str | None = None
    at: str | None = None
    sharing: int = 0
    page_s: Annotated[float, msgspec.Meta(ge=1.0)] = 1.0
    is_read: bool = False

    def holds(self, stamp: str) -> bool:
        """Return whether a record of this instant is in the span."""
        is_above = self.above is None or self.above < stamp
        return is_above and (self.up_to is None or stamp <= self.up_to)

    def ends_before(self, stamp: str, *, ascending: bool) -> bool:
        """Return whether a walk that has come to this instant has left the span."""
        if ascending:
            return self.up_to is not None and stamp > self.up_to
        return self.above is not None and stamp <= self.above

    def start(self, *, ascending: bool) -> str | None:
        """Return the `date` to walk from.

        It is not documented whether the records at `date` are listed. So a walk starts a little
        outside of the span, and records that are not in the span are not taken.
        """
        if ascending:
            return self.above and earlier(self.above, 0.0)
        return None if self.up_to is None else later(self.up_to, 1.0)

    def pages_left(self, far_end: str | None, *, ascending: bool) -> float:
        """Estimate the pages that are left, from the seconds that the last page covered."""
        end = (self.up_to if ascending else self.above) or far_end
        if self.is_read or self.at is None or end is None:
            return 0.0
        left_s = seconds_between(self.at, end)
        return max(0.0, left_s if ascending else -left_s) / self.page_s

    def split(self, far_end: str | None, *, ascending: bool) -> TimeSpan:
        """Split off the second half of the time that is still to be read, and return it.

        Raises:
            ValueError: Nothing was taken yet, or the end is not known.
        """
        end = (self.up_to if ascending else self.above) or far_end
        if self.at is None or end is None:
            raise ValueError("the span has no ends to be divided between")
        middle = later(self.at, seconds_between(self.at, end) / 2)
        if ascending:
            other = TimeSpan(above=middle, up_to=self.up_to)
            self.up_to = middle
        else:
            other = TimeSpan(above=self.above, up_to=middle)
            self.above = middle
        return other


CLOCKS_S = 60.0
"""How far the clock of `updated` may be behind the one of `Date`, in seconds."""


class Settled(msgspec.Struct, kw_only=True):
    """The instant up to which the account has settled: nothing before it can still show up.

    A write that was made before a read, and that shows up at most `settle_s` late, is in the read.
    So once a read has begun `settle_s` after an instant, later reads may begin at that instant. The
    instant is one of `updated`, and the beginning is one of `Date`, which may come from another
    clock. The page "Decisions" of the documentation says how that is kept safe.

    Attributes:
        before: The instant, or "" if none is known.
        settle_s: The `settle_s` that it is true for, and for smaller ones.
        read_at: The server's time before the last complete read, or "".
        behind_s: The most that the clock of `updated` may be behind, if it was seen to be behind.
    """

    before: str = ""
    settle_s: float = 0.0
    read_at: str = ""
    behind_s: float = 0.0

    def since(self, margin: str, settle_s: float) -> str:
        """Return where a catch-up may begin, if it would begin at `margin` without this."""
        return max(margin, self.before) if settle_s <= self.settle_s else margin

    def distrust(self, now: str) -> None:
        """Forget what has settled if the last read was after now: then its `Date` was wrong."""
        if self.read_at > now:
            self.before = self.read_at = ""

    def settle(self, up_to: str, settle_s: float, ahead_s: float = 0.0) -> None:
        """Learn from the last complete read.

        Args:
            up_to: The end of what is known to exist; never beyond, whatever the clocks say.
            settle_s: How late a write may show up.
            ahead_s: How far the server's clock is ahead of this machine's: the earlier one counts.
        """
        old_enough = earlier(self.read_at, settle_s + CLOCKS_S + self.behind_s + ahead_s)
        before = min(up_to, old_enough)
        if self.read_at and (settle_s > self.settle_s or before > self.before):
            self.before, self.settle_s = before, settle_s

    def compare(self, stamps: Iterable[str], now: str, settle_s: float) -> None:
        """Compare the two clocks, by records that were written between the last read and now.

        If all are older than that read was, the clock of `updated` is behind. Then nothing counts
        as settled until this is allowed for.
        """
        newest = max((stamp for stamp in stamps if stamp <= now), default="")
        if not newest or not self.read_at:
            return
        most_s = seconds_between(newest, now)
        if seconds_between(newest, self.read_at) > settle_s + CLOCKS_S:
            self.behind_s, self.before = most_s, ""
        else:
            self.behind_s = min(self.behind_s, most_s)


class Checkpoint(msgspec.Struct, kw_only=True):
    """The state of a job.

    Attributes:
        version: The version of this form.
        account: The account that is read, as `Account.name`; "" until it is asked for, which is
            before more than one page is stored.
        credentials: The credentials that it was read with last, as `Account.credentials`.
        surface: The list that is walked, with its filters: "v1", "v2", "messages".
        date: The `date` that the walk begins at, or None for all records.
        counted: The account's own count when the job began, or None if it was not asked for.
        spans: The time range in parts.
        ascending: Oldest first; None until a page has shown it.
        newest: The instant up to which everything was read, except for later edits: a catch-up
            begins some time before it. See `latest_of`.
        settled: The instant up to which it need not be read again.
        pages: Answers of the walk, without those of the catch-up.
        overlap: Contacts that came again and were left out.
        ties: Contacts that share their `updated` with another one.
        largest_tie: The most records that share one.
        odd: The odd rows that were read.
        page_size: The limit to begin with that brought the most rows, or None.
    """

    version: int = VERSION
    account: str
    credentials: str | None = None
    surface: str
    date: str | None = None
    counted: int | None = None
    spans: list[TimeSpan] = msgspec.field(name="windows", default_factory=lambda: [TimeSpan()])
    ascending: bool | None = None
    newest: str | None = None
    settled: Settled = msgspec.field(default_factory=Settled)
    pages: int = 0
    overlap: int = 0
    ties: int = 0
    largest_tie: int = 0
    odd: OddRows = msgspec.field(default_factory=OddRows)
    page_size: Annotated[int, msgspec.Meta(ge=cursor.PAGE_SIZE)] | None = None

    @property
    def text(self) -> str:
        """This checkpoint as JSON; `read` makes it one again."""
        return msgspec.json.encode(self).decode()

    def belong_to(self, account: Account) -> None:
        """Record the account that is read, and the credentials that it is read with."""
        self.account = account.name_to_store(self.account or account.name)
        self.credentials = account.credentials

    @property
    def after(self) -> str | None:
        """The instant that all records are later than, or None if that is not known.

        For v2, and for the count, it is documented. For v1, it is not documented which side of
        `date` is listed.
        """
        if self.date is None or self.surface == "v1":
            return None
        return timestamps.instant(self.date)

    def learn_direction(self, stamps: Sequence[str]) -> None:
        """Learn from a page, which is never empty, whether the list is oldest first."""
        if self.ascending is None and stamps[0] != stamps[-1]:
            self.ascending = stamps[0] < stamps[-1]

    def reach(self, stamp: str | None) -> None:
        """Record that everything up to an instant, see `latest_of`, was read."""
        self.newest = max(self.newest or "", stamp or "") or None

    def count_ties(self, span: TimeSpan, stamps: Iterable[str]) -> None:
        """Count the records that share their `updated` with another one of the span."""
        last, sharing = span.at, span.sharing
        for stamp in stamps:
            if stamp != last:
                last, sharing = stamp, 1
            else:
                sharing += 1
                self.ties += 2 if sharing == 2 else 1
                self.largest_tie = max(self.largest_tie, sharing)
        span.at, span.sharing = last, sharing
        self.largest_tie = max(self.largest_tie, min(sharing, 1))


def latest_of(stamps: Sequence[str], *, until: str) -> str | None:
    """Return the latest instant up to which records were read, or None.

    Args:
        stamps: When the records that were read were updated.
        until: The server's time before they were asked for. A later stamp proves nothing: a clock
            was wrong, or the record was edited meanwhile.
    """
    latest = max(stamps, default="")
    if latest > until:
        latest = max((stamp for stamp in stamps if stamp <= until), default="")
    return latest or None


def new(*, account: Account | None, surface: str, date: str | None = None) -> Checkpoint:
    """Return the checkpoint of a job that begins; None is an account that was not asked for yet."""
    checkpoint = Checkpoint(
        account="",
        surface=surface,
        date=date,
        # v2 is asked for oldest first; other lists have to show their direction.
        ascending=True if surface == "v2" else None,
    )
    checkpoint.spans = [TimeSpan(above=checkpoint.after)]
    if account is not None:
        checkpoint.belong_to(account)
    return checkpoint


def account_in(text: str) -> Account | None:
    """Return the account in a stored checkpoint, or None if it cannot be read."""
    try:
        stored = msgspec.json.decode(text, type=_Owner)
    except UNREADABLE:
        return None
    return Account(stored.account, stored.credentials or "")


def has_no_account(text: str) -> bool:
    """Whether it is the checkpoint of one page, which a kill has left behind at its very end."""
    return (account := account_in(text)) is not None and not account.name


def read(
    text: str, *, account: Account | None, surface: str, date: str | None, place: str = ""
) -> Checkpoint:
    """Return a stored checkpoint, if it belongs to this job.

    Args:
        text: The stored text.
        account: The account to read, or None if it is known to be the same.
        surface: The list to read.
        date: The `date` that the walk begins at, or None.
        place: The file that it is kept for, for errors.

    Raises:
        JobError: It belongs to another account or query, another version of this package wrote it,
            or it is damaged.
    """
    name = _named("checkpoint", place)
    try:
        version = msgspec.json.decode(text, type=_Version).version
        if version != VERSION:
            raise _other(name, "version", str(version), str(VERSION))
        stored = msgspec.json.decode(text, type=Checkpoint)
        for span in stored.spans:
            if span.cursor is not None:
                cursor.read(span.cursor, surface=stored.surface)
    except JobError:
        raise
    except (ValueError, *UNREADABLE):
        raise damaged("checkpoint", place) from None
    if account is not None:
        if not account.matches(stored.account, stored.credentials):
            raise _other(name, "account", stored.account, account.name)
        stored.belong_to(account)
    if stored.surface != surface:
        raise _other(name, "surface", stored.surface, surface)
    if stored.date != date:
        raise _other(name, "date", stored.date, date)
    return stored


class _Version(msgspec.Struct):
    version: int


class _Owner(msgspec.Struct):
    account: str
    credentials: str | None = None


def damaged(stored: str, place: str) -> JobError:
    """Return the error for a stored checkpoint, or stored records, that another program changed.

    Args:
        stored: "checkpoint" or "stored records".
        place: The file that it is kept for, or "".
    """
    problem = f"{_named(stored, place)} cannot be read."
    return JobError("damaged_export", problem, "Start anew with restart=True.")


def _named(stored: str, place: str) -> str:
    return f"{place}: the {stored}" if place else f"The {stored}"


def _other(checkpoint: str, name: str, stored: str | None, wanted: str | None) -> JobError:
    remedy = "Start anew with restart=True, or name another file."
    return mismatch_error(
        name, checkpoint, stored, wanted, reason="other_checkpoint", remedy=remedy
    )

"""The state of a job, which its store keeps together with the contacts: the job resumes from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Annotated

import msgspec

from heymarket_async import timestamps
from heymarket_async.bulk.errors import UNREADABLE, JobError, mismatch_error
from heymarket_async.timestamps import earlier, later, seconds_between
from heymarket_async.transport.account import Account
from heymarket_async.walk import cursor
from heymarket_async.walk.rows import Rows

VERSION = 1

_IDS_NAMED = 20
_IDS_KEPT = 1000


class TimeSpan(msgspec.Struct, kw_only=True):
    """A part of the account's time range, and how far it is read. Pure: no I/O, no clock.

    It is half-open: a contact is in it if above < updated <= up_to, as instants. So each contact is
    in exactly one span, even if pages overlap. A bound that divides two spans is a whole second, so
    contacts that share one `updated` stay together.

    Attributes:
        above: The instant that all its contacts are later than, or None.
        up_to: The last instant in it, or None.
        cursor: The cursor of its walk, as text; None before its first page.
        at: The instant of the last contact that was taken, or None.
        sharing: How many contacts that were taken share `at`.
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
        """Return whether a contact of this instant is in the span."""
        is_above = self.above is None or self.above < stamp
        return is_above and (self.up_to is None or stamp <= self.up_to)

    def ends_before(self, stamp: str, *, ascending: bool) -> bool:
        """Return whether a walk that has come to this instant has left the span."""
        if ascending:
            return self.up_to is not None and stamp > self.up_to
        return self.above is not None and stamp <= self.above

    def start(self, *, ascending: bool) -> str | None:
        """Return the `date` to walk from.

        It is not documented whether the contacts at `date` are listed. So a walk starts a little
        outside of the span, and contacts that are not in the span are not taken.
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


class Ids(msgspec.Struct):
    """Ids of contacts: the first thousand, and how many there are."""

    shown: list[int] = msgspec.field(default_factory=list[int])
    count: int = 0

    def add(self, ids: Iterable[int]) -> None:
        """Add ids; an id that is kept counts once."""
        kept = set(self.shown)
        for each in ids:
            if each not in kept:
                self.count += 1
                if len(kept) < _IDS_KEPT:
                    kept.add(each)
                    self.shown.append(each)

    def doubts(self, problem: str, known: Collection[int]) -> list[str]:
        """Return the doubt about ids that no earlier run has reported, if there are any."""
        before = set(known)
        news = [each for each in self.shown if each not in before]
        if not news:
            return []
        count = self.count - len(self.shown) + len(news)
        # The negative id of a contact that came without one is of no use.
        named = ", ".join(str(each) for each in news[:_IDS_NAMED] if each > 0) or "none has an id"
        more = count - len(news[:_IDS_NAMED])
        have = "1 contact has" if count == 1 else f"{count:,} contacts have"
        return [f"{have} {problem}: {named}{f' and {more:,} more' * (more > 0)}"]


class OddRows(msgspec.Struct):
    """Counts of odd rows, for the report. A job that resumes still has those of its earlier runs.

    Attributes:
        mended: Rows whose JSON had to be mended.
        no_contacts: How often an element of a list was not a contact, such as null.
        unplaced: Contacts that have no time.
        ahead: Contacts whose time is in the future.
    """

    mended: int = 0
    no_contacts: int = 0
    unplaced: Ids = msgspec.field(default_factory=Ids)
    ahead: Ids = msgspec.field(default_factory=Ids)

    def count(self, rows: Rows, latest: str) -> None:
        """Add the contacts that have no time, or one later than the latest possible."""
        self.unplaced.add(rows.ids[place] for place in rows.unplaced)
        if max(rows.stamps, default="") > latest:
            pairs = zip(rows.ids, rows.stamps, strict=True)
            self.ahead.add(contact_id for contact_id, stamp in pairs if stamp > latest)

    @property
    def ids(self) -> list[int]:
        """The ids that `doubts` reports; a later run passes them as `known`."""
        return self.unplaced.shown + self.ahead.shown

    def doubts(self, known: Collection[int] = ()) -> list[str]:
        """Return the doubts for the report.

        Args:
            known: Ids that earlier runs have reported.
        """
        doubts = self.unplaced.doubts(
            "no `updated` that is a time, so an edit may be missed", known
        )
        doubts += self.ahead.doubts(
            "an `updated` that is in the future by the server's clock; it will be read again each"
            " time",
            known,
        )
        if self.no_contacts:
            times = "once" if self.no_contacts == 1 else f"{self.no_contacts:,} times"
            doubts.append(f"a list element that is not a contact was skipped {times}")
        return doubts


class Checkpoint(msgspec.Struct, kw_only=True):
    """The state of a job.

    Attributes:
        version: The version of this form.
        account: The account that is read, as `Account.name`.
        credentials: The credentials that it was read with last, as `Account.credentials`.
        surface: The list that is walked: "v1" or "v2".
        date: The `date` that the walk begins at, or None for all contacts.
        counted: The account's own count when the job began, or None.
        spans: The time range in parts.
        ascending: Oldest first; None until a page has shown it.
        newest: The instant up to which everything was read, except for later edits: a catch-up
            begins some time before it. See `latest_of`.
        pages: Answers of the walk, without those of the catch-up.
        overlap: Contacts that came again and were left out.
        ties: Contacts that share their `updated` with another one.
        largest_tie: The most contacts that share one.
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

    @property
    def after(self) -> str | None:
        """The instant that all contacts are later than, or None if that is not known.

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
        """Count the contacts that share their `updated` with another one of the span."""
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
    """Return the latest instant up to which contacts were read, or None.

    Args:
        stamps: When the contacts that were read were updated.
        until: The server's time before they were asked for. A later stamp proves nothing: a clock
            was wrong, or the contact was edited meanwhile.
    """
    latest = max(stamps, default="")
    if latest > until:
        latest = max((stamp for stamp in stamps if stamp <= until), default="")
    return latest or None


def new(*, account: Account, surface: str, date: str | None = None) -> Checkpoint:
    """Return the checkpoint of a job that begins."""
    checkpoint = Checkpoint(
        account=account.name,
        credentials=account.credentials,
        surface=surface,
        date=date,
        # v2 is asked for oldest first; v1 has to show its direction.
        ascending=True if surface == "v2" else None,
    )
    checkpoint.spans = [TimeSpan(above=checkpoint.after)]
    return checkpoint


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
        stored.account = account.name_to_store(stored.account)
        stored.credentials = account.credentials
    if stored.surface != surface:
        raise _other(name, "surface", stored.surface, surface)
    if stored.date != date:
        raise _other(name, "date", stored.date, date)
    return stored


class _Version(msgspec.Struct):
    version: int


def damaged(stored: str, place: str) -> JobError:
    """Return the error for a stored checkpoint, or stored contacts, that another program changed.

    Args:
        stored: "checkpoint" or "stored contacts".
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

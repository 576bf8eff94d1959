"""How far a job is, as the text that its sink keeps together with its data."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from heymarket_async import timestamps
from heymarket_async.bulk.errors import UNREADABLE, JobError
from heymarket_async.bulk.read.odd import Odd
from heymarket_async.bulk.read.windows import Window
from heymarket_async.transport.account import Account
from heymarket_async.walk import cursor

VERSION = 1

ANEW = "start anew (--restart)"
"""The remedy for an unfinished export that is damaged."""


class Checkpoint(msgspec.Struct, kw_only=True):
    """How far a job is, and what it has met on the way.

    Attributes:
        version: Of this form.
        account: Whose contacts; see `Account`.
        credentials: The credentials that it was read with last; see `Account`.
        surface: Which list is walked: "v1" or "v2".
        date: Where the walk begins, or None for all contacts.
        counted: How many contacts the account said to have when the job began, or None.
        windows: The time range in parts.
        ascending: Oldest first; None while no page told.
        newest: The instant up to which everything was read, but for what changed meanwhile: a
            catch-up begins some time before it. See `latest_of`.
        pages: Answers of the walk; those of the catch-up are not counted.
        overlap: Contacts that came again and were left out.
        ties: Contacts that share their `updated` with another one.
        largest_tie: The most contacts that share one.
        odd: What was met that is not as it should be.
    """

    version: int = VERSION
    account: str
    credentials: str | None = None
    surface: str
    date: str | None = None
    counted: int | None = None
    windows: list[Window] = msgspec.field(default_factory=lambda: [Window()])
    ascending: bool | None = None
    newest: str | None = None
    pages: int = 0
    overlap: int = 0
    ties: int = 0
    largest_tie: int = 0
    odd: Odd = msgspec.field(default_factory=Odd)

    @property
    def text(self) -> str:
        """This checkpoint as JSON; `read` makes it one again."""
        return msgspec.json.encode(self).decode()

    @property
    def after(self) -> str | None:
        """The instant that contacts must lie after, or None.

        That is what v2 lists, and what is counted, by the documentation. Which side of a date v1
        lists is not documented.
        """
        if self.date is None or self.surface == "v1":
            return None
        return timestamps.instant(self.date)

    def learn_direction(self, stamps: list[str]) -> None:
        """Learn from a page, which is never empty, whether the list is oldest first."""
        if self.ascending is None and stamps[0] != stamps[-1]:
            self.ascending = stamps[0] < stamps[-1]

    def reach(self, stamp: str | None) -> None:
        """Note that everything up to an instant, see `latest_of`, was read."""
        self.newest = max(self.newest or "", stamp or "") or None

    def count_ties(self, window: Window, stamps: list[str]) -> None:
        """Count which of the contacts that a window continues from share their `updated`."""
        if stamps and window.at != stamps[0] and len(set(stamps)) == len(stamps):
            window.at, window.sharing = stamps[-1], 1
            self.largest_tie = max(self.largest_tie, 1)
            return
        for stamp in stamps:
            if stamp != window.at:
                window.at, window.sharing = stamp, 0
            window.sharing += 1
            if window.sharing > 1:
                self.ties += 2 if window.sharing == 2 else 1
            self.largest_tie = max(self.largest_tie, window.sharing)


def latest_of(stamps: Sequence[str], *, until: str) -> str | None:
    """Return the latest instant up to which contacts were read, or None.

    Args:
        stamps: When the contacts that were read were updated.
        until: The server's time before they were asked for. What is stamped later proves nothing:
            a clock was wrong, or the contact was edited meanwhile.
    """
    latest = max(stamps, default="")
    if latest > until:
        latest = max((each for each in stamps if each <= until), default="")
    return latest or None


class _Origin(msgspec.Struct):
    version: int


def new(*, account: Account, surface: str, date: str | None = None) -> Checkpoint:
    """Return the checkpoint of a job that begins."""
    # v2 is asked for oldest first; v1 has to show it.
    ascending = True if surface == "v2" else None
    at = Checkpoint(
        account=account.name,
        credentials=account.credentials,
        surface=surface,
        date=date,
        ascending=ascending,
    )
    at.windows = [Window(above=at.after)]
    return at


def read(text: str, *, account: Account | None, surface: str, date: str | None) -> Checkpoint:
    """Return a stored checkpoint, if it belongs to this job.

    Args:
        text: As it was stored.
        account: Whose contacts are read, or None if that is known to be the same.
        surface: Which list is read.
        date: Where the walk begins, or None.

    Raises:
        ValueError: It belongs to another account or query, or another version of this package
            wrote it, or it is none.
    """
    try:
        origin = msgspec.json.decode(text, type=_Origin)
        if origin.version != VERSION:
            raise ValueError(
                f"the checkpoint has version {origin.version}, and this package reads {VERSION};"
                f" {ANEW}, or use the version that wrote it"
            )
        stored = msgspec.json.decode(text, type=Checkpoint)
    except UNREADABLE:
        raise ValueError(_UNREADABLE) from None
    if account is not None:
        if not account.is_the_one(stored.account, stored.credentials):
            raise _of_another("account", stored.account, account.name)
        stored.account = account.better(stored.account)
        stored.credentials = account.credentials
    for name, asked in (("surface", surface), ("date", date)):
        if (of := getattr(stored, name)) != asked:
            raise _of_another(name, of, asked)
    try:
        for window in stored.windows:
            if window.cursor is not None:
                cursor.read(window.cursor, surface=surface)
    except (ValueError, *UNREADABLE):
        raise ValueError(_UNREADABLE) from None
    return stored


_UNREADABLE = f"the checkpoint cannot be read; {ANEW}"


@contextmanager
def stored_at(place: Path | None) -> Generator[None]:
    """Let an error of what is stored say where that is.

    Args:
        place: The file; None if nobody knows.
    """
    prefix = "" if place is None else f"{place}: "
    try:
        yield
    except UNREADABLE:
        raise ValueError(f"{prefix}the stored contacts cannot be read; {ANEW}") from None
    except JobError:
        raise
    except ValueError as error:
        if prefix and str(place) not in str(error):
            raise ValueError(f"{prefix}{error}") from None
        raise


def shown(stored: str | None) -> str:
    """Return a text that was stored as an error shows it: another program may have made it long."""
    return (stored or "none")[:300]


def _of_another(name: str, of: str | None, asked: str | None) -> ValueError:
    return ValueError(
        f"the checkpoint belongs to another {name}, {shown(of)}, not {shown(asked)};"
        f" {ANEW}, or name another place"
    )

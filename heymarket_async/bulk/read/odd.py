"""What a job met that is not as it should be: counted, and told in its report."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from heymarket_async.walk.rows import Rows

_NAMED = 20
_KEPT = 1000


class Ids(msgspec.Struct):
    """Ids of contacts, the first thousand of them, and how many there are."""

    shown: list[int] = msgspec.field(default_factory=list[int])
    count: int = 0

    def add(self, ids: Iterable[int]) -> None:
        """Take in ids; those that are kept count once."""
        kept = set(self.shown)
        for each in ids:
            if each not in kept:
                self.count += 1
                if len(kept) < _KEPT:
                    kept.add(each)
                    self.shown.append(each)

    def told(self, what: str, known: Collection[int]) -> list[str]:
        """Return the doubt about those that were not told before, if there are any."""
        before = set(known)
        news = [each for each in self.shown if each not in before]
        if not news:
            return []
        count = self.count - len(self.shown) + len(news)
        # Those that came without an id have one that was made up.
        named = ", ".join(str(each) for each in news[:_NAMED] if each > 0) or "none has an id"
        more = count - len(news[:_NAMED])
        have = "1 contact has" if count == 1 else f"{count:,} contacts have"
        return [f"{have} {what}: {named}{f' and {more:,} more' * (more > 0)}"]


class Odd(msgspec.Struct):
    """What was odd; kept in the checkpoint, so that it is told after a resume too.

    Attributes:
        mended: Rows whose JSON had to be mended.
        no_contacts: How often an element of a list was no contact, such as null.
        unplaced: Contacts that have no time.
        ahead: Contacts whose time is still to come.
    """

    mended: int = 0
    no_contacts: int = 0
    unplaced: Ids = msgspec.field(default_factory=Ids)
    ahead: Ids = msgspec.field(default_factory=Ids)

    def note(self, rows: Rows, latest: str) -> None:
        """Take in contacts that have no time, or one later than the latest that can be."""
        self.unplaced.add(rows.ids[place] for place in rows.unplaced)
        if max(rows.stamps, default="") > latest:
            self.ahead.add(
                who for who, stamp in zip(rows.ids, rows.stamps, strict=True) if stamp > latest
            )

    def doubts(self, known: Collection[int] = ()) -> list[str]:
        """Return what is in doubt.

        Args:
            known: Ids that earlier runs have told.
        """
        doubts = self.unplaced.told("no `updated` that is a time, so an edit may be missed", known)
        doubts += self.ahead.told(
            "an `updated` that is still to come by the server's clock; it will be read again"
            " each time",
            known,
        )
        if self.no_contacts:
            times = "once" if self.no_contacts == 1 else f"{self.no_contacts:,} times"
            doubts.append(f"a list element that is not a contact was skipped {times}")
        return doubts

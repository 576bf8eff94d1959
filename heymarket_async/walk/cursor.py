"""Where a walk stands, and the text that it is stored as. Pure state; `walk.rules` moves it."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from itertools import islice
from operator import itemgetter
from typing import Annotated, Generic, TypeVar

import msgspec

from heymarket_async import timestamps

T = TypeVar("T")

Key = tuple[int, int]
"""`id` and `rev`: names one version of one row."""


def key_of(row: int, rev: int | None, stamp: str) -> Key:
    """Return what names one version of a row; where no `rev` comes, its time does."""
    return (row, -1 - zlib.crc32(stamp.encode()) if rev is None else rev)


class Grown(msgspec.Struct, Generic[T], frozen=True):
    """A dict that only grows, as it was when it had `size` entries.

    The cursors of one group's pages share one dict: a copy for each would make a large group dear.
    """

    entries: dict[Key, T]
    size: int

    def items(self) -> Iterable[tuple[Key, T]]:
        """Return its entries."""
        return islice(self.entries.items(), self.size)

    def grow(self, items: Iterable[tuple[Key, T]]) -> Grown[T]:
        """Return it with more entries; those that are there already keep their values."""
        # The newest goes on with the shared dict; one that it has outgrown starts a copy.
        entries = self.entries if len(self.entries) == self.size else dict(self.items())
        for key, value in items:
            entries.setdefault(key, value)
        return Grown(entries, len(entries))


def grown(items: Iterable[tuple[Key, T]]) -> Grown[T]:
    """Return entries as a dict that may grow."""
    entries = dict(items)
    return Grown(entries, len(entries))


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group of equal timestamps that is larger than a page, while it is read.

    Attributes:
        updated: The timestamp, as the server wrote it.
        page: The page number to ask for; None is the first page.
        limit: `limit` to ask with, or None.
        wide: Larger limits are tried, because `page` has no effect.
        from_one: Page 1 has turned out to be the first page.
        passed: Rows that this pass, or the last wide page, has brought, with their places.
        before: Rows that the pass before brought; None in the first.
        passes: How many passes are over.
        repeats: How many rows of the group this pass has brought twice.
        brings_new: This pass has brought a row of the group that none before it had.
        is_mixed: This pass has brought rows in another order than the one before.
        last: The page behind the group, as far as it is known.
        shows: The instant on that page, while it is not known which of the two comes first.
        is_down: This pass goes from the last page to the first.
        then: `date` to go on from after the group, once a page has left it.
        back: `Cursor.back` of that.
        behind: The timestamp after it, if that is to be read from the same `date`, page by page.
            Without this and `then`, nothing comes after the group.
    """

    updated: str
    page: int | None
    limit: int | None
    wide: bool = False
    from_one: bool = False
    passed: Grown[int]
    before: Grown[int] | None = None
    passes: int = 0
    repeats: int = 0
    brings_new: bool = False
    is_mixed: bool = False
    last: int | None = None
    shows: str | None = None
    is_down: bool = False
    then: str | None = None
    back: str | None = None
    behind: str | None = None

    @property
    def is_at_first_page(self) -> bool:
        """Whether the first page of the list is asked for."""
        return self.page is None or (self.from_one and self.page == 1)

    @property
    def is_restless(self) -> bool:
        """Whether it is to be read anew, and was not the same when it was read before."""
        return self.passes > 1 and not self.passed.size


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """What a walk asks for next, and what of it was given already.

    Attributes:
        surface: Which list is walked, so that a cursor is not taken to another one.
        limit: `limit` of the walk, or None.
        date: `date` to ask from, as the server wrote it, or None.
        given: Rows given since `date`, with their instants.
        back: `date` to go back to, should the rows given at `date` not come again.
        inclusive: The server has shown that it includes the rows at `date`; None if it has also
            shown the opposite, and is not believed any more.
        ascending: Oldest first; None while no page told.
        group: The group larger than a page that is being read, or None.
        done: The walk is complete.
    """

    surface: str
    limit: int | None = None
    date: str | None = None
    back: str | None = None
    given: Grown[str] = msgspec.field(default_factory=lambda: Grown[str]({}, 0))
    inclusive: bool | None = False
    ascending: bool | None = None
    group: Group | None = None
    done: bool = False

    @property
    def asks_page(self) -> int | None:
        """The page number to ask for, or None."""
        return None if self.group is None else self.group.page

    @property
    def asks_limit(self) -> int | None:
        """The limit to ask for, or None."""
        return self.limit if self.group is None else self.group.limit

    @property
    def text(self) -> str:
        """This cursor as JSON; `read` makes it a cursor again."""
        stored = _Stored(
            surface=self.surface,
            limit=self.limit,
            date=self.date,
            back=self.back,
            given=[(*key, stamp) for key, stamp in self.given.items()],
            inclusive=self.inclusive,
            ascending=self.ascending,
            group=None if self.group is None else _stored_group(self.group),
            done=self.done,
        )
        return msgspec.json.encode(stored).decode()


def read(text: str, *, surface: str) -> Cursor:
    """Return the cursor that was stored as text.

    Raises:
        ValueError: It is not a cursor of this surface, or of another version of this package.
    """
    origin = _decoded(text, _Origin)
    if origin.version != 1 or origin.surface != surface:
        raise ValueError(
            f"cursor belongs to surface {origin.surface!r}, version {origin.version};"
            f" this walk needs surface {surface!r}, version 1"
        )
    stored = _decoded(text, _Stored)
    return Cursor(
        surface=stored.surface,
        limit=stored.limit,
        date=stored.date,
        back=stored.back,
        given=grown((key_of(*row), row[-1]) for row in stored.given),
        inclusive=stored.inclusive,
        ascending=stored.ascending,
        group=None if stored.group is None else _group(stored.group),
        done=stored.done,
    )


class _Origin(msgspec.Struct):
    version: int
    surface: str


_Limit = Annotated[int, msgspec.Meta(ge=1)] | None


_StoredKey = tuple[int, int | None]  # null in cursors of older versions


class _StoredGroup(msgspec.Struct, kw_only=True):
    updated: str
    page: int | None
    limit: _Limit
    wide: bool
    from_one: bool = False
    passed: list[_StoredKey]
    repeated: bool | int
    before: list[_StoredKey] | None
    brings_new: bool = False
    is_mixed: bool = False
    last: int | None = None
    shows: str | None = None
    is_down: bool = False
    then: str | None = None
    back: str | None = None
    behind: str | None = None
    passes: int


class _Stored(msgspec.Struct, kw_only=True):
    version: int = 1
    surface: str
    limit: _Limit
    date: str | None
    back: str | None = None
    given: list[tuple[int, int | None, str]]
    inclusive: bool | None
    ascending: bool | None
    group: _StoredGroup | None
    done: bool

    def __post_init__(self) -> None:
        of_group: tuple[str | None, ...] = ()
        if (group := self.group) is not None:
            of_group = (group.updated, group.then, group.back, group.behind)
        for time in (self.date, self.back, *of_group):
            if time is not None:
                timestamps.instant(time)


Stored = TypeVar("Stored", _Origin, _Stored)


def _decoded(text: str, stored: type[Stored]) -> Stored:
    try:
        return msgspec.json.decode(text if isinstance(text, str) else "", type=stored)
    except (msgspec.MsgspecError, ValueError):
        raise ValueError("cursor must be the text of a walk's `cursor`") from None


def _stored_group(group: Group) -> _StoredGroup:
    return _StoredGroup(
        updated=group.updated,
        page=group.page,
        limit=group.limit,
        wide=group.wide,
        from_one=group.from_one,
        passed=_in_order(group.passed),
        repeated=group.repeats,
        before=None if group.before is None else _in_order(group.before),
        brings_new=group.brings_new,
        is_mixed=group.is_mixed,
        last=group.last,
        shows=group.shows,
        is_down=group.is_down,
        then=group.then,
        back=group.back,
        behind=group.behind,
        passes=group.passes,
    )


def _in_order(rows: Grown[int]) -> list[_StoredKey]:
    return [key for key, _ in sorted(rows.items(), key=itemgetter(1))]


def _group(stored: _StoredGroup) -> Group:
    stamp, before = timestamps.instant(stored.updated), stored.before
    # The rows of a pass that goes down stand behind all that it is still to bring.
    first = _BEHIND_ALL_PAGES if stored.is_down else 0
    return Group(
        updated=stored.updated,
        page=stored.page,
        limit=stored.limit,
        wide=stored.wide,
        from_one=stored.from_one,
        passed=_placed(stored.passed, stamp, first),
        before=None if before is None else _placed(before, stamp, 0),
        repeats=int(stored.repeated),
        brings_new=stored.brings_new,
        is_mixed=stored.is_mixed,
        last=stored.last,
        shows=stored.shows,
        is_down=stored.is_down,
        then=stored.then,
        back=stored.back,
        behind=stored.behind,
        # Whoever resumes finds the account as it is now, not as restless as it was.
        passes=0,
    )


_BEHIND_ALL_PAGES = 1 << 62


def _placed(keys: list[_StoredKey], stamp: str, first: int) -> Grown[int]:
    return grown((key_of(*key, stamp), first + place) for place, key in enumerate(keys))

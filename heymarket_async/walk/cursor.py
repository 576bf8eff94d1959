"""The state of a walk, and the text that it is stored as. Pure; `walk.rules` decides the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from operator import ge, gt, itemgetter, le, lt
from typing import Annotated, Any, Generic, TypeVar, cast

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from heymarket_async import timestamps
from heymarket_async.walk.rows import Key, Rows, key_of

T = TypeVar("T")

PAGE_SIZE = 30
"""Rows on a page that is asked for without a `limit`."""

VERSION = 1


class Seen(Generic[T]):
    """The row versions that a walk has seen, with a value for each. It is immutable.

    The cursors of one group's pages share one dict, and each knows how many of its entries were
    there: a copy for each would make a large group expensive.
    """

    __slots__ = ("entries", "size")

    def __init__(self, items: Iterable[tuple[Key, T]] = ()) -> None:
        self.entries = dict(items)
        self.size = len(self.entries)

    def items(self) -> Iterable[tuple[Key, T]]:
        """Return its entries."""
        return islice(self.entries.items(), self.size)

    def with_more(self, items: Iterable[tuple[Key, T]]) -> Seen[T]:
        """Return it with more entries. A key that is there already keeps its value."""
        more: Seen[T] = Seen()
        # The newest one adds to the shared dict. An older one starts a copy.
        more.entries = self.entries if len(self.entries) == self.size else dict(self.items())
        for key, value in items:
            more.entries.setdefault(key, value)
        more.size = len(more.entries)
        return more


_Limit = Annotated[int, msgspec.Meta(ge=1)] | None
_Given = Seen[str]
_Passed = Seen[int]
_Keys = tuple[Key, ...] | UnsetType


class Ties(msgspec.Struct, frozen=True, kw_only=True):
    """A group of rows with one timestamp that is larger than a page, while it is read.

    Attributes:
        updated: The timestamp, as the server wrote it.
        page: The page number to ask for; None is the first page.
        limit: `limit` to ask with, or None.
        wide: Larger limits are tried, because `page` has no effect.
        from_one: Page 1 has turned out to be the first page.
        passed: Rows that this pass, or the last wide page, has read, with their places.
        repeats: How many rows of the group this pass has read twice.
        before: Rows that the previous pass has read; None in the first pass.
        brings_new: This pass has read a row of the group that no pass before it had, or one that
            has come in before the group.
        is_mixed: This pass has read rows in another order than the one before.
        last: The page behind the group, if it is known.
        shows: The instant on that page, while the order of the list is not known.
        is_down: This pass goes from the last page to the first.
        then: `date` to continue from after the group, once a page has left it.
        back: `Cursor.back` of that.
        behind: The timestamp after it, if that is to be read from the same `date`, page by page.
            Without this and `then`, nothing comes after the group.
        passes: How many passes are over.
    """

    # A field without a default must be in a stored cursor; the others were added later.
    updated: str
    page: int | None
    limit: _Limit
    wide: bool
    from_one: bool = False
    passed: _Passed
    repeats: bool | int = msgspec.field(name="repeated")
    before: _Passed | None
    brings_new: bool = False
    is_mixed: bool = False
    last: int | None = None
    shows: str | None = None
    is_down: bool = False
    then: str | None = None
    back: str | None = None
    behind: str | None = None
    passes: int

    @property
    def stamp(self) -> str:
        """The instant that all rows of the group share."""
        return timestamps.instant(self.updated)

    @property
    def is_at_first_page(self) -> bool:
        """Whether the first page of the list is asked for."""
        return self.page is None or (self.from_one and self.page == 1)

    @property
    def is_changing(self) -> bool:
        """Whether a new pass begins because the one before read other rows, or another order."""
        return self.passes > 1 and not self.passed.size


def new_ties(
    updated: str, page: int | None, limit: int | None, passed: Iterable[tuple[Key, int]] = ()
) -> Ties:
    """Return the beginning of the first pass over a group."""
    return Ties(
        updated=updated,
        page=page,
        limit=limit,
        wide=False,
        passed=Seen(passed),
        repeats=0,
        before=None,
        passes=0,
    )


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """The next request of a walk, and the rows that were given already.

    Attributes:
        version: The version of this form.
        surface: The list that is walked, so that a cursor is not used for another one.
        limit: `limit` that the caller has fixed, or None.
        date: `date` to ask from, as the server wrote it, or None.
        back: `date` to go back to if the rows given at `date` do not come again.
        given: Rows given since `date`, with their instants.
        unplaced: Those of them that are unplaced, with those that were left out of `given` when
            `date` moved last. At the end of a page, an unplaced row has an earlier time than its
            own, so it may come again.
        inclusive: The server has shown that it includes the rows at `date`; None if it has also
            shown the opposite, and is not believed any more.
        ascending: Oldest first; None while no page has shown it.
        largest: How many rows the largest page without a `limit` had, if the size of pages is not
            documented.
        first_page: The number of the first page, as a profile has it; only 1 is of use. UNSET if
            there is none, or it was wrong.
        group: The group larger than a page that is being read, or None.
        done: The walk is complete.
    """

    # A field without a default must be in a stored cursor; the others were added later.
    version: int = VERSION
    surface: str
    limit: _Limit
    date: str | None
    back: str | None = None
    given: _Given
    unplaced: _Keys = UNSET
    inclusive: bool | None
    ascending: bool | None
    largest: int | UnsetType = UNSET
    first_page: int | UnsetType = UNSET
    group: Ties | None
    done: bool

    @property
    def text(self) -> str:
        """This cursor as JSON; `read` makes it a cursor again."""
        return _encode(self).decode()

    @property
    def page_size(self) -> int:
        """How many rows a page has without a `limit`, as far as that is known."""
        return PAGE_SIZE if self.largest is UNSET else min(self.largest, PAGE_SIZE)

    def date_after(
        self, rows: Rows, otherwise: str | None, limit: int | None
    ) -> tuple[str | None, str | None]:
        """Return the `date` to ask from after a full page, and the `back` that goes with it.

        Args:
            rows: The rows of the page.
            otherwise: The date if all rows of the page share one timestamp.
            limit: The limit of the next page, as far as it is known, or None.
        """
        cut_at = rows.cut_at
        before = rows.times[cut_at] if cut_at >= 0 else otherwise
        if not self.inclusive or before is None:
            return before, None
        # Only a page that can hold all rows given at its `date` can show whether they come again.
        known = list(self.given.entries.values()).count(rows.stamps[-1])
        fits = known + len(rows.stamps) - 1 - cut_at <= (limit or self.page_size)
        return (rows.times[-1], before) if fits else (before, None)

    def last_behind(self, here: str | None, rows: Rows) -> str | None:
        """Return the instant of the last row that was given behind the one of `date`.

        It is None if there is none, or if one of them is on the page that came from there.
        """
        if here is None or self.ascending is None:
            return None
        is_behind = gt if self.ascending else lt
        behind = {key: stamp for key, stamp in self.given.items() if is_behind(stamp, here)}
        if not behind or not behind.keys().isdisjoint(rows.all_keys()):
            return None
        return max(behind.values()) if self.ascending else min(behind.values())

    def moved(self, rows: Rows, date: str, back: str | None = None) -> Cursor:
        """Ask from another `date`, and remember the rows that may then come again."""
        target, may_follow = timestamps.instant(back or date), _MAY_FOLLOW[self.ascending]
        given = {key: stamp for key, stamp in self.given.items() if may_follow(stamp, target)}
        place = len(rows.stamps) - 1
        while place >= 0 and may_follow(rows.stamps[place], target):
            given[rows.key(place)] = rows.stamps[place]
            place -= 1
        unplaced = tuple(key for key in self.unplaced or () if key in self.given.entries)
        return replace(
            self,
            date=date,
            back=back,
            given=Seen(given.items()),
            unplaced=_unplaced_with(unplaced or UNSET, rows),
            group=None,
        )

    def held(self, rows: Rows, group: Ties | None) -> Cursor:
        """Stay at this `date`, and remember all rows of the page."""
        given = self.given.with_more(zip(rows.all_keys(), rows.stamps, strict=True))
        unplaced = _unplaced_with(self.unplaced, rows)
        return replace(self, given=given, unplaced=unplaced, group=group)

    def partly(self, rows: Rows, count: int) -> Cursor:
        """Ask for the same page again, and leave out its first rows.

        Args:
            rows: The new rows of the page.
            count: How many of them were given.
        """
        first = rows.part(slice(count))
        given = zip(first.all_keys(), first.stamps, strict=True)
        return replace(
            self,
            given=Seen([*self.given.items(), *given]),
            unplaced=_unplaced_with(self.unplaced, first),
        )


def _unplaced_with(known: _Keys, rows: Rows) -> _Keys:
    """Return the keys of unplaced rows together with those of a page, which usually has none."""
    if not rows.unplaced:
        return known
    return tuple(dict.fromkeys([*(known or ()), *map(rows.key, rows.unplaced)]))


def _always(_stamp: str, _target: str) -> bool:
    return True


_MAY_FOLLOW: dict[bool | None, Callable[[str, str], bool]] = {True: ge, False: le, None: _always}
"""By order: whether a row of one instant may be on the page that begins at another."""


def start(
    surface: str,
    limit: int | None = None,
    date: str | None = None,
    first_page: int | str | None = None,
) -> Cursor:
    """Return the cursor of a walk that begins; for the arguments see `Cursor`."""
    return Cursor(
        surface=surface,
        limit=limit,
        date=date,
        first_page=1 if first_page == 1 else UNSET,
        given=Seen(),
        inclusive=False,
        ascending=None,
        group=None,
        done=False,
    )


def read(text: str, *, surface: str) -> Cursor:
    """Return the cursor that was stored as text.

    Raises:
        ValueError: It is not a cursor of this surface, or of another version of this package.
    """
    try:
        content = text if isinstance(text, str) else ""
        origin = msgspec.json.decode(content, type=_Origin)
        if (origin.version, origin.surface) == (VERSION, surface):
            return _checked(_decode(content))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ValueError("cursor must be the text of a walk's `cursor`") from None
    raise ValueError(
        f"cursor belongs to surface {origin.surface[:100]!r}, version {origin.version};"
        f" this walk needs surface {surface!r}, version {VERSION}"
    )


class _Origin(msgspec.Struct):
    version: int
    surface: str


def _checked(stored: Cursor) -> Cursor:
    """Return a stored cursor ready for use.

    Raises:
        ValueError: One of its times is not a time.
    """
    group, times = stored.group, [stored.date, stored.back]
    if group is not None:
        # Each page before it has brought a row: a walk from a page far away would not end.
        most = sum(each.size for each in (stored.given, group.passed, group.before) if each) + 2
        if max(group.page or 0, group.last or 0) > most:
            raise ValueError
        stamp, times = group.stamp, [*times, group.then, group.back, group.behind]
        group = replace(
            group,
            # The places in a pass down come after all those that it has yet to read.
            passed=_placed(group.passed, stamp, _first_place(group)),
            # Which of them were on the first page is not known any more.
            before=None if group.before is None else _placed(group.before, stamp, SECOND_PAGE),
            repeats=int(group.repeats),
            # The account may be less busy now than it was.
            passes=0,
        )
    for time in times:
        if time is not None:
            timestamps.instant(time)
    # An instant in another form would look like another instant, from which nothing moves on.
    instants = {stamp for _, stamp in stored.given.items() if stamp}
    if any(timestamps.instant(timestamps.text_of(stamp)) != stamp for stamp in instants):
        raise ValueError
    return replace(stored, group=group)


SECOND_PAGE = 1 << 20
"""The place of the first row of page 1, if pages are counted from 0."""

_BEHIND_ALL_PAGES = 1 << 62


def _first_place(group: Ties) -> int:
    """Return a place for the first row of a pass that was stored without its places."""
    if group.is_down:
        return _BEHIND_ALL_PAGES
    return SECOND_PAGE if (group.page or 0) > 1 else 0


def _placed(rows: Seen[int], stamp: str, first: int) -> Seen[int]:
    return Seen((key_of(*key, stamp), first + place) for key, place in rows.items())


def _to_list(seen: object) -> list[tuple[object, ...]]:
    """Return rows as they are stored: given ones with their instants, passed ones in order."""
    items = list(cast(Seen[Any], seen).items())
    if items and isinstance(items[0][1], int):
        return [key for key, _ in sorted(items, key=itemgetter(1))]
    return [(*key, stamp) for key, stamp in items]


def _from_list(kind: object, stored: object) -> object:
    # `rev` is null in cursors of older versions.
    if kind == _Given:
        rows = msgspec.convert(stored, list[tuple[int, int | None, str]])
        return Seen((key_of(*row), row[-1]) for row in rows)
    keys = msgspec.convert(stored, list[tuple[int, int | None]])
    return Seen((cast(Key, key), place) for place, key in enumerate(keys))


_encode = msgspec.json.Encoder(enc_hook=_to_list).encode
_decode = msgspec.json.Decoder(Cursor, dec_hook=_from_list).decode

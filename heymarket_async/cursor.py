"""Where a walk stands, and the text that it is stored as. Pure state; `walk_rules` moves it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Generic, TypeVar

import msgspec

from heymarket_async import timestamps

T = TypeVar("T")

Key = tuple[int, int | None]
"""`id` and `rev`: names one version of one row."""


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
        """Return it with more entries."""
        # The newest goes on with the shared dict; one that it has outgrown starts a copy.
        entries = self.entries if len(self.entries) == self.size else dict(self.items())
        entries.update(items)
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
        passed: Rows that this pass, or the last wide page, has brought.
        repeated: This pass has brought a row twice.
        before: Rows that the pass before brought; None in the first.
        passes: How many passes are over.
    """

    updated: str
    page: int | None
    limit: int | None
    wide: bool = False
    passed: Grown[None]
    repeated: bool = False
    before: Grown[None] | None = None
    passes: int = 0


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """What a walk asks for next, and what of it was given already.

    Attributes:
        surface: Which list is walked, so that a cursor is not taken to another one.
        limit: `limit` of the walk, or None.
        date: `date` to ask from, as the server wrote it, or None.
        given: Rows given since `date`, with their instants.
        inclusive: The server has shown that it includes the row at `date`.
        ascending: Oldest first; None while no page told.
        group: The group larger than a page that is being read, or None.
        done: The walk is complete.
    """

    surface: str
    limit: int | None = None
    date: str | None = None
    given: Grown[str] = msgspec.field(default_factory=lambda: Grown[str]({}, 0))
    inclusive: bool = False
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
        given=grown(((row, rev), stamp) for row, rev, stamp in stored.given),
        inclusive=stored.inclusive,
        ascending=stored.ascending,
        group=None if stored.group is None else _group(stored.group),
        done=stored.done,
    )


class _Origin(msgspec.Struct):
    version: int
    surface: str


_Limit = Annotated[int, msgspec.Meta(ge=1)] | None


class _StoredGroup(msgspec.Struct, kw_only=True):
    updated: str
    page: int | None
    limit: _Limit
    wide: bool
    passed: list[Key]
    repeated: bool
    before: list[Key] | None
    passes: int


class _Stored(msgspec.Struct, kw_only=True):
    version: int = 1
    surface: str
    limit: _Limit
    date: str | None
    given: list[tuple[int, int | None, str]]
    inclusive: bool
    ascending: bool | None
    group: _StoredGroup | None
    done: bool

    def __post_init__(self) -> None:
        for time in (self.date, None if self.group is None else self.group.updated):
            if time is not None:
                timestamps.parse(time)


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
        passed=[key for key, _ in group.passed.items()],
        repeated=group.repeated,
        before=None if group.before is None else [key for key, _ in group.before.items()],
        passes=group.passes,
    )


def _group(stored: _StoredGroup) -> Group:
    before = stored.before
    return Group(
        updated=stored.updated,
        page=stored.page,
        limit=stored.limit,
        wide=stored.wide,
        passed=grown((key, None) for key in stored.passed),
        repeated=stored.repeated,
        before=None if before is None else grown((key, None) for key in before),
        passes=stored.passes,
    )

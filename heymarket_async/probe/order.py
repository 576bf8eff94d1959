"""The facts about the order of a list, and about `date`, which follows it."""

from __future__ import annotations

from collections.abc import Callable

from heymarket_async.probe.asker import CouldNotTellError
from heymarket_async.probe.found import Found
from heymarket_async.probe.lists import ProbedList, is_ascending
from heymarket_async.probe.subjects import ENOUGH, Subject, Watch

_SORTED_BY_CHANCE = 6
"""So many timestamps are in order by chance once in 360 times, fewer too often."""


async def ask_for_order(contacts: ProbedList) -> None:
    """Find the order of a list, and whether `ascending` changes it."""
    with contacts.telling("order", "ascending"):
        is_oldest_first = is_ascending(contacts.rows)
        if len(set(contacts.rows.stamps)) < _SORTED_BY_CHANCE:
            raise CouldNotTellError(f"a page has fewer than {_SORTED_BY_CHANCE} timestamps")
        contacts.tell("order", "oldest first" if is_oldest_first else "newest first")
        page = (await contacts.page(ascending=not is_oldest_first)).checked()
        contacts.tell("ascending", is_ascending(page.rows) is not is_oldest_first)


async def ask_from_times(contacts: ProbedList, found: Found, digits: int) -> None:
    """Find which contacts a list has from a `date`, and how exactly it compares.

    Args:
        contacts: The list.
        found: Takes whether timestamps are stored finer than they are shown.
        digits: Digits of the fraction of a second in timestamps.
    """
    watch = Watch(contacts.rows_from, digits)
    with found.telling(*contacts.names("date", "includes_date"), "stored_finer"):
        if not contacts.subjects:
            raise CouldNotTellError("a page has fewer than three timestamps")
        await watch.learn_side(contacts.subjects[0])
        if watch.side == "ignored":
            contacts.tell("date", watch.side)
            raise CouldNotTellError("`date` has no effect")
        if (watch.side == "after") is not is_ascending(contacts.rows):
            raise CouldNotTellError("pages from a `date` begin at the other end of the list")
        contacts.tell("date", watch.side)
        if len(contacts.subjects) < ENOUGH:
            raise CouldNotTellError(f"a page has fewer than {ENOUGH + 2} timestamps")
        is_finer = found.values.get("stored_finer")
        if is_finer is not True:
            is_exact, includes = await compared(
                watch, contacts.subjects, is_exact=is_finer is False
            )
            found.values["stored_finer"] = not is_exact
            if includes is not None:
                contacts.tell("includes_date", includes)
                return
        raise CouldNotTellError("the server keeps fractions of a second that it hides")


async def compared(
    watch: Watch, subjects: list[Subject], *, is_exact: bool
) -> tuple[bool, bool | None]:
    """Return whether timestamps are stored as they are shown, and whether `date` is included.

    The second is None if the first is false: then nothing can be said about it.

    Args:
        watch: The list, whose side of `date` is known.
        subjects: The contacts.
        is_exact: It is known that timestamps are stored as they are shown.

    Raises:
        CouldNotTellError: The contacts do not show it.
    """

    async def are_later(time_of: Callable[[Subject], str]) -> set[bool | None]:
        return {await watch.is_later(each, time_of(each)) for each in subjects}

    includes_later = watch.side == "after"
    later = {False} if is_exact else await are_later(watch.just_after)
    if later == {False}:
        later = await are_later(lambda each: each.time)
        if later == {True}:
            return True, includes_later
        if later == {False}:
            later = {True} if is_exact else await are_later(watch.just_before)
            if later == {True}:
                return True, not includes_later
    elif later == {True}:
        later = await are_later(watch.half_after)
    if is_exact or later in ({True}, {False}):
        raise CouldNotTellError("the server may read `date` no finer than it shows timestamps")
    return False, None

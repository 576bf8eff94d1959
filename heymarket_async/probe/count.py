"""The facts about the count of contacts."""

from __future__ import annotations

from heymarket_async.checks import is_int
from heymarket_async.endpoints import contacts
from heymarket_async.probe.asker import Asker, CouldNotTellError, Reply
from heymarket_async.probe.found import Found
from heymarket_async.probe.lists import CHANGED, ProbedList


async def ask_for_count(asker: Asker, found: Found, v1: ProbedList) -> None:
    """Find which contacts the count has, and how it is written.

    Args:
        asker: Asks for counts.
        found: Takes the facts, and has those about the list.
        v1: The list, and contacts whose place on it is known.
    """
    with found.telling("count_as_text", "count_is_whole", "count_date", "count_includes_date"):
        whole, as_text = _count_of(await asker.ask(contacts.COUNT, {}))
        found.values["count_as_text"] = as_text
        with found.telling("count_is_whole"):
            _compare_count(found, whole, v1)
        if not v1.subjects:
            raise CouldNotTellError("a page has fewer than three timestamps")
        subject = v1.subjects[-1]
        number, _ = _count_of(await asker.ask(contacts.COUNT, {"date": subject.time}))
        again, _ = _count_of(await asker.ask(contacts.COUNT, {}))
        if again != whole:
            raise CouldNotTellError(CHANGED)
        ahead, here = subject.place, len(subject.keys)
        order = found.values.get("v1.order")
        if order is None:
            raise CouldNotTellError(found.reasons["v1.order"])
        rest = whole - ahead - here
        after, before = (ahead, rest) if order == "newest first" else (rest, ahead)
        least = {"after": after, "before": before}
        sides = [side for side, low in least.items() if low <= number <= low + here]
        if number == whole and not sides:
            found.values["count_date"] = "ignored"
            raise CouldNotTellError("`date` has no effect on it")
        if len(sides) != 1:
            raise CouldNotTellError("its numbers fit no reading, or more than one")
        found.values["count_date"] = sides[0]
        if found.values.get("stored_finer") is not False:
            raise CouldNotTellError("it depends on fractions of a second that may be hidden")
        without = least[sides[0]]
        if number not in {without, without + here}:
            raise CouldNotTellError("it counts some of the contacts of one timestamp")
        found.values["count_includes_date"] = number > without


def _compare_count(found: Found, whole: int, v1: ProbedList) -> None:
    listed = len(set(v1.rows.ids))
    if v1.is_whole is None:
        raise CouldNotTellError("it is not known how many contacts there are")
    if not v1.is_whole:
        raise CouldNotTellError("the account has more contacts than come at once")
    found.values["count_is_whole"] = whole == listed


def _count_of(reply: Reply) -> tuple[int, bool]:
    """Return a count, and whether it came as text."""
    value = reply.value
    if isinstance(value, str) and value.isdecimal():
        return int(value), True
    if not is_int(value):
        raise CouldNotTellError(f"the server answered {reply.status}, and no number")
    return value, False

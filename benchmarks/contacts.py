"""The contacts of an account of any size, as prepared bytes."""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

import msgspec

BLOCK = 10_000
"""Contacts in one block: each day of an account has the same ones with another day and id."""

_NEWEST_DAY = date(2026, 4, 12)
_DAY = b"9999-12-31"
_ID = b'"id":99999'
"""The first five digits of an id; the last four are the place within the block."""

FIRST_ID = 10_000 * BLOCK


class Contacts:
    """Contacts, newest first, each with an `updated` of its own.

    A page is one slice of bytes, whatever its size and wherever it begins. A day's block is made
    from the one that is held when a walk comes to it, by replacing day and id.
    """

    def __init__(self) -> None:
        lines = [_line(place, line) for place, line in enumerate(_lines())]
        self._block = b",".join(lines)
        self._starts = [0, *accumulate(len(line) + 1 for line in lines)]
        self._places = {_time_of(place).encode(): place for place in range(BLOCK)}
        self._of_day = functools.lru_cache(maxsize=4)(self._made_for)

    def place(self, updated: bytes) -> int:
        """Return the place of the contact that was updated at this time."""
        day = date.fromisoformat(updated[:10].decode())
        # Only down to the second: a client that parses times may write the rest differently.
        return (_NEWEST_DAY - day).days * BLOCK + self._places[updated[11:19]]

    def page(self, start: int, end: int) -> bytes:
        """Return the contacts from one place up to another as a JSON array."""
        parts = []
        while start < end:
            days, first = divmod(start, BLOCK)
            last = min(first + end - start, BLOCK)
            parts.append(self._of_day(days)[self._starts[first] : self._starts[last] - 1])
            start += last - first
        return b"[%b]" % b",".join(parts)

    def _made_for(self, days: int) -> bytes:
        day = (_NEWEST_DAY - timedelta(days=days)).isoformat().encode()
        number = str(FIRST_ID // BLOCK + days).encode()
        return self._block.replace(_DAY, day).replace(_ID, b'"id":' + number)


def last_id(contacts: int) -> int:
    """Return the last id of a walk over this number of contacts."""
    return FIRST_ID + contacts - 1


def _lines() -> list[bytes]:
    # Here, for only the server needs it; others only ask how a walk must end.
    from heymarket_async.sandbox import Sandbox  # noqa: PLC0415

    return Sandbox(contacts=BLOCK, seed=1).store.lines()


def _line(place: int, line: bytes) -> bytes:
    # The sandbox leaves out what an account does not use. Here each contact has all the fields that
    # the documentation lists, so that the goals are measured on what they were set for.
    contact = msgspec.json.decode(line)
    number = contact["id"]
    contact |= {
        "external_id": f"crm-{number}",
        "external_ref": f"https://crm.example.com/people/{number}",
        "inbox_id": 3001 + number % 7,
        "parent_id": number % 997,
        "note": contact.get("note", []),
    }
    contact["id"] = int(f"99999{place:04}")
    contact["updated"] = f"{_DAY.decode()}T{_time_of(place)}Z"
    return msgspec.json.encode(contact)


def _time_of(place: int) -> str:
    """Return a time of day that is earlier for each place."""
    midnight = datetime(2000, 1, 2, tzinfo=UTC)
    return (midnight - timedelta(seconds=8 * (place + 1))).strftime("%H:%M:%S")

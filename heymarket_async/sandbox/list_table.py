"""The lists of the account: groups of people who get a broadcast."""

import random

import msgspec
from msgspec import Struct

from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.records import TEAM_ID
from heymarket_async.sandbox.table import Stored, Table


class Member(Struct, frozen=True, kw_only=True):
    """The name of a member, as reads show it."""

    f: str = ""
    l: str = ""  # noqa: E741 - the name in the API


class ListRecord(Struct, kw_only=True):
    """A list as reads show it: `targets` are its members, by phone.

    https://developers.heymarket.com/api-reference/lists/overview
    """

    id: int
    name: str
    local_id: str
    targets: dict[str, Member]
    team_id: int = TEAM_ID
    creator_id: int
    shared: bool = True
    created: str
    updated: str
    rev: int = 1
    archived: bool = False


class Lists(Table[Stored]):
    """The lists of the account."""

    def __init__(self, readings: Readings, seed: int) -> None:
        super().__init__(readings, random.Random(seed))  # noqa: S311 - no secret

    def record(self, row: Stored) -> ListRecord:
        """Return a list as a copy that can be changed."""
        return msgspec.json.decode(row.line, type=ListRecord)

    def members(self, list_id: int) -> dict[str, dict[str, str]] | None:
        """Return the members as {phone: {"f": first name, "l": last name}}; None: no such list."""
        row = self.by_id(list_id)
        if row is None:
            return None
        return {phone: {"f": who.f, "l": who.l} for phone, who in self.record(row).targets.items()}

    def leave(self, phone: str) -> None:
        """Remove a person from every list, as an opt-out does."""
        for row in list(self._rows):
            record = self.record(row)
            if record.targets.pop(phone, None) is not None:
                self.add(Stored(row.stamp, row.id, msgspec.json.encode(record)))

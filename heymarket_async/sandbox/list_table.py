"""The lists of the account: groups of people who get a broadcast."""

from collections.abc import Iterable

from msgspec import Struct

from heymarket_async.sandbox.contacts import Contacts
from heymarket_async.sandbox.people import made_up
from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.record_table import Records, Titled
from heymarket_async.sandbox.records import Record

MAX_SEEDED = 40
"""The largest number of members of a list at the start."""


class Member(Struct, frozen=True, kw_only=True):
    """The name of a member, as reads show it."""

    f: str = ""
    l: str = ""  # noqa: E741 - the name in the API


class ListRecord(Titled, kw_only=True):
    """A list as reads show it: `targets` are its members, by phone.

    https://developers.heymarket.com/api-reference/lists/overview
    """

    targets: dict[str, Member]


class Lists(Records[ListRecord]):
    """The lists of the account; members without a phone are kept by their e-mail address."""

    def __init__(self, readings: Readings, seed: int, contacts: Contacts) -> None:
        newest = contacts.page(newest_first=True, start=0, size=MAX_SEEDED)
        people = dict(member_of(contacts.record(row)) for row in newest)
        seeded = [
            ListRecord(name=title, targets=dict(list(people.items())[:size]))
            for title, size in made_up().lists.items()
        ]
        super().__init__(ListRecord, readings, seed, first_id=701, seeded=seeded)

    def create(self, title: str, phones: Iterable[str] = (), *, now_s: float = 0.0) -> int:
        """Store a new list and return its id; no contact is made.

        Args:
            title: Its title.
            phones: The phones of its members, who have no names here.
            now_s: Seconds since 1970; it is never older than the newest list.
        """
        targets = {phone: Member() for phone in phones}
        with self.lock:
            return self.put(ListRecord(name=title, targets=targets), now_s).id

    def members(self, list_id: int) -> dict[str, dict[str, str]] | None:
        """Return the members as {phone: {"f": first name, "l": last name}}; None: no such list.

        Members without a phone are left out.
        """
        row = self.by_id(list_id)
        if row is None:
            return None
        people = self.record(row).targets.items()
        return {phone: {"f": one.f, "l": one.l} for phone, one in people if "@" not in phone}

    def leave(self, phone: str, now_s: float) -> None:
        """Remove a person from every list, as an opt-out may do."""
        for row in list(self._rows):
            record = self.record(row)
            if record.targets.pop(phone, None) is not None:
                self.put(record, now_s)


def member_of(contact: Record) -> tuple[str, Member]:
    """Return a contact as a member: its phone, or else its e-mail address, and its name."""
    first, last = (name if isinstance(name, str) else "" for name in (contact.first, contact.last))
    return str(contact.phone or contact.email or ""), Member(f=first, l=last)

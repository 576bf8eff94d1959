"""Lists of contacts to write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast
from uuid import uuid4

import msgspec

from heymarket_async.checks import email_of, id_of, list_of, phone_digits, text_of
from heymarket_async.models.by_name import ByName
from heymarket_async.privacy import hides_locals

_CHECKS: dict[str, Callable[[str, object], object]] = {
    "contacts": id_of,
    "phones": lambda name, value: phone_digits(cast(str, value), name),
    "emails": email_of,
}


class _People(ByName, frozen=True, kw_only=True, omit_defaults=True):
    """A struct with fields that name people: by contact id, phone or e-mail."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            check = _CHECKS.get(name.rpartition("_")[2])
            if check is not None and (value := getattr(self, name)) is not None:
                values = [check(f"each of {name}", each) for each in list_of(name, value, object)]
                msgspec.structs.force_setattr(self, name, values)


class NewList(_People, frozen=True, kw_only=True, omit_defaults=True):
    """A list of contacts to create. A field that is None is not sent.

    Heymarket makes a new contact for a phone that it does not know. So a slip makes a contact, and
    all phones and e-mails are checked before anything is sent.

    Attributes:
        title: Its name, which is read as `name`.
        local_id: An id of your own for it, which is read back; a new UUID unless it is given.
        type: "contacts" in the documentation's example; not described.
        contacts: Integer ids of contacts.
        phones: E.164 digits; one leading plus is taken off.
        emails: E-mails.

    Raises:
        ValueError: A field breaks its rule; the message names the field and the rule.

    https://developers.heymarket.com/api-reference/lists/create
    """

    title: str
    local_id: str = msgspec.field(default_factory=lambda: str(uuid4()))
    type: str | None = None
    contacts: Sequence[int] | None = None
    phones: Sequence[str] | None = None
    emails: Sequence[str] | None = None

    @hides_locals
    def __post_init__(self) -> None:
        text_of("title", self.title)
        text_of("local_id", self.local_id)
        if self.type is not None:
            text_of("type", self.type)
        super().__post_init__()


class ListChanges(_People, frozen=True, kw_only=True, omit_defaults=True):
    """Changes of a list. A field that is None is not sent.

    Heymarket also takes plain `phones` and `emails`. They only add, whatever their names say, so
    they are left out here: `add_phones` and `add_emails` do the same.

    Attributes:
        title: Its new name.
        contacts: Integer ids of all contacts that are to be on it: the others are taken off.
        add_contacts: Integer ids.
        add_phones: E.164 digits; one leading plus is taken off. As in `NewList`, a phone that
            Heymarket does not know becomes a contact.
        add_emails: E-mails.
        remove_contacts: Integer ids.
        remove_phones: E.164 digits; one leading plus is taken off.
        remove_emails: E-mails.

    Raises:
        ValueError: A field breaks its rule, the same value is to be added and removed, or there is
            nothing to change.

    https://developers.heymarket.com/api-reference/lists/update
    """

    title: str | None = None
    contacts: Sequence[int] | None = None
    add_contacts: Sequence[int] | None = None
    add_phones: Sequence[str] | None = None
    add_emails: Sequence[str] | None = None
    remove_contacts: Sequence[int] | None = None
    remove_phones: Sequence[str] | None = None
    remove_emails: Sequence[str] | None = None

    @hides_locals
    def __post_init__(self) -> None:
        super().__post_init__()
        if self.title is not None:
            text_of("title", self.title)
        if all(getattr(self, name) is None for name in self.__struct_fields__):
            raise ValueError("there is nothing to change: no field is given")
        for kind in _CHECKS:
            if _known(self, f"add_{kind}") & _known(self, f"remove_{kind}"):
                raise ValueError(f"add_{kind} and remove_{kind} must have no value in common")
        if self.contacts is not None and (
            _known(self, "add_contacts") or _known(self, "remove_contacts")
        ):
            raise ValueError(
                "contacts replaces all, so add_contacts and remove_contacts must be left out"
            )


def _known(changes: ListChanges, name: str) -> set[str]:
    """Return the values of a field in one spelling."""
    value: Sequence[object] | None = getattr(changes, name)
    return set() if value is None else {str(each).casefold() for each in value}

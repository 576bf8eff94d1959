"""Custom fields of the account. Listing and creating have different paths; both are documented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from heymarket_async.checks import list_of, one_of, spelling_hint
from heymarket_async.endpoints.group import Group
from heymarket_async.errors import CustomFieldError
from heymarket_async.models.contact import ContactField
from heymarket_async.request import Endpoint, Repeat

T = TypeVar("T")

_MOST_SHOWN = 10
"""The most titles that an error lists."""

ALL = Endpoint("POST", "/v1/contact-fields", list[ContactField], Repeat.READ)
CREATE = Endpoint("POST", "/v1/contacts/fields", list[ContactField], Repeat.UNSAFE)


class ContactFields(Group):
    """Custom fields of the account: `client.contact_fields`."""

    async def all(self) -> list[ContactField]:
        """Return all custom fields.

        https://developers.heymarket.com/guides/manage-contacts
        """
        return await self._send(ALL.request(body={}))

    async def create(self, titles: Sequence[str]) -> list[ContactField]:
        """Create custom fields, and return them; `duplicate` marks a title that was there already.

        It is not repeated once it may have been carried out. It then raises with
        `may_have_taken_effect`. Look at `all` before you try again.

        Args:
            titles: At least one.

        https://developers.heymarket.com/api-reference/contacts/create-contact-fields
        """
        wanted = list_of("titles", titles, str)
        if not wanted or not all(wanted):
            raise ValueError("titles must be a list of at least one title, none of them empty")
        return await self._send(CREATE.request(body=[{"title": each} for each in wanted]))

    async def resolve(self, values: Mapping[str, T]) -> dict[str, T]:
        """Return values by custom field title as values by field id, for `custom`.

        Heymarket answers 200 to values under titles, and drops them. So this looks the titles up,
        and an unknown title raises. It asks for the fields each time.

        Args:
            values: Such as {"Plan": "Premium"}, which may become {"123": "Premium"}.

        Raises:
            CustomFieldError: The account has no field with a title, or more than one.
        """
        one_of("values", values, Mapping)
        fields = await self.all()
        return {_id_of(title, fields): value for title, value in values.items()}


def _id_of(title: str, fields: Sequence[ContactField]) -> str:
    ids = [field.id for field in fields if field.title == title]
    if len(ids) == 1:
        return str(ids[0])
    if ids:
        numbers = ", ".join(map(str, ids))
        reason = f"lists fields {numbers} all titled {title!r}; write to one by its id"
    else:
        titles = [field.title for field in fields]
        hint = spelling_hint(title, titles)
        if not hint and len(titles) <= _MOST_SHOWN:
            hint = f"; it lists {', '.join(map(repr, titles)) or 'none'}"
        reason = f"lists no custom field titled {title!r}{hint}"
    error = CustomFieldError(reason, title=title)
    error.call = ALL.call
    raise error

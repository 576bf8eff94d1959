"""Changes of users to write."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from heymarket_async.checks import id_of, text_of
from heymarket_async.privacy import hides_locals


class UserChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Fields of a user to write; a field that is left out is not sent.

    Attributes:
        id: The user's id, as `users.find` shows it.
        first_name: First name.
        last_name: Last name.
        role_id: Its role; the values are not documented.

    Raises:
        ValueError: A field breaks its rule, or there is nothing to change.

    https://developers.heymarket.com/api-reference/users-update
    """

    id: int
    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    role_id: int | UnsetType = UNSET

    @hides_locals
    def __post_init__(self) -> None:
        id_of("id", self.id)
        for name in ("first_name", "last_name"):
            if (value := getattr(self, name)) is not UNSET:
                text_of(name, value)
        if self.role_id is not UNSET:
            id_of("role_id", self.role_id)
        if self.first_name is self.last_name is self.role_id is UNSET:
            raise ValueError("one of first_name, last_name and role_id is needed")

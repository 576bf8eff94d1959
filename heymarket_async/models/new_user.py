"""Changes of users to write."""

from __future__ import annotations

from heymarket_async.checks import id_of, text_of
from heymarket_async.models.by_name import ByName
from heymarket_async.privacy import hides_locals


class UserChanges(ByName, frozen=True, kw_only=True, omit_defaults=True):
    """Fields of a user to write. A field that is None is not sent.

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
    first_name: str | None = None
    last_name: str | None = None
    role_id: int | None = None

    @hides_locals
    def __post_init__(self) -> None:
        id_of("id", self.id)
        for name in ("first_name", "last_name"):
            if (value := getattr(self, name)) is not None:
                text_of(name, value)
        if self.role_id is not None:
            id_of("role_id", self.role_id)
        if (self.first_name, self.last_name, self.role_id) == (None, None, None):
            raise ValueError("one of first_name, last_name and role_id is needed")

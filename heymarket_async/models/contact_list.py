"""Lists of contacts, as answers show them."""

from __future__ import annotations

from heymarket_async.models.answered import Answered, Stamped


class ListTarget(Answered, frozen=True, kw_only=True, gc=False):
    """The name of someone on a list, under the server's short names.

    Attributes:
        f: First name.
        l: Last name.
    """

    f: str | None = None
    l: str | None = None  # noqa: E741 - the server's name


class ContactList(Stamped, frozen=True, kw_only=True, gc=False):
    """A list of contacts to broadcast to; a field that the server did not send is None.

    Attributes:
        id: Integer id. Sending calls it `list_id`.
        name: Its name, which is written as `title`.
        local_id: The id that its author gave it.
        targets: The people on it: their names by phone.

    https://developers.heymarket.com/api-reference/lists/overview
    """

    id: int | None = None
    name: str | None = None
    local_id: str | None = None
    targets: dict[str, ListTarget] | None = None
    team_id: int | None = None
    creator_id: int | None = None
    shared: bool | None = None
    archived: bool | None = None
    rev: int | None = None

"""Tags, as answers show them."""

from __future__ import annotations

from heymarket_async.models.answered import Stamped


class Tag(Stamped, frozen=True, kw_only=True, gc=False):
    """A tag of the account; a field that the server did not send is None.

    Attributes:
        id: Integer id, which the `tags` of a contact take.
        tag: Its label, the name that people see.
        color: Such as "#7B8794".

    https://developers.heymarket.com/api-reference/tags
    """

    id: int | None = None
    tag: str | None = None
    color: str | None = None
    team_id: int | None = None
    rev: int | None = None

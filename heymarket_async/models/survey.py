"""Surveys, as answers show them."""

from __future__ import annotations

from heymarket_async.models.answered import Stamped


class Survey(Stamped, frozen=True, kw_only=True, gc=False):
    """A survey; a field that the server did not send is None.

    Attributes:
        id: Integer id. Sending calls it `survey_id`.
        type: Its kind; the values are not documented.
        question: The question that it asks.

    https://developers.heymarket.com/api-reference/surveys
    """

    id: int | None = None
    name: str | None = None
    type: str | None = None
    question: str | None = None

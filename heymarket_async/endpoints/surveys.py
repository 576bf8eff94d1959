"""Surveys, which messages can ask."""

from __future__ import annotations

import msgspec

from heymarket_async.checks import limit_of
from heymarket_async.endpoints.group import Group
from heymarket_async.errors import (
    BadRequestError,
    NotFoundError,
    PaginationError,
    ServerError,
)
from heymarket_async.models.survey import Survey
from heymarket_async.request import Endpoint, Repeat
from heymarket_async.transport.account import bound_to_account

GET = Endpoint("GET", "/v1/survey/{id}", Survey, Repeat.READ, one=True, id_fields={"id": "id"})
PAGE = Endpoint("POST", "/v1/surveys", list[Survey], Repeat.READ)

_LIMIT = 30
"""The size of a page in all lists of the API that document one."""


class Surveys(Group):
    """Surveys: `client.surveys`."""

    async def get(self, survey_id: int) -> Survey:
        """Return a survey.

        Raises:
            NotFoundError: No survey has this id.

        https://developers.heymarket.com/api-reference/surveys
        """
        return await self._send(GET.request(id=survey_id))

    async def page(self, *, page: int = 1, limit: int | None = None) -> list[Survey]:
        """Return one page of surveys.

        Args:
            page: Number of the page; the first one is 1.
            limit: Surveys on the page; the default and the most are not documented.

        https://developers.heymarket.com/api-reference/surveys
        """
        body = {"page": limit_of(page, name="page"), "limit": limit_of(limit)}
        if body["page"] is None:
            raise ValueError("page must be an integer of at least 1")
        body = {name: value for name, value in body.items() if value is not None}
        return await self._send(PAGE.request(body=body))

    async def all(self) -> list[Survey]:
        """Return all surveys, each once: pages are asked for until one has nothing new.

        The pages have numbers. So if a survey is deleted meanwhile, another one may be missed. By
        the documentation, the first page is 1; page 0 is looked at too, in case it is another one.

        Raises:
            PaginationError: The first page came again, and so it did for other numbers: `page` has
                no effect, and surveys after that page cannot be read.

        https://developers.heymarket.com/api-reference/surveys
        """
        account = Surveys(bound_to_account(self._transport))
        found: dict[object, Survey] = {}
        number = 1
        while True:
            rows = await account.page(page=number, limit=_LIMIT)
            if not _by_id(rows).keys() - found.keys():
                break
            found |= _by_id(rows)
            number += 1
        if rows and len(found) > 1:
            # Some servers give the last page again for all numbers after it.
            second = await account.page(page=2, limit=1)
            if _by_id(second[:1]).keys() <= _by_id(rows[:1]).keys():
                raise _repeated(len(found))
        return list({**_by_id(await account._page_zero()), **found}.values())

    async def _page_zero(self) -> list[Survey]:
        """Return the page before the first one, which no server needs to have."""
        try:
            return await self._send(PAGE.request(body={"page": 0, "limit": _LIMIT}))
        except (BadRequestError, NotFoundError, ServerError):
            return []


def _by_id(rows: list[Survey]) -> dict[object, Survey]:
    return {each.id or msgspec.json.encode(each): each for each in rows}


def _repeated(seen: int) -> PaginationError:
    error = PaginationError("the first page came again, so `page` has no effect", seen=seen)
    error.call = PAGE.call
    return error

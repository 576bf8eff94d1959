"""Surveys, which messages can ask."""

from __future__ import annotations

import msgspec

from heymarket_async.checks import limit_of
from heymarket_async.endpoints.group import Group
from heymarket_async.errors import PaginationError
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

        The pages have numbers. So if a survey is deleted meanwhile, another one may be missed.

        Raises:
            PaginationError: A full page came again, so `page` has no effect, and the surveys after
                that page cannot be read.

        https://developers.heymarket.com/api-reference/surveys
        """
        account = Surveys(bound_to_account(self._transport))
        found: dict[object, Survey] = {}
        number = 0
        while True:
            number += 1
            rows = await account.page(page=number, limit=_LIMIT)
            before = len(found)
            for each in rows:
                found.setdefault(each.id or msgspec.json.encode(each), each)
            if len(found) > before:
                continue
            if len(rows) < _LIMIT:
                return list(found.values())
            raise _repeated(len(found))


def _repeated(seen: int) -> PaginationError:
    error = PaginationError("a full page came again, so `page` has no effect", seen=seen)
    error.call = PAGE.call
    return error

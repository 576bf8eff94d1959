"""Templates of messages."""

from __future__ import annotations

from datetime import datetime

from heymarket_async.checks import one_of
from heymarket_async.endpoints.listing import WholeListing
from heymarket_async.models.answered import Ref
from heymarket_async.models.new_template import NewTemplate
from heymarket_async.models.template import Template
from heymarket_async.request import Endpoint, Repeat

_BY_ID, _ID = "/v1/template/{id}", {"id": "id"}

CREATE = Endpoint("POST", "/v1/template", Ref, Repeat.UNSAFE)
GET = Endpoint("GET", _BY_ID, Template, Repeat.READ, one=True, id_fields=_ID)
UPDATE = Endpoint("PUT", _BY_ID, Ref, Repeat.IDEMPOTENT, id_fields=_ID)
DELETE = Endpoint("DELETE", _BY_ID, type(None), Repeat.IDEMPOTENT, id_fields=_ID)
PAGE = Endpoint("POST", "/v1/templates", list[Template], Repeat.READ)


class Templates(WholeListing[Template]):
    """Templates of messages: `client.templates`."""

    _list, _model, _surface, _can_grow = PAGE, Template, "templates", False

    async def create(self, template: NewTemplate) -> Ref:
        """Create a template, and return its id.

        It is not repeated once it may have been carried out, since that could make a second
        template. It then raises with `may_have_taken_effect`. Look at `page` before you try again.

        Raises:
            BadRequestError: A field is invalid.

        https://developers.heymarket.com/api-reference/templates/manage
        """
        one_of("template", template, NewTemplate)
        return await self._send(CREATE.request(body=template, about={}))

    async def get(self, template_id: int) -> Template:
        """Return a template.

        Raises:
            NotFoundError: No template has this id.

        https://developers.heymarket.com/api-reference/templates/manage
        """
        return await self._send(GET.request(id=template_id))

    async def update(self, template_id: int, template: NewTemplate) -> Ref:
        """Replace a template, and return its new revision.

        It is not documented whether fields that are left out are kept or emptied.

        Raises:
            NotFoundError: No template has this id.
            BadRequestError: A field is invalid.

        https://developers.heymarket.com/api-reference/templates/manage
        """
        one_of("template", template, NewTemplate)
        return await self._send(UPDATE.request(id=template_id, body=template))

    async def delete(self, template_id: int) -> None:
        """Delete a template.

        If an answer was lost and the repeated delete finds nothing, that is a success.

        Raises:
            NotFoundError: No template has this id.

        https://developers.heymarket.com/api-reference/templates/manage
        """
        await self._send(DELETE.request(id=template_id))

    async def page(self, *, date: datetime | str | None = None) -> list[Template]:
        """Return one page of at most 30 templates. Use `iterate` to get all of them.

        Args:
            date: Only templates that were updated before it; the newest ones if it is left out.

        https://developers.heymarket.com/api-reference/templates/overview
        """
        return await self._page({"date": date}, {"date": object}, Template)

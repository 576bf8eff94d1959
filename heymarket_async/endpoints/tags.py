"""Tags of contacts."""

from __future__ import annotations

import re

from heymarket_async.checks import one_of, text_of
from heymarket_async.endpoints.group import Group
from heymarket_async.models.answered import Ref
from heymarket_async.models.tag import Tag
from heymarket_async.request import Endpoint, Repeat

_BY_ID, _ID = "/v1/tag/{id}", {"id": "id"}

CREATE = Endpoint("POST", "/v1/tag", Ref, Repeat.UNSAFE)
GET = Endpoint("GET", _BY_ID, Tag, Repeat.READ, one=True, id_fields=_ID)
DELETE = Endpoint("DELETE", _BY_ID, type(None), Repeat.IDEMPOTENT, id_fields=_ID)
PAGE = Endpoint("POST", "/v1/tags", list[Tag], Repeat.READ)

_COLOR = re.compile(r"#[0-9A-Fa-f]{6}", re.ASCII)


class Tags(Group):
    """Tags of contacts: `client.tags`. There is no call that changes a tag."""

    async def create(self, label: str, *, color: str | None = None) -> Ref:
        """Create a tag, and return its id.

        Heymarket may take a second tag with the same label, so look with `resolve` first. A create
        is not repeated once it may have been carried out. It then raises with
        `may_have_taken_effect`: look again before you try again.

        Args:
            label: The name that people see.
            color: Such as "#7B8794"; Heymarket chooses one if it is left out.

        Raises:
            BadRequestError: A field is invalid.

        https://developers.heymarket.com/api-reference/tags
        """
        body = {"tag": text_of("label", label)}
        if color is not None:
            if _COLOR.fullmatch(one_of("color", color, str)) is None:
                raise ValueError('color must be "#" and six hexadecimal digits, such as "#7B8794"')
            body["color"] = color
        return await self._send(CREATE.request(body=body, about={}))

    async def get(self, tag_id: int) -> Tag:
        """Return a tag.

        Raises:
            NotFoundError: No tag has this id.

        https://developers.heymarket.com/api-reference/tags
        """
        return await self._send(GET.request(id=tag_id))

    async def delete(self, tag_id: int) -> None:
        """Delete a tag.

        If an answer was lost and the repeated delete finds nothing, that is a success.

        Raises:
            NotFoundError: No tag has this id.

        https://developers.heymarket.com/api-reference/tags
        """
        await self._send(DELETE.request(id=tag_id))

"""Tags of contacts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NoReturn

import msgspec

from heymarket_async.checks import list_of, one_of, spelling_hint, text_of
from heymarket_async.decoding.answer import as_model
from heymarket_async.endpoints.listing import WholeListing
from heymarket_async.errors import DecodeError, TagError
from heymarket_async.models.answered import Ref
from heymarket_async.models.tag import Tag
from heymarket_async.request import Endpoint, Repeat

_BY_ID, _ID = "/v1/tag/{id}", {"id": "id"}

CREATE = Endpoint("POST", "/v1/tag", Ref, Repeat.UNSAFE)
GET = Endpoint("GET", _BY_ID, Tag, Repeat.READ, one=True, id_fields=_ID)
DELETE = Endpoint("DELETE", _BY_ID, type(None), Repeat.IDEMPOTENT, id_fields=_ID)
PAGE = Endpoint("POST", "/v1/tags", list[Tag], Repeat.READ)

_COLOR = re.compile(r"#[0-9A-Fa-f]{6}", re.ASCII)


class Tags(WholeListing[Tag]):
    """Tags of contacts: `client.tags`. There is no call that changes a tag."""

    _list, _model, _surface, _can_grow = PAGE, Tag, "tags", False

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

    async def page(self, *, date: datetime | str | None = None) -> list[Tag]:
        """Return one page of at most 30 tags. Use `iterate` to get all of them.

        Args:
            date: Only tags that were updated before it; the newest ones if it is left out.

        https://developers.heymarket.com/api-reference/tags
        """
        return await self._page({"date": date}, {"date": object}, Tag)

    async def resolve(self, labels: Sequence[str]) -> dict[str, int]:
        """Return the ids of tags by label, such as {"VIP": 55}, for the `tags` of a contact.

        Labels are compared without case and doubled spaces. If several tags have a label, the
        oldest one counts, which has the lowest id. This asks for all tags each time.

        Args:
            labels: As they are to be keys of the result.

        Raises:
            TagError: No tag has a label.
            PaginationError: The tags cannot be listed without a gap.

        https://developers.heymarket.com/api-reference/tags
        """
        wanted = list_of("labels", labels, str)
        known = await ids_by_label(self)
        return {label: known.get(loose(label)) or _unknown(label, known) for label in wanted}


def loose(label: str) -> str:
    """Return the form in which labels are compared: without case and doubled spaces."""
    return " ".join(label.split()).casefold()


async def ids_by_label(tags: Tags) -> dict[str, int]:
    """Return the ids of all tags by `loose` label; the lowest id of those that share one.

    A tag without a label, or without an id of 64 bits, is left out.

    Raises:
        DecodeError: There are rows, and none of them is a tag.
        HeymarketError: The tags cannot be read, or not without a gap.
    """
    ids: dict[str, int] = {}
    has_rows = False
    # As they were sent, so that a row which cannot be read is noticed, and takes nothing with it.
    async for row in tags.iterate(returns=msgspec.Raw):
        has_rows = True
        tag = as_model(Tag, bytes(row)) or Tag()
        if tag.id is not None and 0 < tag.id < 2**63 and (label := loose(tag.tag or "")):
            ids[label] = min(tag.id, ids.get(label, tag.id))
    if has_rows and not ids:
        raise DecodeError("answered 200, but no row of the list is a tag", call=PAGE.call)
    return ids


def _unknown(label: str, known: Mapping[str, int]) -> NoReturn:
    hint = spelling_hint(loose(label), known)
    error = TagError(f"lists no tag labelled {label!r}{hint}", label=label)
    error.call = PAGE.call
    raise error

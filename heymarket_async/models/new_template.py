"""Templates to write."""

from __future__ import annotations

from heymarket_async.checks import one_of, text_of
from heymarket_async.models.by_name import ByName
from heymarket_async.models.template import GalleryEntry, TemplateContent, urls_of
from heymarket_async.privacy import hides_locals


class NewTemplate(ByName, frozen=True, kw_only=True, omit_defaults=True):
    """A template to create, or all of one to update. A field that is None is not sent.

    Attributes:
        title: Its name, which is read as `name`.
        content: Its text, and its pictures.
        local_id: An id of your own for it, which is read back.
        archived: Whether it is archived.

    Raises:
        ValueError: A field breaks its rule; the message names the field and the rule.

    https://developers.heymarket.com/api-reference/templates/manage
    """

    title: str
    content: TemplateContent
    local_id: str | None = None
    archived: bool | None = None

    @hides_locals
    def __post_init__(self) -> None:
        text_of("title", self.title)
        text_of("content.text", one_of("content", self.content, TemplateContent).text)
        urls_of("content.gallery", self.content.gallery, GalleryEntry)
        if self.local_id is not None:
            text_of("local_id", self.local_id)
        if self.archived is not None:
            one_of("archived", self.archived, bool)

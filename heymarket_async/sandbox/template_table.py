"""The templates of the account, and the texts that they become."""

import re
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from heymarket_async.sandbox.people import made_up
from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.record_table import Records, Titled
from heymarket_async.sandbox.records import Record

_TOKEN = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


class GalleryEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A picture of a template."""

    url: str | None = None
    original_url: str | None = None
    annotation_text: str | None = None
    annotation_position: str | None = None


class Content(Struct, frozen=True, kw_only=True):
    """The content of a template."""

    text: Annotated[str, Meta(min_length=1)]
    gallery: list[GalleryEntry] = msgspec.field(default_factory=list[GalleryEntry])


class TemplateRecord(Titled, kw_only=True):
    """A template as reads show it.

    https://developers.heymarket.com/api-reference/templates/overview
    """

    content: Content
    op: str = "create"


class Templates(Records[TemplateRecord]):
    """The templates of the account."""

    def __init__(self, readings: Readings, seed: int) -> None:
        seeded = [
            TemplateRecord(name=title, content=Content(text=text))
            for title, text in made_up().templates.items()
        ]
        super().__init__(TemplateRecord, readings, seed, first_id=601, seeded=seeded)

    def create(self, title: str, text: str, *, now_s: float = 0.0) -> int:
        """Store a new template and return its id.

        Args:
            title: Its title.
            text: Its text, which may hold tokens such as `{{first_name}}`.
            now_s: Seconds since 1970; it is never older than the newest template.
        """
        with self.lock:
            return self.put(TemplateRecord(name=title, content=Content(text=text)), now_s).id

    def text_for(
        self, template_id: int, contact: Record | None, fields: Mapping[int, str]
    ) -> str | None:
        """Return the text of a template for a contact; None: there is no such template.

        Args:
            template_id: The template's id.
            contact: Fills the tokens; None: they become empty.
            fields: The titles of the custom fields, by id.
        """
        row = self.by_id(template_id)
        return None if row is None else filled(self.record(row).content.text, contact, fields)


def filled(text: str, contact: Record | None, fields: Mapping[int, str]) -> str:
    """Put a contact's values in the place of `{{first_name}}` and the other tokens.

    A custom field is named by its title: `{{Renewal Date}}` or `{{renewal_date}}`. An unknown
    token stays.
    """
    values: dict[str, object] = {_name(title): "" for title in fields.values()}
    values |= {"first_name": "", "last_name": ""}
    if contact is not None:
        custom = contact.custom or {}
        values |= {_name(title): custom.get(str(key)) for key, title in fields.items()}
        values |= {"first_name": contact.first, "last_name": contact.last}

    def value(token: re.Match[str]) -> str:
        known = values.get(_name(token[1]), token[0])
        return "" if known is None or known is msgspec.UNSET else str(known)

    return _TOKEN.sub(value, text)


def _name(title: str) -> str:
    return title.casefold().replace(" ", "_")

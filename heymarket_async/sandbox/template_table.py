"""The templates of the account, and the texts that they become."""

import random
import re
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.records import TEAM_ID, Record
from heymarket_async.sandbox.table import Stored, Table

_TOKEN = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


class GalleryEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A picture of a template."""

    url: str | None = None
    original_url: str | None = None
    annotation_text: str | None = None
    annotation_position: str | None = None


class Content(Struct, frozen=True, kw_only=True):
    """The content of a template."""

    text: str
    gallery: list[GalleryEntry] = msgspec.field(default_factory=list[GalleryEntry])


class TemplateRecord(Struct, kw_only=True):
    """A template as reads show it; its title is called `name`.

    https://developers.heymarket.com/api-reference/templates/overview
    """

    id: int
    name: str
    local_id: str
    content: Content
    team_id: int = TEAM_ID
    creator_id: int
    shared: bool = True
    created: str
    updated: str
    rev: int = 1
    archived: bool = False
    op: str = "create"


class Templates(Table[Stored]):
    """The templates of the account."""

    def __init__(self, readings: Readings, seed: int) -> None:
        super().__init__(readings, random.Random(seed))  # noqa: S311 - no secret

    def record(self, row: Stored) -> TemplateRecord:
        """Return a template as a copy that can be changed."""
        return msgspec.json.decode(row.line, type=TemplateRecord)

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

"""Templates, and the content that is written and read in the same shape."""

from __future__ import annotations

from collections.abc import Sequence

from heymarket_async.checks import list_of, one_of, text_of
from heymarket_async.models.answered import Answered, Stamped


class GalleryEntry(Answered, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A picture of a template or a schedule. A field that is None is not sent.

    Attributes:
        url: URL of the picture.
        original_url: URL of the picture without the annotation.
        annotation_text: A text on the picture.
        annotation_position: The place of that text; its values are not documented.
    """

    url: str | None = None
    original_url: str | None = None
    annotation_text: str | None = None
    annotation_position: object = None


class TemplateContent(Answered, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The content of a template, to write or as it was read. A field that is None is not sent.

    Attributes:
        text: Its text, with tokens such as `{{first_name}}`, which Heymarket fills in.
        gallery: Its pictures.
    """

    text: str | None = None
    gallery: list[GalleryEntry] | None = None


def urls_of(name: str, files: Sequence[Answered] | None, kind: type[Answered]) -> list[str]:
    """Return the `url` of each file to write that has one.

    Raises:
        ValueError: The files are not a list, or one of them, or its `url`, has another type.
    """
    listed = [] if files is None else list_of(name, one_of(name, files, list), kind)
    urls = (getattr(each, "url", None) for each in listed)
    return [text_of(f"url of each of {name}", url) for url in urls if url]


class Template(Stamped, frozen=True, kw_only=True, gc=False):
    """A template; a field that the server did not send is None.

    Attributes:
        id: Integer id. Sending calls it `template_id`.
        name: Its name, which is written as `title`.
        local_id: The id that its author gave it.
        op: The last operation; its values are not documented.

    https://developers.heymarket.com/api-reference/templates/overview
    """

    id: int | None = None
    name: str | None = None
    local_id: str | None = None
    content: TemplateContent | None = None
    team_id: int | None = None
    creator_id: int | None = None
    shared: bool | None = None
    archived: bool | None = None
    rev: int | None = None
    op: str | None = None

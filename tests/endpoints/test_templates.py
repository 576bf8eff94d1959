"""`client.templates`: what is sent, and what is made of answers."""

from __future__ import annotations

import msgspec
import pytest

from heymarket_async import GalleryEntry, NewTemplate, Ref, TemplateContent

HELLO = TemplateContent(text="Hi {{first_name}}")
SHOWN = {
    "id": 31,
    "name": "Welcome",
    "content": {
        "text": "Hi {{first_name}}",
        "gallery": [{"url": "https://a.example/1.png", "annotation_position": 3, "new": 1}],
    },
    "archived": False,
    "updated": "2026-04-12T15:30:00.12345Z",
    "created": "0001-01-01T00:00:00Z",
    "unknown": 1,
}


async def test_a_template_is_created(client, heymarket):
    heymarket.answers({"id": 31, "rev": 1, "uuid": "april-reminders-2026"})
    template = NewTemplate(
        title="Welcome", content=HELLO, local_id="april-reminders-2026", archived=False
    )

    made = await client.templates.create(template)

    assert made == Ref(id=31, rev=1, uuid="april-reminders-2026")
    assert heymarket.sent.call == "POST /v1/template"
    assert heymarket.sent.body == {
        "title": "Welcome",
        "content": {"text": "Hi {{first_name}}"},
        "local_id": "april-reminders-2026",
        "archived": False,
    }


async def test_a_template_that_was_read_can_be_written_back(client, heymarket):
    heymarket.answers(SHOWN)
    template = await client.templates.get(31)
    heymarket.answers({"id": 31, "rev": 2})

    again = NewTemplate(title=template.name, content=template.content)
    assert await client.templates.update(31, again) == Ref(id=31, rev=2)

    read, written = heymarket.requests
    assert (read.call, written.call) == ("GET /v1/template/31", "PUT /v1/template/31")
    picture = {"url": "https://a.example/1.png", "annotation_position": 3}
    content = {"text": "Hi {{first_name}}", "gallery": [picture]}
    assert written.body == {"title": "Welcome", "content": content}
    assert template.content.gallery == [GalleryEntry(**picture)]
    assert (template.updated_at.microsecond, template.created_at) == (123450, None)


@pytest.mark.parametrize("body", ["ok", {"id": 31}, msgspec.UNSET])
async def test_a_template_is_deleted(body, client, heymarket):
    heymarket.answers(body)

    assert await client.templates.delete(31) is None

    assert heymarket.sent == ("DELETE /v1/template/31", {}, msgspec.UNSET)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title": ""}, "title must not be empty"),
        ({"title": None}, "title must be of type str"),
        ({"content": "Hi"}, "content must be of type TemplateContent"),
        ({"content": TemplateContent()}, r"content\.text must be of type str"),
        ({"content": TemplateContent(text=" ")}, r"content\.text must not be empty"),
        ({"local_id": ""}, "local_id must not be empty"),
        ({"archived": 1}, "archived must be of type bool"),
        ({"content": TemplateContent(text="a", gallery="b")}, r"content\.gallery must be of type"),
        ({"content": TemplateContent(text="a", gallery=["b"])}, r"each of content\.gallery must"),
    ],
)
def test_a_template_that_breaks_a_rule_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        NewTemplate(**{"title": "a", "content": HELLO, **fields})


async def test_only_a_template_can_be_written(client, heymarket):
    for call in (
        client.templates.create,
        lambda template: client.templates.update(31, template),
    ):
        with pytest.raises(ValueError, match="template must be of type NewTemplate"):
            await call({"title": "a"})

    assert not heymarket.requests

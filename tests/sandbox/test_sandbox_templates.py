from uuid import UUID

import pytest
from msgspec import UNSET

from heymarket_async.sandbox import Readings
from heymarket_async.sandbox.records import Record
from heymarket_async.sandbox.template_table import filled

SENT = {"title": "Hello", "content": {"text": "Hi {{first_name}}"}, "local_id": "april-2026"}
FIELDS = {123: "Plan", 456: "Renewal Date"}


async def test_a_template_is_created_shown_changed_and_deleted(serve):
    account = await serve()
    made = await account.ask("POST /v1/template", SENT)
    path = f"/v1/template/{made['id']}"
    template = await account.ask(f"GET {path}")
    assert (made["rev"], made["uuid"]) == (1, "april-2026")
    assert template.keys() == {
        *("id", "name", "local_id", "content", "team_id", "creator_id", "shared", "created"),
        *("updated", "rev", "archived", "op"),
    }
    assert (template["name"], template["content"]["text"]) == ("Hello", "Hi {{first_name}}")
    changed = {"title": "Bye", "content": {"text": "Bye"}, "archived": True}
    assert await account.ask(f"PUT {path}", changed) == {**made, "rev": 2}
    template = await account.ask(f"GET {path}")
    assert (template["name"], template["local_id"], template["archived"], template["op"]) == (
        *("Bye", "april-2026", True, "update"),
    )
    assert await account.ask(f"DELETE {path}") == "ok"
    assert await account.status(f"GET {path}") == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": {"text": "x"}}, "title"),
        ({"title": "", "content": {"text": "x"}}, "title"),
        ({"title": "x"}, "content"),
        ({"title": "x", "content": {}}, "content.text"),
        ({"title": "x", "content": {"text": ""}}, "content.text"),
        (
            {"title": "x", "content": {"text": "x", "gallery": [{"url": 5}]}},
            "content.gallery[0].url",
        ),
    ],
)
async def test_a_wrong_template_is_answered_400(serve, body, field):
    account = await serve()
    status, answer = await account.try_("POST /v1/template", body)
    assert (status, answer["message"].split(": ")[0]) == (400, field)
    assert await account.status("PUT /v1/template/601", body) == 400


async def test_templates_are_listed_in_pages_of_30_before_a_date(serve):
    account = await serve()
    seeded = len(account.sandbox.templates)
    for number in range(40):
        account.sandbox.templates.create(f"Template {number}", "Hi", now_s=2e9 + number)
    first = await account.ask("POST /v1/templates", {})
    rest = await account.ask("POST /v1/templates", {"date": first[-1]["updated"]})
    assert (len(first), len(rest)) == (30, 10 + seeded)
    assert first + rest == account.sandbox.templates.rows[::-1]


@pytest.mark.parametrize(
    ("reading", "status", "made"), [("create", 200, 2), ("return", 200, 1), ("reject", 409, 1)]
)
async def test_a_repeated_local_id_of_a_template(serve, reading, status, made):
    account = await serve(readings=Readings(template_local_id=reading))
    first = await account.ask("POST /v1/template", SENT)
    answered, second = await account.try_("POST /v1/template", {**SENT, "title": "Other"})
    ids = [row["id"] for row in account.sandbox.templates.rows if row["local_id"] == "april-2026"]
    assert (answered, len(ids)) == (status, made)
    if reading == "return":
        assert second == first


async def test_without_a_local_id_nothing_is_a_repeat(serve):
    account = await serve(readings=Readings(template_local_id="reject"))
    del (sent := dict(SENT))["local_id"]
    assert [await account.status("POST /v1/template", sent) for _ in range(2)] == [200, 200]


async def test_a_template_without_a_local_id_is_answered_with_a_uuid(serve):
    account = await serve()
    del (sent := dict(SENT))["local_id"]
    made = await account.ask("POST /v1/template", sent)
    assert str(UUID(made["uuid"])) == made["uuid"]


@pytest.mark.parametrize(("reading", "status"), [("create", 200), ("reject", 400)])
async def test_a_second_template_of_one_title(serve, reading, status):
    account = await serve(readings=Readings(duplicate_title=reading, template_local_id="return"))
    made = await account.ask("POST /v1/template", SENT)
    assert await account.ask("POST /v1/template", SENT) == made  # a repeat is none
    assert await account.status("POST /v1/template", {**SENT, "local_id": "other"}) == status
    assert await account.status(f"PUT /v1/template/{made['id']}", SENT) == 200
    assert await account.status("PUT /v1/template/601", SENT) == status


@pytest.mark.parametrize(
    ("contact", "text"),
    [
        (Record(id=1, first="Ann", last="Lee", custom={"123": 5}), "Ann Lee 5  {{else}}"),
        (Record(id=1, first=None, last=UNSET, custom={"456": "May"}), "   May {{else}}"),
        (Record(id=1), "    {{else}}"),
        (None, "    {{else}}"),
    ],
)
def test_tokens_become_values_of_the_contact(contact, text):
    template = "{{first_name}} {{ last_name }} {{Plan}} {{renewal_date}} {{else}}"
    assert filled(template, contact, FIELDS) == text


async def test_a_template_that_does_not_exist_has_no_text(serve):
    templates = (await serve()).sandbox.templates
    assert templates.text_for(5, None, {}) is None
    assert templates.text_for(601, None, {}) == "Hi , thanks for writing to us!"

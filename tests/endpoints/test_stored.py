"""Templates, lists, users and inboxes over a sandbox: written, read, listed and walked."""

from __future__ import annotations

import pytest

from heymarket_async import (
    ListChanges,
    NewList,
    NewTemplate,
    NotFoundError,
    Outcome,
    TemplateContent,
    UserChanges,
)
from heymarket_async.sandbox import Readings, Sandbox
from heymarket_async.sandbox.people import made_up
from tests.bulk.accounts import client_of


def template(number: int) -> NewTemplate:
    return NewTemplate(title=f"Template {number}", content=TemplateContent(text="Hi"))


MEMBERS = made_up().members


@pytest.mark.parametrize("uuid", ["local_id", "uuid", "absent"])
async def test_a_template_lives_until_it_is_deleted(uuid):
    readings = Readings(list_uuid=uuid)
    async with Sandbox(readings=readings) as sandbox, client_of(sandbox) as client:
        made = await client.templates.create(template(1))
        changed = await client.templates.update(made.id, template(2))
        found = await client.templates.get(made.id)
        await client.templates.delete(made.id)
        with pytest.raises(NotFoundError):
            await client.templates.get(made.id)

    assert (found.name, found.content.text, found.rev) == ("Template 2", "Hi", changed.rev)


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("precision", ["seconds", "microseconds"])
async def test_all_templates_and_lists_are_walked(precision, inclusive):
    readings = Readings(precision=precision, trim_zeros=True, inclusive=inclusive)
    async with Sandbox(readings=readings) as sandbox, client_of(sandbox) as client:
        for number in range(70):
            await client.templates.create(template(number))
            await client.lists.create(NewList(title=f"List {number}"))
        templates = [each.name async for each in client.templates.iterate()]
        lists = [each.name async for each in client.lists.iterate()]
        page = await client.lists.page()
        before = await client.templates.page(date="2100-01-01T00:00:00Z")
        with pytest.raises(ValueError, match="cursor"):
            client.lists.iterate(cursor=client.templates.iterate().cursor)

    assert len(page) == len(before) == 30
    for names, noun in ((templates, "Template"), (lists, "List")):
        assert len(names) == len(set(names))
        assert {f"{noun} {number}" for number in range(70)} <= set(names)


async def test_a_list_lives_until_it_is_deleted():
    async with Sandbox(contacts=3) as sandbox, client_of(sandbox) as client:
        one, two, _ = sandbox.store.contacts
        made = await client.lists.create(NewList(title="April", contacts=[one["id"]]))
        changes = ListChanges(title="May", add_phones=[f"+{two['phone']}"])
        changed = await client.lists.update(made.id, changes)
        found = await client.lists.get(made.id)
        await client.lists.update(made.id, ListChanges(remove_contacts=[one["id"]]))
        left = await client.lists.get(made.id)
        await client.lists.delete(made.id, contact_ids=[two["id"]])
        with pytest.raises(NotFoundError):
            await client.lists.get(made.id)

    assert (found.name, found.rev) == ("May", changed.rev)
    assert list(found.targets) == [one["phone"], two["phone"]]
    assert (found.targets[one["phone"]].f, found.odd) == (one["first"], {})
    assert list(left.targets) == [two["phone"]]


@pytest.mark.parametrize("shape", ["array", "wrapped"])
async def test_the_inboxes_and_the_team_are_read(shape):
    async with Sandbox(readings=Readings(inboxes=shape)) as sandbox, client_of(sandbox) as client:
        inboxes = await client.inboxes.all()
        team = await client.team.get()

    assert all(each.phone_digits.isdigit() and each.odd == {} for each in inboxes)
    assert {member for each in inboxes for member in each.members} <= {
        each.id for each in team.members
    }


@pytest.mark.parametrize("body", ["kept", "dropped"])
async def test_users_are_found_even_if_a_proxy_drops_the_question(body, caplog):
    readings = Readings(users_get_body=body)
    async with Sandbox(readings=readings) as sandbox, client_of(sandbox) as client:
        wanted, *others = MEMBERS
        found = await client.users.find(phones=[wanted.phone])
        by_email = await client.users.find(emails=[wanted.email])

    assert [each.id for each in found] == [each.id for each in by_email] == [wanted.id]
    assert len(caplog.records) == (2 if body == "dropped" and others else 0)


async def test_users_are_changed():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        user, *_ = MEMBERS
        (item,) = await client.users.update([UserChanges(id=user.id, first_name="Kim", role_id=3)])

    assert (item.outcome, item.stored.role_id) == (Outcome.STORED, 3)
    assert item.stored.name.startswith("Kim")

"""Things that are asked for by their id: an answer about another one, or none, is no answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from heymarket_async import (
    DecodeError,
    ListChanges,
    NewList,
    NewSchedule,
    NewTemplate,
    NotFoundError,
    ScheduleContent,
    TemplateContent,
)

TEMPLATE = NewTemplate(title="April", content=TemplateContent(text="Hi"))
SCHEDULE = NewSchedule(
    inbox_id=3,
    execute_at=datetime(2400, 1, 1, tzinfo=UTC),
    content=ScheduleContent(text="Hi"),
    list_id=6,
)

CREATES = {
    "templates": lambda client: client.templates.create(TEMPLATE),
    "lists": lambda client: client.lists.create(NewList(title="April")),
    "schedules": lambda client: client.schedules.create(SCHEDULE),
    "tags": lambda client: client.tags.create("VIP"),
}
UPDATES = {
    "templates": lambda client: client.templates.update(31, TEMPLATE),
    "lists": lambda client: client.lists.update(31, ListChanges(title="May")),
    "schedules": lambda client: client.schedules.update(31, SCHEDULE),
}
READS = ["templates", "lists", "schedules", "tags", "surveys"]
DELETES = ["templates", "lists", "schedules", "tags"]


@pytest.mark.parametrize("group", READS)
async def test_another_thing_is_no_answer(group, client, heymarket):
    heymarket.answers({"id": 32, "name": "April", "tag": "April"})

    with pytest.raises(DecodeError, match="it is about another id than was asked for"):
        await getattr(client, group).get(31)


@pytest.mark.parametrize("sent", [{}, None, []])
@pytest.mark.parametrize("group", READS)
async def test_nothing_is_not_found(group, sent, client, heymarket):
    heymarket.answers(sent)

    with pytest.raises(NotFoundError):
        await getattr(client, group).get(31)


@pytest.mark.parametrize("sent", [{"error": "no such thing"}, {"name": "April"}, "ok", {"id": 0}])
@pytest.mark.parametrize("group", READS)
async def test_an_answer_that_names_nothing_is_an_error(group, sent, client, heymarket):
    heymarket.answers(sent)

    with pytest.raises(DecodeError):
        await getattr(client, group).get(31)


@pytest.mark.parametrize("group", DELETES)
async def test_a_delete_of_another_thing_may_have_taken_effect(group, client, heymarket):
    heymarket.answers({"id": 32, "deleted": True})

    with pytest.raises(DecodeError, match="it is about another id") as raised:
        await getattr(client, group).delete(31)

    assert raised.value.may_have_taken_effect


@pytest.mark.parametrize("group", UPDATES)
async def test_an_update_of_another_thing_may_have_taken_effect(group, client, heymarket):
    heymarket.answers({"id": 32, "rev": 2})

    with pytest.raises(DecodeError, match="it is about another id") as raised:
        await UPDATES[group](client)

    assert raised.value.may_have_taken_effect


@pytest.mark.parametrize("sent", [{"id": 0}, {"id": -1}, {"rev": 1}, {"id": "x"}, "ok", {}])
@pytest.mark.parametrize("group", CREATES)
async def test_a_create_without_an_id_may_have_taken_effect(group, sent, client, heymarket):
    heymarket.answers(sent)

    with pytest.raises(DecodeError) as raised:
        await CREATES[group](client)

    assert raised.value.may_have_taken_effect


@pytest.mark.parametrize("group", READS)
@pytest.mark.parametrize("number", [0, -1, "31", True, None, 1.5])
async def test_an_id_that_is_none_is_named_in_the_error(group, number, client, heymarket):
    with pytest.raises(ValueError, match=f"{group[:-1]}_id must be a positive integer"):
        await getattr(client, group).get(number)

    assert not heymarket.requests

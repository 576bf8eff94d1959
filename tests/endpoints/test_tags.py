"""`client.tags`: what is sent, and ids of tags by label."""

from __future__ import annotations

import msgspec
import pytest

from heymarket_async import (
    HeymarketError,
    NotFoundError,
    PermissionDeniedError,
    Ref,
    Tag,
    TagError,
)
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.accounts import client_of

LIST = "POST /v1/tags"


async def test_a_tag_is_created(client, heymarket):
    heymarket.answers({"id": 55, "rev": 1, "uuid": 5})

    made = await client.tags.create("VIP", color="#7B8794")

    assert heymarket.sent == ("POST /v1/tag", {}, {"tag": "VIP", "color": "#7B8794"})
    assert (made.id, made.uuid, made.odd) == (55, None, {"uuid": 5})


@pytest.mark.parametrize(
    ("label", "color", "message"),
    [
        ("", None, "label must not be empty"),
        (" ", None, "label must not be empty"),
        (5, None, "label must be of type str"),
        ("VIP", "red", 'color must be "#"'),
        ("VIP", "#12345", 'color must be "#"'),
        ("VIP", "#1234567", 'color must be "#"'),
        ("VIP", 5, "color must be of type str"),
    ],
)
async def test_a_tag_that_breaks_a_rule_is_refused(label, color, message, client, heymarket):
    with pytest.raises(ValueError, match=message):
        await client.tags.create(label, color=color)

    assert not heymarket.requests


async def test_a_page_of_tags_is_asked_for(client, heymarket):
    heymarket.answers([{"id": 55, "tag": "VIP", "color": "#7B8794", "updated": "x"}])

    (tag,) = await client.tags.page(date="2026-04-12T15:30:00.12345Z")

    assert heymarket.sent == (LIST, {}, {"date": "2026-04-12T15:30:00.12345Z"})
    assert tag == Tag(id=55, tag="VIP", color="#7B8794", updated="x")
    with pytest.raises(ValueError, match="date must be an RFC 3339 timestamp"):
        await client.tags.page(date="yesterday")


async def test_a_tag_lives_until_it_is_deleted():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        made = await client.tags.create("Gold", color="#FFD700")
        tag = await client.tags.get(made.id)
        listed = [each.tag async for each in client.tags.iterate()]
        await client.tags.delete(made.id)
        with pytest.raises(NotFoundError):
            await client.tags.get(made.id)

    assert (tag.id, tag.tag, tag.color) == (made.id, "Gold", "#FFD700")
    assert tag.updated_at is not None
    assert "Gold" in listed


async def test_a_delete_that_finds_nothing_after_a_lost_answer_is_done():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        sandbox.faults.reset(on="DELETE /v1/tag/{id}", after_write=True)

        assert await client.tags.delete(55) is None
        with pytest.raises(NotFoundError):
            await client.tags.delete(55)


async def test_labels_become_ids():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        key = sandbox.tags.create("Early   adopters")
        ids = await client.tags.resolve(["vip", "EARLY adopters", "VIP "])

        assert ids == {"vip": 55, "EARLY adopters": key, "VIP ": 55}
        assert await client.tags.resolve([]) == {}


@pytest.mark.parametrize("newest_first", [False, True])
async def test_the_oldest_of_two_tags_of_one_label_counts(newest_first):
    readings = Readings(newest_first=newest_first)
    async with Sandbox(readings=readings) as sandbox, client_of(sandbox) as client:
        first = sandbox.tags.create("Gold")
        sandbox.tags.create("gold ")

        assert await client.tags.resolve(["GOLD"]) == {"GOLD": first}


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("Vipp", f"{LIST} lists no tag labelled 'Vipp'; did you mean 'vip'?"),
        ("Something else", f"{LIST} lists no tag labelled 'Something else'"),
        ("", f"{LIST} lists no tag labelled ''"),
    ],
)
async def test_a_label_that_no_tag_has_raises(label, message):
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        with pytest.raises(TagError) as raised:
            await client.tags.resolve(["VIP", label])

    assert (str(raised.value), raised.value.label) == (message, label)


@pytest.mark.parametrize("labels", ["VIP", None, [5], {"VIP": 1}])
async def test_labels_that_are_no_list_of_texts_are_refused(labels, client, heymarket):
    with pytest.raises(ValueError, match="labels must be"):
        await client.tags.resolve(labels)

    assert not heymarket.requests


@pytest.mark.parametrize("body", [{"error": "x"}, [{"error": "x"}], [None]])
async def test_tags_that_cannot_be_read_resolve_to_nothing(body, client, heymarket):
    heymarket.answers(body)

    with pytest.raises(HeymarketError) as raised:
        await client.tags.resolve(["VIP"])

    assert not isinstance(raised.value, TagError)


async def test_without_the_right_to_read_tags_resolve_raises():
    async with Sandbox() as sandbox, client_of(sandbox) as client:
        sandbox.faults.answer(403, on=LIST, times=None)
        with pytest.raises(PermissionDeniedError):
            await client.tags.resolve(["VIP"])


async def test_a_uuid_need_not_be_one(client, heymarket):
    heymarket.answers({"id": 55, "rev": 2, "uuid": "april-reminders-2026"})

    assert await client.tags.create("April") == Ref(id=55, rev=2, uuid="april-reminders-2026")
    assert msgspec.to_builtins(Ref(id=55)) == {"id": 55, "rev": None, "uuid": None}

"""Walks over messages and conversations: nothing lost, and nothing twice but what has moved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest

from heymarket_async import Conversation, Message, PaginationError
from heymarket_async.sandbox import Readings
from tests.endpoints.texting import (
    INBOX,
    MEMBER,
    OTHER_INBOX,
    PHONE,
    Texting,
    text,
    texting,
)

BOTH: dict[str, Any] = {"inboxes": [OTHER_INBOX, INBOX]}
PAGE = "POST /v1/conversations"


class LovedMessage(Message, frozen=True, kw_only=True):
    hearts: int | None = None


def ids(rows: Any) -> list[int]:
    return [each["id"] if isinstance(each, dict) else each.id for each in rows]


# Messages


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("ties", [1, 150])
async def test_each_message_comes_once(ties, inclusive):
    readings = Readings(inclusive=inclusive)
    async with texting(readings, messages=700, ties=ties) as it:
        found = ids([message async for message in it.messages.iterate()])

        assert len(found) == 700
        assert sorted(found) == ids(it.sandbox.messages.rows)


async def test_a_message_that_comes_during_a_walk_does_not_disturb_it():
    async with texting(messages=200) as it:
        stored, found = ids(it.sandbox.messages.rows), list[int | None]()

        async for page in it.messages.iterate(limit=30).pages():
            found += ids(page)
            it.sandbox.customer.text(PHONE, "Hi")

        assert found == stored[::-1]


async def test_a_list_whose_cursor_is_a_lower_bound_is_walked_or_raises():
    async with texting(Readings(messages_cursor="after"), messages=200) as it:
        with pytest.raises(PaginationError) as raised:
            async for _ in it.messages.iterate():
                pass

        assert raised.value.cursor


async def test_a_walk_over_messages_is_resumed_from_its_cursor():
    async with texting(messages=150) as it:
        walk = it.messages.iterate()
        first = [(await anext(walk)).id for _ in range(40)]

        rest = ids([message async for message in it.messages.iterate(cursor=walk.cursor)])

        assert first + rest == ids(it.sandbox.messages.rows)[::-1]
        with pytest.raises(ValueError, match="cursor belongs to surface 'messages'"):
            it.client.contacts.iterate(cursor=walk.cursor)


async def test_a_page_of_messages_has_the_newest_and_then_those_before():
    async with texting(messages=100) as it:
        stored = ids(it.sandbox.messages.rows)[::-1]

        first = await it.messages.page()
        second = await it.messages.page(created_at=first[-1].date, limit=10, order="created_at")
        oldest = await it.messages.page(ascending=True, page=1, limit=1, returns=LovedMessage)

        assert ids(first) == stored[:30]
        assert ids(second) == stored[30:40]
        assert [type(each) for each in oldest] == [LovedMessage]
        assert ids(oldest) == stored[-1:]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"limit": 0}, "limit must be an integer of at least 1"),
        ({"created_at": "yesterday"}, "created_at must be an RFC 3339 timestamp"),
        ({"date": "yesterday"}, "date must be an RFC 3339 timestamp"),
        ({"order": 5}, "order must be of type str"),
        ({"parent_id": "5"}, "parent_id must be of type int"),
    ],
)
async def test_a_page_of_messages_that_cannot_be_right_is_refused(query, problem):
    async with texting() as it:
        with pytest.raises(ValueError, match=problem):
            await it.messages.page(**query)
        with pytest.raises(TypeError, match="unexpected keyword argument 'before'"):
            await it.messages.page(before="2026-04-12T15:30:00Z")


async def test_a_page_of_messages_takes_what_the_documentation_lists():
    async with texting(messages=40) as it:
        date = it.sandbox.messages.rows[20]["date"]
        others = {"archived": False, "assigned": 4201, "filter": "ALL", "id": 1, "parent_id": 5}

        found = await it.messages.page(date=datetime.fromisoformat(date), **others)

        assert ids(found) == ids(it.sandbox.messages.rows[:20])[::-1]
        (body,) = it.sent("POST /v1/messages/all")
        assert datetime.fromisoformat(body.pop("date")) == datetime.fromisoformat(date)
        assert body == others


# Conversations


@pytest.mark.parametrize("ties", [1, 150])
@pytest.mark.parametrize(("limit", "shape"), [(30, "ids"), (7, "mixed")])
async def test_each_conversation_comes_once(limit, shape, ties):
    readings = Readings(conversation_shape=shape, default_limit=limit)
    async with texting(readings, contacts=150, messages=600, ties=ties) as it:
        rows = [each async for each in it.client.conversations.iterate(**BOTH)]

        assert sorted(ids(rows)) == sorted(ids(it.sandbox.conversations.rows))
        assert len(rows) > 60
        assert {each.inbox_id for each in rows} == {INBOX, OTHER_INBOX}
        assert all(each.updated_at for each in rows)


async def test_filters_are_sent_on_every_page():
    async with texting(contacts=150, messages=600) as it:
        filters: dict[str, Any] = {
            "inboxes": [INBOX],
            "user_id": MEMBER,
            "closed": False,
            "unread": False,
        }

        rows = [each async for each in it.client.conversations.iterate(**filters)]

        assert {(each.inbox_id, each.status) for each in rows} == {(INBOX, "open")}
        for body in it.sent(PAGE):
            sent = {"inboxes": [INBOX], "closed": False, "unread": False}
            assert (body["id"], body["filters"]) == (MEMBER, sent)


async def test_a_conversation_that_moves_comes_again_or_is_found_by_a_second_walk():
    async with texting(contacts=150, messages=600) as it:
        given = list[Conversation]()
        async for page in it.client.conversations.iterate(**BOTH).pages():
            given += page
            oldest = it.sandbox.conversations.rows[0]
            it.sandbox.customer.text(oldest["target"], "Hi", oldest["inbox"])

        newest = given[0].updated
        async for each in it.client.conversations.iterate(**BOTH):
            if each.updated == newest:
                break
            given.append(each)

        assert set(ids(given)) == set(ids(it.sandbox.conversations.rows))


async def test_a_cursor_is_bound_to_its_filters():
    async with texting(contacts=150, messages=600) as it:
        walk = it.client.conversations.iterate(**BOTH)
        first = await anext(walk)

        again = it.client.conversations.iterate(inboxes=[INBOX, OTHER_INBOX], cursor=walk.cursor)
        rest = ids([each async for each in again])

        assert sorted([first.id, *rest]) == sorted(ids(it.sandbox.conversations.rows))
        for other in ({"inboxes": [INBOX]}, {**BOTH, "closed": True}, {**BOTH, "user_id": MEMBER}):
            with pytest.raises(ValueError, match="cursor belongs to surface"):
                it.client.conversations.iterate(**other, cursor=walk.cursor)


async def test_a_page_of_conversations_has_the_last_updated_first():
    async with texting(contacts=150, messages=600) as it:
        stored = ids(it.sandbox.conversations.rows)[::-1]

        first = await it.client.conversations.page(**BOTH)
        second = await it.client.conversations.page(**BOTH, date=first[-1].updated)
        raw = await it.client.conversations.page(**BOTH, returns=msgspec.Raw)

        assert ids([*first, *second]) == stored[:60]
        assert len(raw) == 30


@pytest.mark.parametrize(
    ("filters", "problem"),
    [
        ({"inboxes": []}, "inboxes must be a list of at least one id"),
        ({"inboxes": 301}, "inboxes must be a list"),
        ({"inboxes": [0]}, "each of inboxes must be a positive integer"),
        ({**BOTH, "user_id": -1}, "user_id must be an integer of at least 0"),
        ({**BOTH, "user_id": "1"}, "user_id must be an integer of at least 0"),
        ({**BOTH, "closed": 1}, "closed must be of type bool"),
        ({**BOTH, "date": "yesterday"}, "date must be an RFC 3339 timestamp"),
    ],
)
async def test_filters_that_cannot_be_right_are_refused(filters, problem):
    async with texting() as it:
        with pytest.raises(ValueError, match=problem):
            await it.client.conversations.page(**filters)
        with pytest.raises(ValueError, match=problem):
            it.client.conversations.iterate(**filters)


# The search for a message that was sent to a conversation or a group


@pytest.mark.parametrize("ties", [1, 150])
@pytest.mark.parametrize("kind", ["chat_id", "targets"])
@pytest.mark.parametrize("after_write", [False, True])
async def test_a_message_to_a_conversation_or_a_group_is_looked_for(after_write, kind, ties):
    readings = Readings(local_id_dedupes="none")
    async with texting(readings, messages=300, ties=ties) as it:
        target = await a_target(it, kind)
        it.faults.reset(on="POST /v1/message/send", after_write=after_write)
        message = text("Again", **target)

        sent = await it.messages.send_once(message, wait_s=0.02)

        received = [each for each in it.sandbox.outbox if each.text == "Again"]
        assert {each.id for each in received} == {sent.id}
        assert len(received) == (1 if kind == "chat_id" else 2)
        assert await it.messages.find_sent(text(**target)) is None


async def a_target(it: Texting, kind: str) -> dict[str, Any]:
    if kind == "targets":
        return {"targets": [PHONE, "14155550124"]}
    return {"chat_id": (await it.messages.send(text())).convo_id}


async def test_a_search_ends_with_the_last_message_of_the_account():
    async with texting() as it:
        await it.messages.send(text())

        assert await it.messages.find_sent(text(chat_id=50_001)) is None


async def test_a_list_that_begins_with_the_oldest_says_unknown():
    async with texting(messages=40) as it:
        rows = it.sandbox.messages.rows[:5]
        it.faults.answer(200, on="POST /v1/messages/all", body=rows)

        with pytest.raises(PaginationError, match="lists the oldest messages first"):
            await it.messages.find_sent(text(chat_id=50_001))


@pytest.mark.parametrize(
    ("filters", "problem"),
    [
        ({}, r"missing 1 required keyword-only argument: 'inboxes'"),
        ({**BOTH, "limit": 5}, r"got an unexpected keyword argument 'limit'"),
    ],
)
async def test_arguments_that_calls_of_conversations_do_not_have_are_refused(filters, problem):
    async with texting() as it:
        with pytest.raises(TypeError, match=rf"Conversations\.page\(\) {problem}"):
            await it.client.conversations.page(**filters)
        with pytest.raises(TypeError, match=rf"Conversations\.iterate\(\) {problem}"):
            it.client.conversations.iterate(**filters)


@pytest.mark.parametrize("group", ["contacts", "contacts_v2", "messages", "templates", "tags"])
@pytest.mark.parametrize("argument", ["created_at", "page"])
async def test_a_walk_refuses_arguments_that_it_does_not_have(group, argument):
    async with texting() as it:
        iterate = getattr(it.client, group).iterate
        with pytest.raises(TypeError, match=f"iterate.. got an unexpected .* '{argument}'"):
            iterate(**{argument: "2026-04-12T15:30:00Z"})

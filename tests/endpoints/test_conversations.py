"""`client.conversations`: read, opened, closed, marked and handed on."""

from __future__ import annotations

from typing import Any

import pytest

from heymarket_async import BadRequestError, DecodeError, NotFoundError
from heymarket_async.sandbox import Readings
from tests.endpoints.texting import (
    INBOX,
    MEMBER,
    OTHER_INBOX,
    OTHER_MEMBER,
    PHONE,
    Texting,
    text,
    texting,
)

US: dict[str, Any] = {"inbox_id": INBOX, "user_id": MEMBER}
REASSIGN, TRANSFER = "POST /v1/conversations/reassign", "POST /v1/conversations/transfer"


async def chat(it: Texting, *phones: str) -> int:
    """Begin a conversation, and return its id."""
    target = {"targets": phones} if phones else {}
    sent = await it.messages.send(text(**target))
    assert sent.convo_id is not None
    return sent.convo_id


@pytest.mark.parametrize("shape", ["ids", "objects"])
async def test_a_conversation_is_read_in_both_documented_shapes(shape):
    async with texting(Readings(conversation_shape=shape)) as it:
        number = await chat(it)
        await it.client.conversations.reassign(**US, target=PHONE, reassign_id=OTHER_MEMBER)

        found = await it.client.conversations.get(number)

        assert (found.id, found.inbox_id, found.assigned_id) == (number, INBOX, OTHER_MEMBER)
        assert found.read == 1
        assert found.snooze_till_at is None


async def test_a_conversation_that_is_not_there_is_not_found():
    async with texting() as it:
        with pytest.raises(NotFoundError):
            await it.client.conversations.get(999)
        with pytest.raises(ValueError, match="conversation_id must be a positive integer"):
            await it.client.conversations.get(0)


async def test_an_answer_about_another_conversation_is_not_believed():
    async with texting() as it:
        number = await chat(it)
        it.faults.answer(200, on="GET /v1/conversations/{id}", body={"id": number + 1})

        with pytest.raises(DecodeError, match="another id than was asked for"):
            await it.client.conversations.get(number)


@pytest.mark.parametrize("named", ["chat_id", "target", "targets"])
async def test_a_conversation_is_closed_and_opened_by_its_id_or_its_other_side(named):
    async with texting() as it:
        group = [PHONE, "14155550124"]
        number = await chat(it, *(group if named == "targets" else []))
        which = {"chat_id": number, "target": f"+{PHONE}", "targets": group}[named]

        await it.client.conversations.close(**US, **{named: which})
        closed = await it.client.conversations.get(number)
        await it.client.conversations.open(**US, **{named: which})
        opened = await it.client.conversations.get(number)

        assert (closed.status, opened.status) == ("closed", "open")


async def test_a_conversation_is_marked():
    async with texting() as it:
        number = await chat(it)

        await it.client.conversations.mark_unread(**US, target=PHONE)
        unread = await it.client.conversations.get(number)
        await it.client.conversations.mark_read(**US, target=PHONE)
        read = await it.client.conversations.get(number)

        assert (unread.read, unread.unread_users) == (0, [MEMBER])
        assert (read.read, read.unread_users) == (1, [])


async def test_a_conversation_moves_to_another_inbox():
    async with texting() as it:
        number = await chat(it)

        await it.client.conversations.transfer(number, inbox_id=OTHER_INBOX)

        assert (await it.client.conversations.get(number)).inbox_id == OTHER_INBOX


async def test_a_write_is_repeated_after_a_lost_answer():
    async with texting() as it:
        number = await chat(it)
        it.faults.reset(on="POST /v1/conversations/close", after_write=True)

        await it.client.conversations.close(**US, chat_id=number)

        assert len(it.sent("POST /v1/conversations/close")) == 2


@pytest.mark.parametrize("route", [REASSIGN, TRANSFER])
async def test_a_repeat_that_is_refused_since_the_first_was_carried_out_is_flagged(route):
    async with texting(Readings(reassign_repeat="refused")) as it:
        number = await chat(it)
        it.faults.reset(on=route, after_write=True)

        with pytest.raises(BadRequestError) as raised:
            if route == REASSIGN:
                await it.client.conversations.reassign(**US, target=PHONE, reassign_id=OTHER_MEMBER)
            else:
                await it.client.conversations.transfer(number, inbox_id=OTHER_INBOX)

        assert raised.value.may_have_taken_effect
        found = await it.client.conversations.get(number)
        assert (found.assigned_id, found.inbox_id) == (
            (OTHER_MEMBER, INBOX) if route == REASSIGN else (0, OTHER_INBOX)
        )


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        ({}, "exactly one of chat_id, target and targets"),
        ({"chat_id": 5, "target": PHONE}, "exactly one of chat_id, target and targets"),
        ({"targets": []}, "exactly one of chat_id, target and targets"),
        ({"targets": PHONE}, "targets must be a list"),
        ({"targets": [PHONE, " "]}, "each of targets must be E.164 digits"),
        ({"chat_id": "5"}, "chat_id must be a positive integer"),
        ({"target": 5}, "target must be text, such as"),
        ({"target": "(415) 555-0123"}, "target must be E.164 digits"),
        ({"target": "١٤١٥٥٥٥٠١٢٣"}, "target must be E.164 digits"),
        ({"target": PHONE, "inbox_id": 0}, "inbox_id must be a positive integer"),
        ({"target": PHONE, "user_id": None}, "user_id must be a positive integer"),
    ],
)
@pytest.mark.parametrize("method", ["open", "close"])
async def test_a_conversation_is_named_in_one_way(method, named, problem):
    async with texting() as it:
        with pytest.raises(ValueError, match=problem):
            await getattr(it.client.conversations, method)(**{**US, **named})

        assert not it.sandbox.requests


@pytest.mark.parametrize("method", ["mark_read", "mark_unread", "reassign"])
async def test_a_conversation_without_its_other_side_is_refused(method):
    extra = {"reassign_id": OTHER_MEMBER} if method == "reassign" else {}
    async with texting() as it:
        with pytest.raises(ValueError, match="exactly one of target and targets"):
            await getattr(it.client.conversations, method)(**US, **extra)


async def test_an_address_stays_as_it_is():
    async with texting() as it:
        with pytest.raises(NotFoundError):
            await it.client.conversations.close(**US, target="+a@example.com")

        assert it.sent("POST /v1/conversations/close")[0]["target"] == "+a@example.com"


@pytest.mark.parametrize("form", ["text", "int"])
@pytest.mark.parametrize("group", ["messages", "conversations"])
async def test_a_count_is_read_as_a_number_or_a_text(group, form):
    async with texting(Readings(chat_counts=form), messages=40) as it:
        rows = getattr(it.sandbox, group).rows
        counted = getattr(it.client, group).count

        assert await counted() == len(rows) > 1
        assert await counted(date="2020-01-01T00:00:00Z") == 0


@pytest.mark.parametrize("group", ["messages", "conversations"])
async def test_a_count_without_a_number_is_not_zero(group):
    async with texting(Readings(chat_counts="empty"), messages=40) as it:
        with pytest.raises(DecodeError):
            await getattr(it.client, group).count()

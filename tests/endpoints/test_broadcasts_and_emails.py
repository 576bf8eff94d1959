"""Broadcasts and e-mails are repeated with the same `local_id`, and reach nobody twice."""

from __future__ import annotations

from typing import Any

import pytest

from heymarket_async import BadRequestError, NewBroadcast, NewEmail, ServerError, StatusError
from heymarket_async.sandbox import Readings
from tests.bulk.importing.imports import client_of
from tests.endpoints.texting import INBOX, MEMBER, SEND, Texting, texting

EMAIL = "POST /v1/email/send"
PHONES = ["14155550123", "14155550124"]


async def list_of_two(it: Texting) -> int:
    made = await it.client.request(
        "POST",
        "/v2/lists",
        body={"title": "Two", "local_id": "two", "phones": PHONES},
        returns=dict[str, Any],
    )
    return int(made["id"])


async def broadcast(it: Texting, **fields: Any) -> NewBroadcast:
    content = {"list_id": await list_of_two(it), "text": "Hi", "local_id": "april", **fields}
    return NewBroadcast(inbox_id=INBOX, creator_id=MEMBER, **content)


def email(**fields: Any) -> NewEmail:
    target = {} if "convo_id" in fields else {"to": ["a@example.com"]}
    return NewEmail(inbox_id=INBOX, creator_id=MEMBER, text="<p>Hi</p>", **{**target, **fields})


READINGS = [
    Readings(local_id_dedupes="lists", local_id_repeat_answer=each)
    for each in ("first", "conflict")
]


@pytest.mark.parametrize("readings", READINGS)
async def test_a_broadcast_whose_answer_was_lost_reaches_each_member_once(readings):
    async with texting(readings) as it:
        it.faults.answer(500, on=SEND, after_write=True)
        new = await broadcast(it)

        sent = await it.messages.broadcast(new)

        assert [each.phone for each in it.sandbox.outbox] == PHONES
        assert {body["local_id"] for body in it.sent(SEND)} == {new.local_id}
        assert sent.local_id == new.local_id
        assert (sent.id is None) is (readings.local_id_repeat_answer == "conflict")


@pytest.mark.parametrize("readings", READINGS)
async def test_an_email_whose_answer_was_lost_is_sent_once(readings):
    async with texting(readings) as it:
        it.faults.reset(on=EMAIL, after_write=True)
        new = email()

        sent = await it.client.emails.send(new)

        assert [each.phone for each in it.sandbox.outbox] == ["a@example.com"]
        assert {body["local_id"] for body in it.sent(EMAIL)} == {new.local_id}
        assert sent.local_id == new.local_id


async def test_a_local_id_that_was_used_before_by_somebody_else_is_an_error():
    async with texting(READINGS[1]) as it, client_of(it.sandbox) as other:
        new = email()
        await other.emails.send(new)

        with pytest.raises(StatusError, match="answered 409") as raised:
            await it.client.emails.send(new)

        assert raised.value.local_id == new.local_id
        assert raised.value.may_have_taken_effect


@pytest.mark.parametrize("readings", READINGS)
async def test_a_second_call_after_an_unknown_broadcast_is_a_success(readings):
    async with texting(readings) as it:
        new = await broadcast(it)
        it.faults.answer(500, on=SEND, times=3, after_write=True)
        with pytest.raises(ServerError) as raised:
            await it.messages.broadcast(new)
        assert raised.value.may_have_taken_effect

        assert (await it.messages.broadcast(new)).local_id == new.local_id
        assert [each.phone for each in it.sandbox.outbox] == PHONES


async def test_a_second_call_returns_the_result_of_the_first():
    async with texting(Readings(local_id_dedupes="none")) as it:
        new, mail = await broadcast(it), email()
        sent, mailed = await it.messages.broadcast(new), await it.client.emails.send(mail)

        assert await it.messages.broadcast(new) == sent
        assert await it.client.emails.send(mail) == mailed
        assert len(it.sandbox.outbox) == 3


async def test_another_refusal_of_a_repeat_is_an_error_and_does_not_make_it_certain():
    async with texting() as it:
        new = await broadcast(it)
        it.faults.reset(on=SEND)
        it.faults.answer(400, on=SEND)

        with pytest.raises(BadRequestError) as raised:
            await it.messages.broadcast(new)

        assert raised.value.may_have_taken_effect
        assert raised.value.local_id == new.local_id


async def test_a_broadcast_that_fails_for_good_has_its_local_id():
    async with texting() as it:
        new = await broadcast(it)
        it.faults.answer(500, on=SEND, times=None)

        with pytest.raises(ServerError) as raised:
            await it.messages.broadcast(new)

        assert len(it.sent(SEND)) == 3
        assert raised.value.local_id == new.local_id


async def test_addresses_are_sent_with_their_kinds():
    async with texting() as it:
        new = email(
            to=["a@example.com", "b@example.com"],
            cc=["c@example.com"],
            raw_text="Hi",
            conv_title="Order 5",
            local_id="order-5",
        )

        sent = await it.client.emails.send(new)

        assert it.sent(EMAIL) == [
            {
                "inbox": INBOX,
                "creator_id": MEMBER,
                "text": "<p>Hi</p>",
                "raw_text": "Hi",
                "conv_title": "Order 5",
                "targets": ["to:a@example.com", "to:b@example.com", "cc:c@example.com"],
                "local_id": "order-5",
            }
        ]
        assert len(it.sandbox.outbox) == 3
        assert sent.id == it.sandbox.outbox[0].id


async def test_a_reply_goes_to_its_conversation():
    async with texting() as it:
        first = await it.client.emails.send(email())

        reply = await it.client.emails.send(email(convo_id=first.convo_id))

        assert "targets" not in it.sent(EMAIL)[1]
        assert reply.convo_id == first.convo_id
        with pytest.raises(ValueError, match="email must be of type NewEmail"):
            await it.client.emails.send({"text": "Hi"})

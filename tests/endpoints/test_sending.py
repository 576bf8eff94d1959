"""`client.messages`: a message is sent once, or said to be unknown; nobody gets it twice."""

from __future__ import annotations

import asyncio
import pickle
from datetime import UTC, datetime, timedelta

import pytest

from heymarket_async import (
    BadRequestError,
    ConnectError,
    HeymarketClient,
    HeymarketError,
    NewComment,
    NoResponseError,
    PermissionDeniedError,
    RetryPolicy,
    ServerError,
    StatusError,
)
from heymarket_async.sandbox import Readings
from tests.conftest import SECRET
from tests.endpoints.texting import (
    HISTORY,
    INBOX,
    MEMBER,
    PHONE,
    SEND,
    SOON,
    text,
    texting,
    undeduplicated,
)

COUNTERS = [undeduplicated(), Readings(), Readings(local_id_repeat_answer="conflict")]
"""A server that takes no notice of a `local_id`, and two that do."""


# A plain send


async def test_a_message_is_sent_and_has_its_local_id():
    async with texting() as it:
        message = text(media_url="https://example.com/a.png")

        sent = await it.messages.send(message)

        (received,) = it.sandbox.outbox
        assert (received.id, received.local_id) == (sent.id, sent.local_id)
        assert (received.phone, received.text) == (PHONE, "Hi")
        assert sent.local_id == message.local_id
        assert sent.created_at is not None
        assert sent.queued is False


@pytest.mark.parametrize("results", ["{}", "null", "[]"])
@pytest.mark.parametrize("answer", ["full", "id"])
async def test_only_the_id_is_needed_in_the_answer(answer, results):
    async with texting(Readings(send_answer=answer, compliance_results=results)) as it:
        assert (await it.messages.send(text())).id == it.sandbox.outbox[0].id


async def test_a_group_gets_a_message_once_each():
    async with texting() as it:
        group = text(targets=[PHONE, f"+{PHONE}", "14155550124"])

        await it.messages.send(group)

        assert it.sent(SEND)[0]["targets"] == [PHONE, "14155550124"]
        assert [each.phone for each in it.sandbox.outbox] == [PHONE, "14155550124"]


async def test_a_message_goes_to_a_conversation():
    async with texting() as it:
        first = await it.messages.send(text())

        again = await it.messages.send(text("Again", chat_id=first.convo_id))

        assert again.convo_id == first.convo_id
        assert it.received == ["Hi", "Again"]


async def test_a_message_that_is_held_back_says_so():
    async with texting() as it:
        it.sandbox.quiet(3600)

        assert (await it.messages.send(text())).queued is True
        assert it.received == []


async def test_a_plain_send_is_not_repeated_after_a_lost_answer():
    async with texting(undeduplicated()) as it:
        it.faults.answer(500, on=SEND, after_write=True)
        message = text()

        with pytest.raises(ServerError) as raised:
            await it.messages.send(message)

        assert raised.value.may_have_taken_effect
        assert raised.value.local_id == message.local_id
        assert pickle.loads(pickle.dumps(raised.value)).local_id == message.local_id
        assert it.received == ["Hi"]


async def test_a_refusal_has_the_local_id_too():
    async with texting() as it:
        it.faults.answer(400, on=SEND)
        message = text()

        with pytest.raises(BadRequestError) as raised:
            await it.messages.send(message)

        assert raised.value.local_id == message.local_id
        assert not raised.value.may_have_taken_effect


async def test_a_send_that_was_too_early_is_repeated_with_the_same_local_id():
    async with texting(undeduplicated()) as it:
        it.faults.answer(429, on=SEND, times=2, headers={"Retry-After": "0.001"})

        await it.messages.send(text())

        assert len({body["local_id"] for body in it.sent(SEND)}) == 1
        assert len(it.sent(SEND)) == 3
        assert it.received == ["Hi"]


async def test_an_answer_about_another_message_is_not_believed():
    async with texting() as it:
        chat = (await it.messages.send(text())).convo_id
        for body in ({"id": 5, "local_id": "another"}, {"id": 5, "convo_id": 77}, {"id": 0}, "ok"):
            it.faults.answer(200, on=SEND, body=body)

            with pytest.raises(HeymarketError, match="cannot be read") as raised:
                await it.messages.send(text(chat_id=chat))

            assert raised.value.may_have_taken_effect


async def test_an_answer_may_leave_fields_blank():
    async with texting() as it:
        chat = (await it.messages.send(text())).convo_id
        it.faults.answer(200, on=SEND, body={"id": 5, "local_id": "", "convo_id": 0})

        assert (await it.messages.send(text(chat_id=chat))).id == 5


# `send_once`


@pytest.mark.parametrize("readings", COUNTERS)
@pytest.mark.parametrize("after_write", [False, True])
async def test_a_lost_answer_is_followed_by_a_look(after_write, readings):
    async with texting(readings) as it:
        it.faults.reset(on=SEND, after_write=after_write)
        message = text()

        sent = await it.messages.send_once(message, wait_s=SOON)

        assert (sent.id, sent.local_id) == (it.sandbox.outbox[0].id, message.local_id)
        assert it.received == ["Hi"]
        assert {body["local_id"] for body in it.sent(SEND)} == {message.local_id}
        assert len(it.sent(SEND)) == (1 if after_write else 2)


async def test_without_a_lost_answer_nothing_is_looked_for():
    async with texting() as it:
        await it.messages.send_once(text())

        assert len(it.sandbox.requests) == 1


async def test_a_message_that_is_found_shows_its_conversation():
    async with texting() as it:
        it.faults.reset(on=SEND, after_write=True)

        sent = await it.messages.send_once(text(), wait_s=SOON)

        (chat,) = it.sandbox.conversations.rows
        assert sent.convo_id == chat["id"]
        assert sent.created_at is not None


@pytest.mark.parametrize("looks", [1, 2])
async def test_a_message_that_is_seen_later_is_waited_for(looks):
    async with texting(undeduplicated(message_delay_s=3600)) as it:
        it.faults.reset(on=SEND, after_write=True)
        it.shows_all_after(looks, HISTORY)

        await it.messages.send_once(text(), wait_s=SOON)

        assert it.received == ["Hi"]
        assert len(it.sent(HISTORY)) == looks + 1


async def test_a_message_with_the_same_text_is_not_taken_for_it():
    async with texting(undeduplicated()) as it:
        await it.messages.send(text())
        it.sandbox.customer.text(PHONE, "Hi", INBOX)
        it.faults.reset(on=SEND)
        message = text()

        sent = await it.messages.send_once(message, wait_s=SOON)

        assert sent.id == it.sandbox.outbox[-1].id
        assert [each.local_id for each in it.sandbox.outbox].count(message.local_id) == 1
        assert it.received == ["Hi", "Hi"]


@pytest.mark.parametrize("readings", COUNTERS)
async def test_a_look_that_fails_says_unknown_and_a_second_try_sends_once(readings):
    async with texting(readings) as it:
        it.faults.reset(on=SEND, after_write=True)
        it.faults.answer(403, on=HISTORY)
        message = text()

        with pytest.raises(NoResponseError) as raised:
            await it.messages.send_once(message, wait_s=SOON)

        assert raised.value.may_have_taken_effect
        assert raised.value.local_id == message.local_id
        assert isinstance(raised.value.__cause__, PermissionDeniedError)
        assert (await it.messages.send_once(message, wait_s=SOON)).local_id == message.local_id
        assert it.received == ["Hi"]


async def test_a_plain_send_that_failed_can_be_made_certain():
    async with texting(undeduplicated()) as it:
        it.faults.answer(500, on=SEND, after_write=True)
        message = text()
        with pytest.raises(ServerError):
            await it.messages.send(message)

        await it.messages.send_once(message, wait_s=SOON)

        assert it.received == ["Hi"]


async def test_another_process_says_since_when_a_message_may_be_there():
    async with texting(undeduplicated()) as it:
        message, began = text(), datetime.now(UTC) - timedelta(minutes=1)
        await it.messages.send(message)

        await it.messages.send_once(message, since=began, wait_s=SOON)

        assert it.received == ["Hi"]


async def test_a_message_is_looked_for_back_to_the_time_that_was_given():
    async with texting(messages=300) as it:
        newest = it.sandbox.messages.rows[-1]
        inbox_id, phone = newest["conversation"]["inbox"], newest["target"]
        *_, oldest = [row async for row in it.messages.iterate_history(phone, inbox_id)]
        message = text(inbox_id=inbox_id, phone_number=phone, local_id=oldest.local_id)

        sent = await it.messages.send_once(message, since="2020-01-01T00:00:00Z", wait_s=SOON)

        assert sent.id == oldest.id
        assert it.received == []


async def test_a_message_that_another_process_did_not_send_is_sent_after_the_looks():
    async with texting() as it:
        await it.messages.send_once(text(), since=datetime.now(UTC), wait_s=SOON)

        assert len(it.sent(HISTORY)) == 3
        assert it.received == ["Hi"]


async def test_a_look_that_fails_before_any_send_says_unknown():
    async with texting() as it:
        it.faults.answer(403, on=HISTORY)
        message = text()

        with pytest.raises(HeymarketError, match="cannot be looked for") as raised:
            await it.messages.send_once(message, since=datetime.now(UTC), wait_s=SOON)

        assert raised.value.may_have_taken_effect
        assert raised.value.call == SEND
        assert it.received == []


async def test_two_at_once_send_a_message_once():
    async with texting(undeduplicated()) as it:
        message = text()

        first, second = await asyncio.gather(
            *(it.messages.send_once(message, wait_s=1.0) for _ in range(2))
        )

        assert first.id == second.id
        assert it.received == ["Hi"]


async def test_answers_that_are_lost_again_and_again_end_as_unknown():
    async with texting(undeduplicated()) as it:
        it.faults.answer(500, on=SEND, times=None)

        with pytest.raises(ServerError) as raised:
            await it.messages.send_once(text(), wait_s=SOON)

        assert raised.value.may_have_taken_effect
        assert len(it.sent(SEND)) == 3
        assert len(it.sent(HISTORY)) == 9


async def test_the_last_lost_answer_is_followed_by_a_look_too():
    async with texting(undeduplicated()) as it:
        it.faults.reset(on=SEND, times=2)
        it.faults.reset(on=SEND, after_write=True)

        await it.messages.send_once(text(), wait_s=SOON)

        assert it.received == ["Hi"]
        assert len(it.sent(SEND)) == 3


@pytest.mark.parametrize("status", [400, 403])
async def test_a_refusal_comes_through_as_not_sent(status):
    async with texting() as it:
        it.faults.answer(status, on=SEND)

        with pytest.raises(StatusError) as raised:
            await it.messages.send_once(text(), wait_s=SOON)

        assert not raised.value.may_have_taken_effect
        assert len(it.sandbox.requests) == 1


async def test_a_refusal_of_a_repeat_does_not_make_it_certain():
    async with texting() as it:
        it.faults.reset(on=SEND)
        it.faults.answer(403, on=SEND)

        with pytest.raises(PermissionDeniedError) as raised:
            await it.messages.send_once(text(), wait_s=SOON)

        assert raised.value.may_have_taken_effect
        assert len(it.sent(SEND)) == 2


async def test_a_repeat_that_is_refused_as_known_is_a_success_if_the_message_is_there_later():
    readings = Readings(local_id_repeat_answer="conflict", message_delay_s=3600)
    async with texting(readings) as it:
        it.faults.reset(on=SEND, after_write=True)
        it.shows_all_after(2, SEND)

        sent = await it.messages.send_once(text(), wait_s=SOON)

        assert sent.id == it.sandbox.outbox[0].id
        assert len(it.sent(SEND)) == 2
        assert it.received == ["Hi"]


@pytest.mark.parametrize("wanted", [text(), text(None, template_id=7)])
async def test_a_message_that_may_be_the_one_is_not_sent_again(wanted):
    async with texting() as it:
        now = datetime.now(UTC).isoformat()
        row = {"id": 1, "text": "Hi", "date": now, "user": MEMBER, "local_id": ""}
        it.faults.reset(on=SEND)
        it.faults.answer(200, on=HISTORY, body=[row], times=None)

        with pytest.raises(NoResponseError) as raised:
            await it.messages.send_once(wanted, wait_s=SOON)

        assert "without a local_id" in str(raised.value.__cause__)
        assert len(it.sent(SEND)) == 1


@pytest.mark.parametrize("change", [{"text": "Ho"}, {"date": "2026-01-01T00:00:00Z"}])
async def test_a_message_without_a_local_id_that_cannot_be_the_one_does_not_matter(change):
    async with texting() as it:
        now = datetime.now(UTC).isoformat()
        row = {"id": 1, "text": "Hi", "date": now, "user": MEMBER, "local_id": "", **change}
        it.faults.reset(on=SEND)
        it.faults.answer(200, on=HISTORY, body=[row], times=None)

        await it.messages.send_once(text(), wait_s=SOON)

        assert it.received == ["Hi"]


async def test_a_cancelled_send_can_be_made_certain():
    async with texting(undeduplicated()) as it:
        it.faults.delay(60, on=SEND, where="middle")
        message = text()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await it.messages.send(message)

        await it.messages.send_once(message, wait_s=SOON)

        assert it.received == ["Hi"]
        assert it.client.waiting == ""


async def test_what_was_sent_or_refused_is_not_remembered():
    async with texting() as it:
        it.faults.answer(400, on=SEND)
        with pytest.raises(BadRequestError):
            await it.messages.send(text())
        await it.messages.send(text())
        await it.messages.send_once(text())

        assert it.client._transport.unsettled == {}


async def test_a_hook_sees_the_looks_too():
    calls: list[str] = []
    async with texting(on_attempt=lambda event: calls.append(event.call)) as it:
        it.faults.reset(on=SEND, after_write=True)

        await it.messages.send_once(text(), wait_s=SOON)

    assert calls == [SEND, HISTORY]


@pytest.mark.parametrize("wait_s", [-1, float("nan"), "1", True])
async def test_a_wait_that_is_not_a_number_of_seconds_is_refused(wait_s):
    async with texting() as it:
        with pytest.raises(ValueError, match="wait_s"):
            await it.messages.send_once(text(), wait_s=wait_s)
        with pytest.raises(ValueError, match="since"):
            await it.messages.send_once(text(), since="yesterday")


async def test_a_server_that_cannot_be_reached_sends_nothing():
    once = RetryPolicy(attempts=1)
    async with HeymarketClient(SECRET, base_url="http://127.0.0.1:9", retry=once) as client:
        message = text()
        with pytest.raises(ConnectError) as raised:
            await client.messages.send_once(message)

    assert raised.value.local_id == message.local_id
    assert not raised.value.may_have_taken_effect


async def test_find_sent_returns_the_message_or_none():
    async with texting(messages=120) as it:
        message = text()
        assert await it.messages.find_sent(message) is None

        sent = await it.messages.send(message)

        found = await it.messages.find_sent(message)
        assert found is not None
        assert (found.id, found.local_id, found.text) == (sent.id, message.local_id, "Hi")
        assert await it.messages.find_sent(text(), since="2020-01-01T00:00:00Z") is None


# Comments


async def test_a_comment_stays_in_the_team():
    async with texting() as it:
        comment = NewComment(
            inbox_id=INBOX, creator_id=MEMBER, phone_number=f"+{PHONE}", text="VIP", author="CRM"
        )

        sent = await it.messages.comment(comment)

        (body,) = it.sent(SEND)
        assert body["private"] is True
        assert body["phone_number"] == PHONE
        assert it.sandbox.messages.rows[-1]["author"] == "CRM"
        assert sent.local_id == comment.local_id
        assert it.received == []


async def test_a_comment_is_not_repeated_after_a_lost_answer():
    async with texting(undeduplicated()) as it:
        chat = (await it.messages.send(text())).convo_id
        it.faults.reset(on=SEND, after_write=True)
        comment = NewComment(inbox_id=INBOX, creator_id=MEMBER, chat_id=chat, text="VIP")

        with pytest.raises(NoResponseError) as raised:
            await it.messages.comment(comment)

        assert raised.value.local_id == comment.local_id
        assert len(it.sent(SEND)) == 2


@pytest.mark.parametrize("method", ["send", "send_once", "broadcast", "comment", "find_sent"])
async def test_only_its_own_kind_of_thing_is_sent(method):
    async with texting() as it:
        with pytest.raises(ValueError, match="must be of type New"):
            await getattr(it.messages, method)({"text": "Hi"})

        assert not it.sandbox.requests

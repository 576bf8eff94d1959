"""`client.messages`: a message is sent once, or said to be unknown; nobody gets it twice."""

from __future__ import annotations

import asyncio
import gc
import pickle
import sys
from datetime import UTC, datetime, timedelta

import pytest

from heymarket_async import (
    BadRequestError,
    ClientStateError,
    ConnectError,
    DeadlineError,
    HeymarketClient,
    HeymarketError,
    NewComment,
    NoResponseError,
    PermissionDeniedError,
    RetryPolicy,
    SentMessage,
    ServerError,
    StatusError,
)
from heymarket_async.sandbox import Readings
from tests.bulk.importing.imports import client_of
from tests.bulk.two_accounts import two_accounts
from tests.conftest import SECRET
from tests.endpoints.texting import (
    HISTORY,
    INBOX,
    MEMBER,
    OTHER_INBOX,
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


@pytest.mark.parametrize(("results", "value"), [("{}", {}), ("null", None), ("[]", [])])
async def test_compliance_results_are_kept_in_any_shape(results, value):
    async with texting(Readings(compliance_results=results)) as it:
        sent = await it.messages.send(text())

        assert sent.compliance_results == value
        assert sent.odd == {}


async def test_only_the_id_is_needed_in_the_answer():
    async with texting(Readings(send_answer="id")) as it:
        message = text()

        sent = await it.messages.send(message)

        assert sent == SentMessage(id=it.sandbox.outbox[0].id, local_id=message.local_id)


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
        assert sent.queued is False


@pytest.mark.parametrize("opted_out", [True, False])
async def test_a_message_that_is_found_shows_its_status(opted_out):
    async with texting(Readings(opted_out_send="accept")) as it:
        if opted_out:
            it.sandbox.customer.text(PHONE, "STOP")
        else:
            it.sandbox.quiet(3600)
        it.faults.reset(on=SEND, after_write=True)

        sent = await it.messages.send_once(text(), wait_s=SOON)

        assert (sent.status, sent.queued) == (("failed", False) if opted_out else ("queued", True))
        assert it.received == []


async def test_a_message_that_is_found_without_a_status_may_be_held_back_or_not():
    async with texting() as it:
        it.faults.reset(on=SEND)
        message = text()
        it.faults.answer(200, on=HISTORY, body=[{"id": 1, "local_id": message.local_id}])

        assert (await it.messages.send_once(message, wait_s=SOON)).queued is None


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

        assert len(it.sent(HISTORY)) == 4  # the last look is at the other inbox too
        assert it.received == ["Hi"]


async def test_a_message_is_looked_for_where_its_conversation_was_transferred_to():
    async with texting(undeduplicated()) as it:
        chat = (await it.messages.send(text("First"))).convo_id
        message = text()
        it.faults.reset(on=SEND, after_write=True)
        with pytest.raises(NoResponseError):
            await it.messages.send(message)
        await it.client.conversations.transfer(chat, inbox_id=OTHER_INBOX)

        assert (await it.messages.find_sent(message)).local_id == message.local_id
        await it.messages.send_once(message, wait_s=SOON)

        assert it.received == ["First", "Hi"]


async def test_a_history_with_older_messages_has_not_been_transferred():
    async with texting(undeduplicated(), messages=300) as it:
        newest = it.sandbox.messages.rows[-1]
        inbox_id, phone = newest["conversation"]["inbox"], newest["target"]
        it.faults.reset(on=SEND)

        await it.messages.send_once(text(inbox_id=inbox_id, phone_number=phone), wait_s=SOON)

        assert it.received == ["Hi"]
        assert it.sent("GET /v1/inboxes") == []


async def test_a_look_that_fails_before_any_send_says_unknown():
    async with texting() as it:
        it.faults.answer(403, on=HISTORY)
        message = text()

        with pytest.raises(HeymarketError, match="not certain") as raised:
            await it.messages.send_once(message, since=datetime.now(UTC), wait_s=SOON)

        assert raised.value.may_have_taken_effect
        assert (raised.value.call, raised.value.local_id) == (SEND, message.local_id)
        assert it.received == []

        await it.messages.send_once(message, wait_s=SOON)

        assert len(it.sent(HISTORY)) == 5  # it is still looked for before it is sent
        assert it.received == ["Hi"]


async def test_answers_that_are_lost_again_and_again_end_as_unknown():
    async with texting(undeduplicated()) as it:
        it.faults.answer(500, on=SEND, times=None)

        with pytest.raises(ServerError) as raised:
            await it.messages.send_once(text(), wait_s=SOON)

        assert raised.value.may_have_taken_effect
        assert len(it.sent(SEND)) == 3
        assert len(it.sent(HISTORY)) == 12


async def test_the_last_lost_answer_is_followed_by_a_look_too():
    async with texting(undeduplicated()) as it:
        it.faults.reset(on=SEND, times=2)
        it.faults.reset(on=SEND, after_write=True)

        await it.messages.send_once(text(), wait_s=SOON)

        assert it.received == ["Hi"]
        assert len(it.sent(SEND)) == 3


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (200, "ok", {}),
        (200, {"data": {"id": 5}}, {}),
        (200, {"id": 5, "local_id": "another"}, {}),
        (200, b"<html>", {}),
        (200, b"", {"Content-Encoding": "gzip"}),
        (302, b"", {}),
    ],
)
async def test_after_an_answer_that_cannot_be_read_it_only_looks(status, body, headers):
    async with texting(undeduplicated(message_delay_s=3600)) as it:
        it.faults.answer(status, on=SEND, body=body, headers=headers, after_write=True, times=None)
        message = text()

        for _ in range(2):  # the second call looks first
            with pytest.raises(HeymarketError) as raised:
                await it.messages.send_once(message, wait_s=SOON)
            assert raised.value.may_have_taken_effect
        it.sandbox.clock.advance(3600)
        sent = await it.messages.send_once(message, wait_s=SOON)

        assert sent.id == it.sandbox.outbox[0].id
        assert it.received == ["Hi"]
        assert not it.client._transport.sends.taken


async def test_after_an_answer_that_was_cut_it_only_looks():
    async with texting(undeduplicated(message_delay_s=3600)) as it:
        it.faults.cut_body(on=SEND, times=None)

        with pytest.raises(NoResponseError) as raised:
            await it.messages.send_once(text(), wait_s=SOON)

        assert raised.value.may_have_taken_effect
        assert pickle.loads(pickle.dumps(raised.value)).status == 200
        assert it.received == ["Hi"]


async def test_a_redirect_that_asks_for_the_same_request_sent_nothing():
    async with texting() as it:
        it.faults.answer(307, on=SEND)
        message = text()
        with pytest.raises(StatusError) as raised:
            await it.messages.send_once(message)
        assert not raised.value.may_have_taken_effect

        await it.messages.send_once(message)

        assert it.received == ["Hi"]


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


@pytest.mark.parametrize(
    "wanted", [text(), text("Hi "), text(None, media_url="https://example.com/a.png")]
)
async def test_a_message_that_may_be_the_one_is_not_sent_again(wanted):
    async with texting() as it:
        now = datetime.now(UTC).isoformat()
        row = {"id": 1, "text": "Hi", "date": now, "local_id": ""}
        it.faults.reset(on=SEND)
        it.faults.answer(200, on=HISTORY, body=[row], times=None)

        with pytest.raises(NoResponseError) as raised:
            await it.messages.send_once(wanted, wait_s=SOON)

        assert "without its local_id" in str(raised.value.__cause__)
        assert len(it.sent(SEND)) == 1


@pytest.mark.parametrize("change", [{"type": "inbound"}, {"date": "2026-01-01T00:00:00Z"}])
async def test_a_message_without_a_local_id_that_cannot_be_the_one_does_not_matter(change):
    async with texting() as it:
        now = datetime.now(UTC).isoformat()
        row = {"id": 1, "text": "Hi", "date": now, "user": MEMBER, "local_id": "", **change}
        it.faults.reset(on=SEND)
        newest = {"id": 2, "date": now, "local_id": "other"}
        it.faults.answer(200, on=HISTORY, body=[newest, row], times=None)

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


# More than one call with one message


async def test_a_message_that_was_sent_or_refused_is_not_looked_for():
    async with texting() as it:
        refused, sent = text(), text()
        it.faults.answer(400, on=SEND)
        with pytest.raises(BadRequestError):
            await it.messages.send(refused)
        await it.messages.send(sent)

        await it.messages.send_once(refused)
        await it.messages.send_once(sent)

        assert len(it.sandbox.requests) == 3
        assert not it.client._transport.sends.unsettled


@pytest.mark.parametrize("first", ["send", "send_once"])
async def test_a_second_call_after_a_success_returns_its_result(first):
    async with texting(undeduplicated()) as it:
        message = text()
        sent = await getattr(it.messages, first)(message)

        assert await it.messages.send_once(message) == sent
        assert await it.messages.send_once(message, since="2020-01-01T00:00:00Z") == sent
        assert it.received == ["Hi"]
        assert len(it.sandbox.requests) == 1


async def test_a_message_that_was_found_is_not_looked_for_again():
    async with texting(undeduplicated()) as it:
        it.faults.reset(on=SEND, after_write=True)
        message = text()
        sent = await it.messages.send_once(message, wait_s=SOON)

        assert await it.messages.send_once(message) == sent
        assert len(it.sandbox.requests) == 2


async def test_a_refusal_does_not_make_the_client_forget_a_lost_send():
    async with texting(undeduplicated()) as it:
        message = text()
        it.faults.answer(500, on=SEND, after_write=True)
        it.faults.answer(400, on=SEND)
        for error in (ServerError, BadRequestError):
            with pytest.raises(error) as raised:
                await it.messages.send(message)
            assert raised.value.may_have_taken_effect

        await it.messages.send_once(message, wait_s=SOON)

        assert it.received == ["Hi"]


async def test_a_call_that_was_too_late_does_not_make_the_client_forget_a_lost_send():
    async with texting(undeduplicated()) as it:
        message = text()
        it.faults.reset(on=SEND, after_write=True)
        late = it.client.with_options(deadline_s=1e-9).messages
        for messages, error in ((it.messages, NoResponseError), (late, DeadlineError)):
            with pytest.raises(error):
                await messages.send(message)

        await it.messages.send_once(message, wait_s=SOON)

        assert it.received == ["Hi"]


async def test_a_call_waits_for_one_that_is_cancelled_and_looks_before_it_sends():
    async with texting(undeduplicated()) as it:
        it.faults.delay(60, on=SEND, where="middle")
        message = text()
        first = asyncio.create_task(it.messages.send(message))
        second = asyncio.create_task(it.messages.send_once(message, wait_s=SOON))
        while not it.received:
            await asyncio.sleep(0.005)
        first.cancel()

        sent = await second

        assert sent.id == it.sandbox.outbox[0].id
        assert it.received == ["Hi"]
        assert first.cancelled()


@pytest.mark.parametrize("first", ["send", "send_once"])
async def test_a_second_call_waits_for_a_slow_first_one(first):
    async with texting(undeduplicated()) as it:
        it.faults.delay(0.1, on=SEND, where="before")
        message = text()

        one, two = await asyncio.gather(
            getattr(it.messages, first)(message), it.messages.send_once(message, wait_s=SOON)
        )

        assert one == two
        assert it.received == ["Hi"]


async def test_clients_with_other_options_know_what_the_client_may_have_sent():
    async with texting(undeduplicated()) as it:
        message = text()
        it.faults.answer(500, on=SEND, after_write=True)
        with pytest.raises(ServerError):
            await it.client.with_options(timeout_s=5).messages.send(message)

        await it.client.with_options(timeout_s=6).messages.send_once(message, wait_s=SOON)

        assert it.received == ["Hi"]


# A 409


async def test_a_first_attempt_that_is_refused_as_known_is_looked_for():
    readings = Readings(local_id_repeat_answer="conflict")
    async with texting(readings) as it, client_of(it.sandbox) as other:
        message = text()
        sent = await other.messages.send(message)

        assert (await it.messages.send_once(message, wait_s=SOON)).id == sent.id
        assert it.received == ["Hi"]


@pytest.mark.parametrize("method", ["send", "send_once"])
async def test_a_message_that_is_refused_as_known_and_is_not_there_is_unknown(method):
    async with texting() as it:
        it.faults.answer(409, on=SEND)
        wait = {"wait_s": SOON} if method == "send_once" else {}

        with pytest.raises(StatusError, match="409") as raised:
            await getattr(it.messages, method)(text(), **wait)

        assert raised.value.may_have_taken_effect
        assert len(it.sent(SEND)) == 1
        (began,) = it.client._transport.sends.unsettled.values()
        assert began.seconds_ago >= 3600


async def test_a_hook_sees_the_looks_too():
    calls: list[str] = []
    async with texting(on_attempt=lambda event: calls.append(event.call)) as it:
        it.faults.reset(on=SEND, after_write=True)

        await it.messages.send_once(text(), wait_s=SOON)

    assert calls == [SEND, HISTORY]


@pytest.mark.parametrize("wait_s", [-1, float("nan"), float("inf"), 10**400, "1", True])
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


@pytest.mark.parametrize("after_write", [False, True])
async def test_a_lost_message_is_neither_looked_for_nor_sent_in_another_account(after_write):
    async with two_accounts(contacts=0) as both, both.client() as client:
        both.own.faults.answer(500, on=SEND, after_write=after_write)
        both.change(after=1)

        with pytest.raises(ServerError) as raised:
            await client.messages.send_once(text(), wait_s=SOON)

        assert raised.value.may_have_taken_effect
        assert isinstance(raised.value.__cause__, ClientStateError)
        assert {each.path for each in both.other.requests} == {"/v1/team"}


async def test_find_sent_returns_the_message_or_none():
    async with texting(messages=120) as it:
        message = text()
        assert await it.messages.find_sent(message) is None

        sent = await it.messages.send(message)

        found = await it.messages.find_sent(message)
        assert found is not None
        assert (found.id, found.local_id, found.text) == (sent.id, message.local_id, "Hi")
        assert await it.messages.find_sent(text(), since="2020-01-01T00:00:00Z") is None


@pytest.mark.parametrize(("minutes_ago", "is_found"), [(60, True), (62, False)])
async def test_find_sent_looks_back_an_hour_and_a_minute(minutes_ago, is_found):
    async with texting() as it:
        # The newest message is on the first page, then one at the end, then the wanted one.
        date = [datetime.now(UTC) - timedelta(minutes=each) for each in (0, minutes_ago, 90)]
        rows = [
            {"id": number, "local_id": f"{number}", "date": each.isoformat()}
            for number, each in enumerate(date)
        ]
        it.faults.answer(200, on=HISTORY, body=rows[:1])
        it.faults.answer(200, on=HISTORY, body=rows[1:2])
        it.faults.answer(200, on=HISTORY, body=rows[2:], times=None)

        found = await it.messages.find_sent(text(local_id="2"))

        assert (found is not None) is is_found


async def test_a_search_that_fails_has_the_local_id():
    async with texting() as it:
        it.faults.answer(403, on=HISTORY)
        message = text()

        with pytest.raises(PermissionDeniedError) as raised:
            await it.messages.find_sent(message)

        assert raised.value.local_id == message.local_id


@pytest.mark.parametrize(("minutes_ago", "is_found"), [(31, True), (29, False)])
async def test_a_time_to_come_is_of_a_clock_that_is_ahead(minutes_ago, is_found):
    async with texting() as it:
        now = datetime.now(UTC)
        row = {"id": 1, "local_id": "a", "date": (now - timedelta(minutes=40)).isoformat()}
        older = {"id": 2, "local_id": "b", "date": (now - timedelta(minutes=31)).isoformat()}
        newer = {"id": 3, "local_id": "c", "date": now.isoformat()}
        for page in ([newer], [older], [row]):
            it.faults.answer(200, on=HISTORY, body=page)
        since = now + timedelta(minutes=minutes_ago)

        found = await it.messages.find_sent(text(local_id="a"), since=since)

        assert (found is not None) is is_found


@pytest.mark.parametrize("target", [{}, {"chat_id": 77}])
async def test_a_search_leaves_nothing_open(target):
    hooks, left = sys.get_asyncgen_hooks(), list[object]()
    async with texting() as it:
        rows = [{"id": 1, "local_id": "a", "date": datetime.now(UTC).isoformat()}]
        it.faults.answer(200, body=rows)
        sys.set_asyncgen_hooks(finalizer=left.append)
        try:
            assert await it.messages.find_sent(text(local_id="a", **target)) is not None
            gc.collect()
        finally:
            sys.set_asyncgen_hooks(*hooks)

    assert left == []


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

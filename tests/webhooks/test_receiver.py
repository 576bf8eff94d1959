"""Each event is handled once, and a delivery is answered before."""

from __future__ import annotations

import asyncio
import logging

import pytest

from heymarket_async import ServerError
from heymarket_async.webhooks import Claim, MemoryStore, Receiver
from tests.conftest import jumping_time
from tests.webhooks.deliveries import PHONE, TEXT, TOKEN, body, delivery, message


class Handling:
    """A handler that notes its events, and may wait or fail."""

    def __init__(self, *errors: BaseException | None) -> None:
        self.events: list[int] = []
        self.done: list[int] = []
        self.errors = list(errors)
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def __call__(self, event) -> None:
        self.events.append(event.message.id)
        await self.goes_on.wait()
        if self.errors and (error := self.errors.pop(0)) is not None:
            raise error
        self.done.append(event.message.id)


async def idle(receiver: Receiver) -> None:
    while receiver._tasks:
        await asyncio.sleep(0)


async def in_parts(*parts: bytes | Exception):
    for part in parts:
        if isinstance(part, Exception):
            raise part
        yield part


async def test_a_delivery_is_answered_before_its_event_is_handled():
    handling = Handling()
    handling.goes_on.clear()
    async with Receiver(handling, tokens=TOKEN) as receiver:
        assert await receiver.receive(body(delivery())) == 200
        assert handling.done == []
        handling.goes_on.set()

    assert handling.done == [1]


async def test_one_delivery_46_times_and_two_at_once_is_handled_once():
    handling = Handling()
    async with Receiver(handling, tokens=TOKEN) as receiver:
        for _ in range(23):
            both = (receiver.receive(body(delivery())) for _ in range(2))
            statuses = await asyncio.gather(*both)
            assert set(statuses) <= {200, 503}
            await idle(receiver)

        assert statuses == [200, 200]
    assert handling.events == [1]


async def test_while_an_event_is_handled_its_next_delivery_must_come_again():
    handling = Handling()
    handling.goes_on.clear()
    async with Receiver(handling, tokens=TOKEN) as receiver:
        assert await receiver.receive(body(delivery())) == 200
        assert await receiver.receive(body(delivery())) == 503
        handling.goes_on.set()
        await idle(receiver)
        assert await receiver.receive(body(delivery())) == 200

    assert handling.events == [1]


async def test_two_messages_of_one_configuration_are_both_handled():
    handling = Handling()
    async with Receiver(handling, tokens=TOKEN) as receiver:
        for number in (1, 2):
            assert await receiver.receive(body(delivery(message(number)))) == 200

    assert sorted(handling.done) == [1, 2]


async def test_each_event_of_an_array_is_handled_also_if_one_was_before():
    handling = Handling()
    async with Receiver(handling, tokens=TOKEN) as receiver:
        await receiver.receive(body(delivery(message(2))))
        await idle(receiver)
        several = [delivery(message(number)) for number in (1, 2, 3)]
        assert await receiver.receive(body(*several)) == 200

    assert handling.done == [2, 1, 3]


@pytest.mark.parametrize("error", [ValueError(TEXT), TimeoutError(), asyncio.CancelledError()])
async def test_after_a_failed_handler_the_next_delivery_is_handled(error):
    handling = Handling(error)
    async with Receiver(handling, tokens=TOKEN) as receiver:
        assert await receiver.receive(body(delivery())) == 200
        await idle(receiver)
        assert handling.done == []
        assert await receiver.receive(body(delivery())) == 200

    assert (handling.events, handling.done) == ([1, 1], [1])


@jumping_time
async def test_a_handler_that_takes_too_long_is_cancelled_before_its_claim_expires():
    handling, store, loop = Handling(), MemoryStore(), asyncio.get_running_loop()
    handling.goes_on.clear()
    receiver = Receiver(handling, tokens=TOKEN, store=store, timeout_s=5)
    await receiver.receive(body(delivery()))
    (lasts_until,) = store._running.values()
    await asyncio.wait(receiver._tasks)

    assert loop.time() == 5 < lasts_until
    assert store._running == {}
    await receiver.aclose()


@jumping_time
async def test_each_handler_has_its_own_time():
    handling, loop, ended = Handling(), asyncio.get_running_loop(), []
    handling.goes_on.clear()
    async with Receiver(handling, tokens=TOKEN, timeout_s=5) as receiver:
        for number in (1, 2):
            await receiver.receive(body(delivery(message(number))))
            [*receiver._tasks][-1].add_done_callback(lambda _: ended.append(loop.time()))
            await asyncio.sleep(3)
        while receiver._tasks:
            await asyncio.sleep(0.5)
        begun = loop.time()
        await receiver.receive(body(delivery(message(3))))

    assert ended == [5, 8]
    assert loop.time() == begun + 5


def test_a_closed_receiver_leaves_no_timer():
    async def main() -> None:
        async with Receiver(Handling(), tokens=TOKEN) as receiver:
            await receiver.receive(body(delivery()))
        assert receiver._timer is not None
        assert receiver._timer.cancelled()

    asyncio.run(main())


async def test_beyond_the_bound_deliveries_must_come_again():
    handling = Handling()
    handling.goes_on.clear()
    async with Receiver(handling, tokens=TOKEN, at_once=2) as receiver:
        numbers = range(1, 5)
        statuses = [await receiver.receive(body(delivery(message(each)))) for each in numbers]
        assert statuses == [200, 200, 503, 503]
        handling.goes_on.set()
        await idle(receiver)
        assert await receiver.receive(body(delivery(message(3)))) == 200

    assert handling.done == [1, 2, 3]


@pytest.mark.parametrize(("at_once", "expected"), [(1, [1, 1, 1]), (2, [2, 1])])
async def test_an_array_has_no_more_events_at_work_than_the_bound_and_loses_none(at_once, expected):
    handling, statuses, working = Handling(), [], []
    sent = body(*(delivery(message(number)) for number in (1, 2, 3)))
    async with Receiver(handling, tokens=TOKEN, at_once=at_once) as receiver:
        for _ in expected:
            handling.goes_on.clear()
            statuses.append(await receiver.receive(sent))
            working.append(len(receiver._tasks))
            handling.goes_on.set()
            await idle(receiver)

    assert (statuses[-1], set(statuses[:-1]), working) == (200, {503}, expected)
    assert handling.done == [1, 2, 3]


async def test_an_array_that_comes_while_the_receiver_is_closed_begins_nothing_more():
    handling, store = Handling(), SlowStore()
    receiver = Receiver(handling, tokens=TOKEN, store=store)
    sent = body(*(delivery(message(number)) for number in (1, 2)))
    request = asyncio.create_task(receiver.receive(sent))
    await asyncio.sleep(0)
    closing = asyncio.create_task(receiver.aclose())
    await asyncio.sleep(0)
    store.goes_on.set()
    await closing

    assert (await request, handling.done) == (503, [1])


# Closing and cancelling


async def test_closing_waits_for_the_handlers_and_takes_no_more():
    handling = Handling()
    handling.goes_on.clear()
    receiver = Receiver(handling, tokens=TOKEN)
    await receiver.receive(body(delivery()))
    closing = asyncio.create_task(receiver.aclose())
    await asyncio.sleep(0)

    assert await receiver.receive(body(delivery(message(2)))) == 503
    assert not closing.done()
    handling.goes_on.set()
    await closing
    assert handling.done == [1]


async def test_a_cancelled_close_cancels_the_handlers_which_give_their_claims_back():
    handling, store = Handling(), MemoryStore()
    handling.goes_on.clear()
    receiver = Receiver(handling, tokens=TOKEN, store=store)
    await receiver.receive(body(delivery()))
    closing = asyncio.create_task(receiver.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing

    assert (receiver._tasks, handling.done, store._running) == ({}, [], {})


async def test_a_task_that_is_cancelled_before_it_begins_answers_too():
    receiver = Receiver(Handling(), tokens=TOKEN)
    request = asyncio.create_task(receiver.receive(body(delivery())))
    asyncio.get_running_loop().call_soon(lambda: [each.cancel() for each in receiver._tasks])

    assert await request == 503
    assert receiver._tasks == {}
    await receiver.aclose()


class SlowStore(MemoryStore):
    """Answers a claim only when it is let, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error, self.goes_on = error, asyncio.Event()

    async def claim(self, key: str, lease_s: float) -> Claim:
        await self.goes_on.wait()
        if self.error is not None:
            raise self.error
        return await super().claim(key, lease_s)


async def test_a_request_that_is_cancelled_loses_no_event():
    handling, store = Handling(), SlowStore()
    async with Receiver(handling, tokens=TOKEN, store=store) as receiver:
        request = asyncio.create_task(receiver.receive(body(delivery())))
        await asyncio.sleep(0)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        store.goes_on.set()

    assert handling.done == [1]


async def test_a_close_that_is_cancelled_answers_requests_that_wait_for_the_store():
    receiver = Receiver(Handling(), tokens=TOKEN, store=SlowStore())
    request = asyncio.create_task(receiver.receive(body(delivery())))
    await asyncio.sleep(0)
    closing = asyncio.create_task(receiver.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing

    assert await request == 503


async def test_without_its_store_a_delivery_must_come_again(caplog):
    handling, store = Handling(), SlowStore(OSError(PHONE))
    store.goes_on.set()
    async with Receiver(handling, tokens=TOKEN, store=store) as receiver:
        assert await receiver.receive(body(delivery())) == 503
        store.error = None
        assert await receiver.receive(body(delivery())) == 200

    assert handling.done == [1]
    assert "was not claimed: OSError" in caplog.text
    assert PHONE not in caplog.text


@pytest.mark.parametrize("errors", [[], [ValueError(TEXT)]])
async def test_a_store_that_fails_after_the_work_is_logged(errors, caplog, monkeypatch):
    async def fail(*_: object) -> None:
        raise OSError(PHONE)

    monkeypatch.setattr(MemoryStore, "keep", fail)
    monkeypatch.setattr(MemoryStore, "release", fail)
    async with Receiver(Handling(*errors), tokens=TOKEN) as receiver:
        assert await receiver.receive(body(delivery())) == 200

    assert "The result of Event('message_received', message=1, conversation=7) was" in caplog.text
    assert not [each for each in (PHONE, TEXT) if each in caplog.text]


async def test_an_event_without_a_kind_is_handled_and_logged_once(caplog):
    kinds: list[str] = []

    async def handle(event) -> None:
        kinds.append(event.kind)

    nameless = {"token": TOKEN, "event_data": message()}
    async with Receiver(handle, tokens=TOKEN) as receiver:
        for sent in (nameless, delivery(), nameless):
            assert await receiver.receive(body(sent)) == 200
            await idle(receiver)

    assert kinds == ["", "message_received"]
    (line,) = caplog.messages
    assert "has neither a type nor an event" in line
    assert not [each for each in (TOKEN, TEXT, PHONE) if each in line]


# Refusals


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (body(delivery(token="wrong")), 401),
        (body(delivery())[:-1], 400),
        (b"x" * (2 << 20), 413),
        (b"", 400),
        (b"[" * 500_000, 400),
        (body(delivery()).replace(TEXT.encode(), b"\xff"), 400),
    ],
    ids=["token", "cut", "large", "empty", "deep", "not UTF-8"],
)
async def test_a_refusal_is_a_status_and_a_line_in_the_log(sent, status, caplog):
    async with Receiver(Handling(), tokens=TOKEN) as receiver:
        assert await receiver.receive(sent) == status

    (line,) = caplog.messages
    assert line.startswith(f"A webhook delivery was answered with {status}: its ")
    assert not [each for each in (TOKEN, TEXT, PHONE) if each in line]


async def test_a_body_may_come_in_parts():
    sent, handling = body(delivery()), Handling()
    async with Receiver(handling, tokens=TOKEN) as receiver:
        assert await receiver.receive(in_parts(sent[:9], b"", sent[9:])) == 200

    assert handling.done == [1]


async def test_of_a_large_body_the_rest_is_not_read():
    taken = []

    async def endless():
        while True:
            taken.append(1 << 16)
            yield b" " * (1 << 16)

    async with Receiver(Handling(), tokens=TOKEN) as receiver:
        assert await receiver.receive(endless()) == 413
    assert sum(taken) <= (1 << 20) + (1 << 16)


async def test_a_body_that_is_cut_is_refused():
    async with Receiver(Handling(), tokens=TOKEN) as receiver:
        assert await receiver.receive(in_parts(b"{", ConnectionResetError(PHONE))) == 400


@pytest.mark.parametrize("kind", [bytearray, memoryview])
async def test_a_body_may_be_any_bytes(kind):
    handling = Handling()
    async with Receiver(handling, tokens=TOKEN) as receiver:
        assert await receiver.receive(kind(body(delivery()))) == 200

    assert handling.done == [1]


@pytest.mark.parametrize("wrong", [None, "{}", 5, [b"{}"]])
async def test_a_body_that_is_no_bytes_is_an_error_of_the_caller(wrong):
    async with Receiver(Handling(), tokens=TOKEN) as receiver:
        with pytest.raises(ValueError, match=r"^body must be of type bytes or "):
            await receiver.receive(wrong)


def test_a_receiver_without_a_token_is_refused_at_once():
    with pytest.raises(ValueError, match="tokens must be the token of the webhook"):
        Receiver(Handling(), tokens="")


@pytest.mark.parametrize("wrong", ["at_once", "timeout_s"])
def test_a_receiver_that_would_take_nothing_is_refused_at_once(wrong):
    with pytest.raises(ValueError, match=f"{wrong} must be above 0"):
        Receiver(Handling(), tokens=TOKEN, **{wrong: 0})


# Logs


async def test_a_handler_that_is_not_async_is_named_as_that(caplog):
    async with Receiver(lambda event: None, tokens=TOKEN) as receiver:
        await receiver.receive(body(delivery()))

    assert caplog.text.endswith(": the handler must be an async function.\n")


async def test_a_failed_handler_is_named_with_its_line_and_without_its_text(caplog):
    async def handle(event) -> None:
        raise KeyError(event.message.target)

    async with Receiver(handle, tokens=TOKEN) as receiver:
        await receiver.receive(body(delivery()))

    (record,) = caplog.records
    assert (record.name, record.levelno, record.exc_info) == (
        "heymarket_async",
        logging.WARNING,
        None,
    )
    place = f"KeyError in {__file__}:{handle.__code__.co_firstlineno + 1}."
    assert record.getMessage().endswith(f"conversation=7) was not handled: {place}")
    assert PHONE not in caplog.text


async def test_an_error_of_this_package_says_more(caplog):
    error = ServerError("answered with 500", call="POST /v1/message/send", request_id="r-1")
    async with Receiver(Handling(error), tokens=TOKEN) as receiver:
        await receiver.receive(body(delivery()))

    assert "POST /v1/message/send answered with 500; request id r-1" in caplog.text


def test_a_receiver_does_not_show_its_tokens():
    receiver = Receiver(Handling(), tokens=[TOKEN])

    assert TOKEN not in repr(receiver) + repr(vars(receiver))

"""Interrupts at any place: of a write, of a walk, of the first call and of the end of a client."""

from __future__ import annotations

import dis
import functools
import gc
import inspect
import itertools
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

from heymarket_async import ApiSecret, NewContact, RateLimit, blocking
from heymarket_async.blocking.loop_thread import Work
from heymarket_async.sandbox import Sandbox

NEW = NewContact(phone="15105553399", first="Ada")
NOTE = "The call may have taken effect. Look before you repeat it."


@pytest.fixture
def sandbox():
    with Sandbox(3, messages=20, seed=2, limit=None) as sandbox:
        yield sandbox


def make(sandbox):
    credentials, no_limit = ApiSecret(*sandbox.credentials), RateLimit(100_000, per_s=1)
    return blocking.HeymarketClient(credentials, base_url=sandbox.url, rate_limit=no_limit)


@pytest.fixture
def client(sandbox):
    with make(sandbox) as client:
        client.contacts.count()
        yield client


OURS = {str(path) for path in Path(blocking.__file__).parent.glob("*.py")}


@functools.cache
def places(code):
    """The places of some code right behind those where CPython looks for signals."""
    pairs = itertools.pairwise(dis.get_instructions(code))
    return {after.offset for at, after in pairs if at.opname.startswith(("CALL", "RESUME"))}


def interrupted_at(number, act):
    """Interrupt a function at one of the places of this package, and return whether it was."""

    def trace(frame, event, _):
        nonlocal number
        code = frame.f_code
        if code.co_filename not in OURS and code is not threading.Thread.start.__code__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and frame.f_lasti in places(code):
            number -= 1
            if number < 0:
                raise KeyboardInterrupt
        return trace

    gc.disable()  # an interrupt in a finalizer is ignored
    sys.settrace(trace)
    try:
        act()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
        gc.enable()
    return False


def at_every_place(attempt):
    """Call a function with a way to interrupt, for one place after the other."""
    for number in itertools.count():
        was_interrupted = []

        def interrupt(act, number=number, was_interrupted=was_interrupted):
            was_interrupted.append(interrupted_at(number, act))

        attempt(interrupt)
        if not any(was_interrupted):
            assert number > 10
            return


def threads():
    found = [each for each in threading.enumerate() if each.name == "heymarket-blocking"]
    return [each for each in found if each.is_alive()]


def interrupted(monkeypatch, owner, name, *, before=False):
    """Interrupt the next call of a method: before it does anything, or when it has returned."""
    method, left = getattr(owner, name), [KeyboardInterrupt()]

    def call(*args):
        if before and left:
            raise left.pop()
        try:
            return method(*args)
        finally:
            if left:
                raise left.pop()

    monkeypatch.setattr(owner, name, call)


def create(client):
    with pytest.raises(KeyboardInterrupt) as raised:
        client.contacts.create(NEW)
    frames = [*inspect.getinnerframes(raised.value.__traceback__)][1:]
    own = [frame for frame in frames if "heymarket_async" in frame.filename]
    assert all(not frame.frame.f_locals for frame in own)
    return getattr(raised.value, "__notes__", [])


def test_when_the_loop_has_just_got_the_call(client, sandbox, monkeypatch):
    loop = client._loop._running._loop.result()
    interrupted(monkeypatch, loop, "call_soon_threadsafe")

    notes = create(client)

    assert notes == ([NOTE] if len(sandbox.store) == 4 else [])
    assert client.contacts.count() == len(sandbox.store)


def test_before_the_loop_has_the_call(client, sandbox, monkeypatch):
    loop = client._loop._running._loop.result()
    interrupted(monkeypatch, loop, "call_soon_threadsafe", before=True)

    assert create(client) == []
    assert client.contacts.count() == 3


def test_before_anything_has_begun(client, monkeypatch):
    interrupted(monkeypatch, client._loop, "begin", before=True)

    assert create(client) == []
    assert client.contacts.count() == 3


def test_when_the_result_has_come(client, sandbox, monkeypatch):
    interrupted(monkeypatch, Work, "result")

    assert create(client) == [NOTE]
    assert len(sandbox.store) == 4


def test_when_the_write_was_refused(client, sandbox, monkeypatch):
    sandbox.faults.answer(400, on="POST /v1/contact")
    interrupted(monkeypatch, Work, "result")

    assert create(client) == []


def test_when_a_read_has_ended(client, monkeypatch):
    interrupted(monkeypatch, Work, "result")

    with pytest.raises(KeyboardInterrupt) as raised:
        client.contacts.count()
    assert not hasattr(raised.value, "__notes__")


def test_a_second_interrupt_says_so_too(client, sandbox, monkeypatch):
    interrupted(monkeypatch, Work, "result")
    interrupted(monkeypatch, Work, "_end")

    assert create(client) == [NOTE]
    assert len(sandbox.store) == 4


@pytest.mark.parametrize("before", [True, False])
def test_when_the_loop_is_closed_meanwhile(client, sandbox, monkeypatch, before):
    work = Work(lambda: client._of.contacts.create(NEW))
    loop = client._loop._running._loop.result()
    interrupted(monkeypatch, loop, "call_soon_threadsafe", before=before)
    with pytest.raises(KeyboardInterrupt) as raised:
        client._loop.begin(work)
    client.close()

    work.settle(raised.value)

    is_noted = hasattr(raised.value, "__notes__")
    assert not (before and is_noted)
    assert is_noted or len(sandbox.store) == 3  # what was sent may not have arrived


@pytest.mark.parametrize("pages", [False, True])
def test_what_has_come_for_a_walk_is_given_later(client, sandbox, monkeypatch, pages):
    walk = client.contacts.iterate(limit=2)
    given = walk.pages() if pages else walk
    start = walk.cursor
    interrupted(monkeypatch, Work, "result")

    with pytest.raises(KeyboardInterrupt):
        next(given)

    expected = [each["id"] for each in sandbox.store.contacts]
    assert [each.id for each in client.contacts.iterate(cursor=walk.cursor)] == expected
    found = [contact for page in given for contact in page] if pages else list(given)
    assert [each.id for each in found] == expected
    assert walk.cursor != start


def test_what_has_come_for_another_iterator_is_given_later_unless_it_is_closed(
    client, sandbox, monkeypatch
):
    message = sandbox.messages.rows[-1]
    whom = message["target"], message["conversation"]["inbox"]
    expected = [each.id for each in client.messages.iterate_history(*whom)]
    assert expected
    for is_closed in (False, True):
        history = client.messages.iterate_history(*whom)
        interrupted(monkeypatch, Work, "result")

        with pytest.raises(KeyboardInterrupt):
            next(history)

        if is_closed:
            history.close()
        assert [each.id for each in history] == ([] if is_closed else expected)


@pytest.mark.unmeasured
@pytest.mark.parametrize("pages", [False, True])
def test_a_loop_over_a_walk_loses_nothing(client, sandbox, pages):
    expected = [each["id"] for each in sandbox.store.contacts]

    def attempt(interrupt):
        walk, found = client.contacts.iterate(limit=2), []

        def read():
            for each in walk.pages() if pages else walk:
                found.extend(contact.id for contact in (each if pages else [each]))

        interrupt(read)
        rest = [each.id for each in client.contacts.iterate(cursor=walk.cursor)]
        assert [*found, *rest] == expected
        read()
        assert found == expected

    at_every_place(attempt)


@pytest.mark.unmeasured
def test_a_loop_over_another_iterator_loses_nothing(client, sandbox):
    message = sandbox.messages.rows[-1]
    whom = message["target"], message["conversation"]["inbox"]
    expected = [each.id for each in client.messages.iterate_history(*whom)]

    def attempt(interrupt):
        history, found = client.messages.iterate_history(*whom), []

        def read(most=None):
            for each in itertools.islice(history, most):
                found.append(each.id)  # noqa: PERF401 - an interrupt must not undo it

        interrupt(lambda: read(2))
        is_cut_off = not found  # in the request, which ends it
        read()
        assert found == expected or (is_cut_off and not found)

    at_every_place(attempt)


@pytest.mark.unmeasured
@pytest.mark.parametrize("act", ["call", "close"])
def test_a_second_close_ends_what_an_interrupt_left(sandbox, monkeypatch, act):
    # `threading` keeps a thread here whose start was interrupted, and lists it for ever.
    monkeypatch.setattr(threading, "_limbo", {})

    def attempt(interrupt):
        client = make(sandbox)
        if act == "call":
            interrupt(client.contacts.count)
        else:
            client.contacts.count()
            interrupt(client.close)
        client.close()
        deadline = time.monotonic() + 30
        while threads():  # one that came late ends at once
            assert time.monotonic() < deadline
            time.sleep(0.001)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        at_every_place(attempt)
    assert not [str(each.message) for each in warned]


def test_an_item_is_given_again_if_the_interrupt_comes_when_it_was_taken(client, sandbox):
    class Lock:
        def __enter__(self):
            pass

        def __exit__(self, *_):
            raise KeyboardInterrupt

    walk = client.contacts.iterate()
    lock, walk._lock = walk._lock, Lock()
    with pytest.raises(KeyboardInterrupt) as raised:
        next(walk)
    walk._lock = lock

    frames = [*inspect.getinnerframes(raised.value.__traceback__)][1:]
    assert all(not frame.frame.f_locals for frame in frames if frame.filename in OURS)
    assert [each.id for each in walk] == [each["id"] for each in sandbox.store.contacts]


def test_a_thread_that_comes_late_does_not_serve(client):
    late = threading.Thread(target=client._loop._running._serve)
    late.start()
    late.join()

    assert client.contacts.count() == 3


def test_a_client_that_is_closed_again_after_an_interrupt_has_ended(client, monkeypatch):
    interrupted(monkeypatch, threading.Thread, "join", before=True)
    with pytest.raises(KeyboardInterrupt):
        client.close()

    client.close()

    assert threads() == []


def test_work_that_is_begun_twice_is_done_once(client):
    done = []

    async def count():
        done.append(1)

    work = Work(count)
    client._loop.begin(work)
    client._loop.begin(work)
    work.result()
    client.contacts.count()

    assert done == [1]

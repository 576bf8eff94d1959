"""An interrupt at any place of a blocking write says whether the write may have taken effect."""

from __future__ import annotations

import inspect

import pytest

from heymarket_async import ApiSecret, NewContact, blocking
from heymarket_async.blocking.loop_thread import Work
from heymarket_async.sandbox import Sandbox

NEW = NewContact(phone="15105553399", first="Ada")
NOTE = "The call may have taken effect. Look before you repeat it."


@pytest.fixture
def sandbox():
    with Sandbox(3, messages=20, seed=2, limit=None) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox):
    credentials = ApiSecret(*sandbox.credentials)
    with blocking.HeymarketClient(credentials, base_url=sandbox.url) as client:
        client.contacts.count()
        yield client


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
    loop = client._loop._running._loop
    interrupted(monkeypatch, loop, "call_soon_threadsafe")

    notes = create(client)

    assert notes == ([NOTE] if len(sandbox.store) == 4 else [])
    assert client.contacts.count() == len(sandbox.store)


def test_before_the_loop_has_the_call(client, sandbox, monkeypatch):
    interrupted(monkeypatch, client._loop._running._loop, "call_soon_threadsafe", before=True)

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
    work = Work(client._of.contacts.create(NEW))
    loop = client._loop._running._loop
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

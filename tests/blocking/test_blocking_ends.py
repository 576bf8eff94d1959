"""How calls and clients of `blocking` end: interrupts, close, forgotten clients, forks, exits."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from unittest import mock

import pytest

from heymarket_async import ApiSecret, ClientStateError, NewContact, RateLimit, blocking
from heymarket_async.blocking import loop_thread
from heymarket_async.sandbox import Sandbox

CREATE = "POST /v1/contact"
NEW = NewContact(phone="15105553399", first="Ada")


@pytest.fixture
def sandbox():
    with Sandbox(120, seed=2, limit=None) as sandbox:
        yield sandbox


@pytest.fixture
def make(sandbox):
    def make(**options):
        credentials = ApiSecret(*sandbox.credentials)
        return blocking.HeymarketClient(credentials, base_url=sandbox.url, **options)

    return make


def threads():
    return [each for each in threading.enumerate() if each.name == "heymarket-blocking"]


def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def interrupt_once(condition):
    """Interrupt the main thread, as Ctrl-C does, when a condition is true."""

    def run():
        until(condition)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.fixture(autouse=True)
def ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_cancels_the_call_and_the_client_stays_of_use(make, sandbox):
    with make() as client:
        client.contacts.count()
        sandbox.faults.delay(600, on="POST /v1/contacts/count")
        interrupter = interrupt_once(lambda: len(sandbox.requests) == 2)

        with pytest.raises(KeyboardInterrupt) as raised:
            client.contacts.count()
        interrupter.join()

        assert not hasattr(raised.value, "__notes__")
        assert client.contacts.count() == 120


def test_an_interrupted_write_says_that_it_may_have_taken_effect(make, sandbox):
    with make() as client:
        sandbox.faults.delay(600, on=CREATE, where="middle")
        interrupter = interrupt_once(lambda: len(sandbox.store) == 121)

        with pytest.raises(KeyboardInterrupt) as raised:
            client.contacts.create(NEW)
        interrupter.join()

    assert raised.value.may_have_taken_effect
    assert raised.value.__notes__ == ["The call may have taken effect. Look before you repeat it."]


def test_an_interrupted_write_that_was_not_sent_says_nothing(make):
    with make(rate_limit=RateLimit(1, per_s=600)) as client:
        client.contacts.count()
        interrupter = interrupt_once(lambda: client.waiting)

        with pytest.raises(KeyboardInterrupt) as raised:
            client.contacts.create(NEW)
        interrupter.join()

    assert not hasattr(raised.value, "__notes__")


def test_a_walk_can_be_continued_after_an_interrupt(make, sandbox):
    with make() as client:
        walk = client.contacts.iterate(limit=30)
        found = [next(walk).id for _ in range(30)]
        sandbox.faults.delay(600, on="POST /v1/contacts")
        interrupter = interrupt_once(lambda: len(sandbox.requests) == 2)

        with pytest.raises(KeyboardInterrupt):
            next(walk)
        interrupter.join()

        assert [*found, *(each.id for each in walk)] == [
            each["id"] for each in sandbox.store.contacts
        ]


def test_a_closed_client_says_so_and_closing_twice_is_harmless(make):
    client = make()
    with client:
        assert client.contacts.count() == 120
    client.close()

    with pytest.raises(ClientStateError, match="the client is closed"):
        client.contacts.count()
    assert threads() == []


def test_a_client_that_was_never_used_is_closed_without_a_thread(make):
    client = make()
    client.close()

    with pytest.raises(ClientStateError, match="the client is closed"):
        client.contacts.count()


def test_a_loop_that_cannot_be_made_is_an_error_of_the_call(make, monkeypatch):
    client = make()
    with monkeypatch.context() as patched:
        patched.setattr(asyncio.Runner, "get_loop", mock.Mock(side_effect=OSError("too many")))
        with pytest.raises(OSError, match="too many"):
            client.contacts.count()

    client.close()

    assert threads() == []


def test_a_call_of_another_thread_ends_when_the_client_is_closed(make, sandbox):
    sandbox.faults.delay(600, on=CREATE, where="middle")
    client, failed = make(), []

    def create():
        try:
            client.contacts.create(NEW)
        except ClientStateError as error:
            failed.append(error)

    thread = threading.Thread(target=create)
    thread.start()
    until(lambda: len(sandbox.store) == 121)
    client.close()
    thread.join()

    assert "the client was closed before" in str(failed[0])
    assert failed[0].may_have_taken_effect


def test_work_that_does_not_end_is_cancelled_when_the_client_is_closed(make, monkeypatch):
    monkeypatch.setattr(loop_thread, "_LONGEST_END_S", 0.01)
    started, failed = threading.Event(), []

    async def endless():
        started.set()
        await asyncio.get_running_loop().create_future()

    client = make()

    def wait():
        try:
            client._loop.run(endless)
        except ClientStateError as error:
            failed.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    started.wait()
    client.close()
    thread.join()

    assert "the client was closed before" in str(failed[0])
    assert not failed[0].may_have_taken_effect


def test_a_hook_must_not_call_or_close_its_client(make):
    failed = []

    def hook(_event):
        for act in (client.contacts.count, client.close):
            try:
                act()
            except ClientStateError as error:
                failed.append(str(error))

    with make(on_attempt=hook) as client:
        assert client.contacts.count() == 120

    assert [text.partition(",")[0] for text in failed] == [
        "a hook must not call its client",
        "a hook must not close its client",
    ]


def test_an_exit_in_the_loop_is_raised_in_the_caller_and_the_loop_stays(make):
    async def leave():
        raise SystemExit(3)

    with make() as client:
        with pytest.raises(SystemExit):
            client._loop.run(leave)
        assert client.contacts.count() == 120


def test_a_forgotten_client_warns_and_its_thread_ends(make):
    client = make()
    client.contacts.count()
    walk = client.contacts.iterate()
    next(walk)
    del client
    gc.collect()
    assert len(list(walk)) == 119  # which keeps the thread

    with pytest.warns(ResourceWarning, match="unclosed blocking HeymarketClient"):
        del walk
        gc.collect()
    until(lambda: not threads())


def test_an_abandoned_iterator_does_not_keep_anything(make, sandbox):
    phone = sandbox.store.contacts[0]["phone"]
    with make() as client:
        history = client.messages.iterate_history("15105553344", 301)
        assert list(history) == []
        del history
        for _ in zip(range(3), client.contacts.iterate(), strict=False):
            pass
        assert client.contacts.find(phone=phone) is not None


PROGRAM = """
import os
import sys
from heymarket_async import blocking

client = blocking.HeymarketClient.from_env()
print(client.contacts.count(), flush=True)
"""


def environment(sandbox):
    return {
        **os.environ,
        "HEYMARKET_BASE_URL": sandbox.url,
        "HEYMARKET_SECRET_ID": sandbox.credentials.secret_id,
        "HEYMARKET_SECRET_KEY": sandbox.credentials.secret_key,
    }


def run(sandbox, program, *options):
    return subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(program)],
        env=environment(sandbox),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_program_that_forgets_to_close_ends_with_a_warning(sandbox):
    done = run(sandbox, PROGRAM, "-W", "always")

    assert (done.returncode, done.stdout) == (0, "120\n")
    assert done.stderr.count("ResourceWarning") == 1
    assert "unclosed blocking HeymarketClient" in done.stderr


def test_a_client_is_not_of_use_after_a_fork(sandbox):
    done = run(
        sandbox,
        PROGRAM
        + """
child = os.fork()
if not child:
    try:
        client.contacts.count()
    except RuntimeError as error:
        print(error, flush=True)
    client.close()
    with blocking.HeymarketClient.from_env() as own:
        print(own.contacts.count(), flush=True)
    sys.exit(5)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(client.contacts.count())
client.close()
""",
        *("-W", "error", "-W", "ignore::DeprecationWarning"),
    )

    assert done.stdout.splitlines() == [
        "120",
        "the process was forked after the client was made. Make a client in each process",
        *("120", "5", "120"),
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_another_process_leaves_the_loop_alone(make, monkeypatch):
    client = make()
    client.contacts.count()
    with monkeypatch.context() as patched:
        patched.setattr("os.getpid", lambda: -1)
        patched.setattr(loop_thread, "_LONGEST_END_S", 0.01)
        with pytest.raises(ClientStateError, match="the process was forked"):
            client.contacts.count()
        client.close()
        loop_thread._end_all()
    assert client.contacts.count() == 120
    client.close()


def test_the_end_of_the_process_waits_for_the_end_of_the_thread(make):
    client = make()
    client.contacts.count()

    with pytest.warns(ResourceWarning, match="unclosed blocking HeymarketClient"):
        loop_thread._end_all()
    assert threads() == []
    del client


def test_the_package_does_not_import_it(sandbox):
    program = """
    import sys
    import heymarket_async
    heymarket_async.HeymarketClient
    assert "heymarket_async.blocking" not in sys.modules
    from heymarket_async import blocking
    """

    assert run(sandbox, program).returncode == 0


def test_ctrl_c_ends_a_program_that_waits(sandbox):
    sandbox.faults.delay(600, on="POST /v1/contacts/count", times=None)
    program = [sys.executable, "-W", "error", "-c", PROGRAM.replace("print", "with client: print")]
    with subprocess.Popen(
        program, env=environment(sandbox), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        until(lambda: len(sandbox.requests) == 1)
        process.send_signal(signal.SIGINT)
        printed, errors = process.communicate(timeout=60)

    assert (process.returncode, printed) == (-signal.SIGINT, b"")
    assert errors.rstrip().endswith(b"KeyboardInterrupt")
    assert b"ResourceWarning" not in errors

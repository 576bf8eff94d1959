"""What leaves the package with an error: where it came through, and nothing that went through."""

from __future__ import annotations

import asyncio
import enum
import faulthandler
import gc
import inspect
import json
import linecache
import pickle
import subprocess
import sys
import traceback
from functools import partial
from pathlib import Path
from types import FunctionType, SimpleNamespace
from unittest import mock
from unittest.mock import create_autospec

import aiohttp
import msgspec
import pytest
from rich.pretty import pretty_repr

import heymarket_async
from heymarket_async import (
    ApiSecret,
    BadRequestError,
    ClientStateError,
    ConnectError,
    Contact,
    DecodeError,
    HeymarketClient,
    NewContact,
    NoResponseError,
    RateLimit,
    RetryPolicy,
    bulk,
)
from heymarket_async.pacing.shared import SharedPacer
from heymarket_async.privacy import Hidden, _bare, _line_of, hides_locals, strip_locals
from heymarket_async.request import Endpoint, Repeat
from heymarket_async.sandbox import Sandbox
from heymarket_async.transport.call import Call
from heymarket_async.transport.http import Answer
from tests.bulk.accounts import client_of
from tests.conftest import SECRET, Scripted, answer, jumping_time, transport_over
from tests.tracked_errors import CUSTOM, EMAIL, KEY, NAME, PHONE
from tests.transport.test_http import request_of, server

ROOT = Path(__file__).parents[1]
TOKEN = "eyJ"


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    command = [sys.executable, "-m", "tests.tracked_errors", tmp_path_factory.mktemp("tracked")]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert child.returncode == 0, child.stderr.decode()[-3000:]
    return json.loads(child.stdout)


@pytest.mark.parametrize("tool", ["sentry", "rich", "traceback", "logging"])
def test_no_tool_keeps_a_secret_or_a_persons_data_of_a_failed_call(tracked, tool):
    private = (tracked["secret"], KEY, TOKEN, PHONE, NAME, EMAIL, CUSTOM)
    kept = {name: texts[tool] for name, texts in tracked["kept"].items() if texts}

    shown = {name: [each for each in private if each in text] for name, text in kept.items()}

    assert {name: found for name, found in shown.items() if found} == {}
    # Two that take such answers.
    assert set(tracked["kept"]) - set(kept) == {"walk, of another shape", "import, refused"}
    assert len(kept) > 110
    assert all("Error" in text for text in kept.values())


def test_what_a_tool_keeps_still_says_where_it_happened(tracked):
    kept = tracked["kept"]["create, failed"]

    assert "ServerError: POST /v1/contact answered 503" in kept["logging"]
    for place in ("endpoints/contacts.py", "transport/send.py", "transport/wire.py"):
        assert place in kept["logging"]
        assert place in kept["sentry"]
    assert '"heymarket_async.endpoints.contacts"' in kept["sentry"]


def raising(secret):
    number = int(secret)
    raise KeyError(number)


def entries_of(error):
    return list(traceback.walk_tb(error.__traceback__))


def test_a_traceback_looks_the_same_without_variables():
    with pytest.raises(ValueError, match="sesame") as raised:
        raising("sesame")
    before = traceback.format_exception(raised.value)

    strip_locals(raised.value)

    assert traceback.format_exception(raised.value) == before
    assert [frame.f_locals for frame, _ in entries_of(raised.value)] == [{}, {}]
    assert "number = int(secret)" in linecache.getline(__file__, entries_of(raised.value)[-1][1])


def test_errors_that_led_to_it_are_stripped_too():
    def wrapping(secret):
        try:
            raising(secret)
        except KeyError as error:
            raise ExceptionGroup("both", [error, ValueError(1)])  # noqa: B904 - as context

    with pytest.raises(ExceptionGroup) as raised:
        hides_locals(wrapping)("77")

    inner = raised.value.exceptions[0]
    assert inner is raised.value.__context__
    assert all(frame.f_locals == {} for frame, _ in entries_of(inner))


def test_an_error_that_is_not_to_be_shown_is_dropped():
    @hides_locals
    def parsed(secret):
        try:
            raising(secret)
        except ValueError:
            raise TypeError("no number") from None

    with pytest.raises(TypeError) as raised:
        parsed("sesame")

    assert raised.value.__context__ is None


@pytest.fixture
def untraced():
    """Without coverage and garbage collection, which are out of room themselves there."""
    tracing = sys.gettrace()
    sys.settrace(None)
    gc.disable()
    yield
    gc.enable()
    sys.settrace(tracing)


@pytest.mark.parametrize("spare", range(1, 40))
def test_there_is_no_leak_where_no_room_is_left_to_strip_in(spare, untraced):
    def deep(levels):
        return NewContact(phone=f"{PHONE} x", first=NAME) if levels == 0 else deep(levels - 1)

    depth = len(inspect.stack())
    try:
        deep(sys.getrecursionlimit() - depth - spare)
    except (RecursionError, ValueError) as error:
        ours = [frame for frame, _ in entries_of(error) if frame.f_code.co_filename != __file__]
        assert not [1 for frame in ours if PHONE in repr(frame.f_locals)]
    else:
        raise AssertionError


async def test_where_there_is_no_room_the_traceback_is_dropped(monkeypatch):
    def plain(secret):
        raise KeyError

    async def awaited(secret):
        raise KeyError

    async def given(secret):
        yield 1
        raise KeyError

    hidden = [hides_locals(plain), hides_locals(awaited), hides_locals(given)]
    monkeypatch.setattr(
        "heymarket_async.privacy.strip_locals", mock.Mock(side_effect=RecursionError)
    )
    for ways, one in zip(("call", "await", "walk"), hidden, strict=True):
        with pytest.raises(KeyError) as raised:
            if ways == "call":
                one("sesame")
            elif ways == "await":
                await one("sesame")
            else:
                assert [item async for item in one("sesame")] == [1]
        frames = [frame for frame, _ in entries_of(raised.value)]
        assert {frame.f_code.co_filename for frame in frames} == {__file__}
        assert not [frame for frame in frames if "secret" in frame.f_locals]
        assert raised.value.__context__ is None


def frames_behind(frame):
    """All frames that one was called from."""
    while (frame := frame.f_back) is not None:
        yield frame


async def test_a_stripped_frame_has_no_reference_to_the_arguments():
    contacts = [NewContact(phone="15105550101")]
    closed = HeymarketClient(SECRET)
    await closed.aclose()

    with pytest.raises(ClientStateError) as raised:
        await closed.contacts.create_batch(contacts)

    ours = [frame for frame, _ in entries_of(raised.value) if not frame.f_locals]
    assert len(ours) > 1
    behind = {frame for each in ours for frame in frames_behind(each)}
    assert not [frame for frame in behind if "15105550101" in repr(frame.f_locals)]


async def test_an_error_that_is_raised_again_and_again_is_stripped_once_each_time():
    shared = OSError("the vault is sealed")

    async def sealed():
        raise shared

    async with HeymarketClient(sealed) as client:
        for _ in range(30):
            with pytest.raises(OSError, match="sealed"):
                await client.contacts.get(1)

    # Python adds what it came through each time. We did not make the rest anew.
    frames = [frame for frame, _ in entries_of(shared)]
    ours = [frame for frame in frames if "heymarket_async" in frame.f_globals["__name__"]]
    assert len(ours) > 100
    assert len(set(map(id, ours))) < 20


def test_the_same_code_in_another_file_is_named_by_that_file(tmp_path):
    source = "def fail(secret):\n    raise KeyError\n"
    for name in ("one.py", "two.py"):
        there: dict[str, object] = {"__name__": name}
        exec(compile(source, tmp_path / name, "exec"), there)
        with pytest.raises(KeyError) as raised:
            hides_locals(there["fail"])("sesame")
        assert entries_of(raised.value)[-1][0].f_code.co_filename == str(tmp_path / name)


def test_a_place_without_a_name_or_a_line_stays_in_the_traceback():
    there: dict[str, object] = {}
    exec("def fail(secret):\n    raise KeyError\n", there)
    del there["__builtins__"]
    with pytest.raises(KeyError) as raised:
        hides_locals(there["fail"])("sesame")
    assert entries_of(raised.value)[-1][0].f_code.co_name == "fail"


def test_a_place_without_a_line_shows_the_first_line_of_its_function():
    frame = sys._getframe()

    line = _line_of(SimpleNamespace(tb_lineno=None, tb_frame=frame))

    assert line == frame.f_code.co_firstlineno


def test_where_no_thread_can_be_started_any_more_the_place_is_left_out():
    with mock.patch("threading.Thread.start", side_effect=RuntimeError("shutting down")):
        with pytest.raises(KeyError) as raised:
            hides_locals(lambda secret: {}[secret])("sesame")

    _bare.cache_clear()
    assert len(entries_of(raised.value)) == 1


def test_an_error_that_the_caller_handles_keeps_its_variables():
    async def looked_up(phone):
        try:
            raising(phone)
        except KeyError:
            await HeymarketClient(SECRET).contacts.get(0)

    with pytest.raises(ValueError, match="contact_id") as raised:
        asyncio.run(looked_up("77"))

    handled = raised.value.__context__
    assert [frame.f_locals.get("secret") for frame, _ in entries_of(handled)] == [None, "77"]


@jumping_time
async def test_a_cancelled_call_ends_without_variables():
    async def hang(sent):
        await asyncio.sleep(3600)

    client = HeymarketClient(SECRET)
    client._build_groups(transport_over(Scripted(hang)))
    call = asyncio.create_task(client.contacts.create(NewContact(phone="15105550101")))
    await asyncio.sleep(1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError) as raised:
        await call

    ours = [
        frame for frame, _ in entries_of(raised.value) if "heymarket" in frame.f_globals["__name__"]
    ]
    assert len(ours) > 3
    assert all(frame.f_locals == {} for frame in ours)
    assert len([1 for frame in ours if frame.f_code.co_name == "create"]) == 1


class CancelledAt:
    """Runs a coroutine, cancels its task when it waits for the given time, and counts the waits."""

    def __init__(self, coroutine, at):
        self.coroutine, self.at, self.waits = coroutine, at, 0

    def __await__(self):
        step = partial(self.coroutine.send, None)
        while True:
            try:
                future = step()
            except StopIteration:
                return
            self.waits += 1
            if self.waits == self.at:
                asyncio.current_task().cancel()
            try:
                step = partial(self.coroutine.send, (yield future))
            except BaseException as error:  # noqa: BLE001 - it belongs to the coroutine
                step = partial(self.coroutine.throw, error)


async def drained(items):
    async for item in items:
        del item  # this frame is looked at too


async def cancelled_walk(sandbox, walk, at):
    """Return the error of a walk that is cancelled at its wait of this number, or None."""
    async with client_of(sandbox) as client:
        walked = CancelledAt(drained(walk(client)), at)
        try:
            await walked
        except asyncio.CancelledError as error:
            return error
    return None


WALKS = [
    lambda client: client.contacts.iterate(limit=3),
    lambda client: client.contacts_v2.iterate(limit=3).pages(),
]


@pytest.mark.parametrize("walk", WALKS)
async def test_a_walk_that_is_cancelled_anywhere_leaves_nobodys_data_in_a_traceback(walk):
    async with Sandbox(contacts=7, seed=1, limit=None) as sandbox:
        private = [each[name] for each in sandbox.store.contacts for name in ("phone", "last")]
        at = 1
        while error := await asyncio.create_task(cancelled_walk(sandbox, walk, at)):
            shown = pretty_repr([frame.f_locals for frame, _ in entries_of(error)])
            assert not [each for each in private if each and each in shown]
            at += 1

    assert at > 8


async def test_items_come_through_and_their_generator_is_closed_with_the_outer_one():
    closed = []

    @hides_locals
    async def numbers(secret):
        try:
            for number in range(int(secret)):
                yield number
            raise KeyError(secret)
        finally:
            closed.append(secret)

    one = numbers("3")
    assert [await anext(one), await anext(one)] == [0, 1]
    await one.aclose()
    assert closed == ["3"]
    with pytest.raises(KeyError) as raised:
        assert [number async for number in numbers("2")] == [0, 1]
    assert entries_of(raised.value)[-1][0].f_globals["__name__"] == __name__


def public_functions():
    """All that a caller can call or await, by name, with those of the public classes."""
    exported = {**vars(heymarket_async), **vars(bulk)}
    for name in sorted({*heymarket_async.__all__, *bulk.__all__}):
        owner = exported[name]
        if isinstance(owner, FunctionType):
            yield name, owner
        elif name == "HeymarketClient" or "endpoints" in getattr(owner, "__module__", ""):
            for method, member in inspect.getmembers(owner):
                function = getattr(member, "__func__", member)
                if isinstance(function, FunctionType) and not method.startswith("_"):
                    yield f"{name}.{method}", function
    yield "the task that asks the store", SharedPacer._run


@pytest.mark.parametrize(("name", "function"), list(public_functions()))
def test_every_public_function_hides_its_variables(name, function):
    assert function.__code__.co_filename.endswith("privacy.py")
    assert inspect.signature(function) == inspect.signature(function.__wrapped__)


def test_a_call_is_still_a_coroutine_function_for_mocks_and_frameworks():
    assert inspect.iscoroutinefunction(HeymarketClient.request)
    mocked = create_autospec(HeymarketClient(SECRET).contacts)
    assert asyncio.run(mocked.get(1)) is not None


def test_a_hidden_value_shows_and_pickles_nothing():
    hidden = Hidden("sesame")

    assert hidden.reveal() == "sesame"
    assert "sesame" not in f"{hidden} {hidden!r} {[hidden]}"
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(hidden)


def test_credentials_hand_out_no_key():
    secret = ApiSecret("an-id", "sesame" * 6)

    shown = f"{secret} {secret!r} {secret.secrets} {secret.__getstate__()} {pretty_repr(secret)}"

    assert "sesame" not in shown
    assert ApiSecret("an-id", "sesame" * 6) == secret


async def test_values_that_carry_private_data_show_none_of_it_to_rich_either():
    created = Endpoint("POST", "/v1/contact", Contact, Repeat.UNSAFE)
    request = created.request(body=NewContact(phone=PHONE), query={"phone": PHONE})
    values = [
        request,
        Call(request, PHONE.encode(), asyncio.get_running_loop(), waiting_since=0, deadline=1),
        Answer(200, {"Set-Cookie": KEY}, PHONE.encode()),
        RateLimit(500, store=f"redis://:{KEY}@localhost/0"),
    ]

    for value in values:
        for shown in (str(value), repr(value), pretty_repr(value), pretty_repr([value])):
            assert PHONE not in shown
            assert KEY not in shown


def test_what_a_developer_prints_stays_as_useful_as_it_is():
    assert PHONE in repr(NewContact(phone=PHONE))
    assert NAME in repr(Contact(first=NAME))


@jumping_time
async def test_a_hook_may_keep_an_error_for_later():
    kept = []
    hook = transport_over(
        Scripted(answer(503), NoResponseError("lost"), answer(200, {"id": 1})),
        on_attempt=lambda event: kept.append(event.error),
    )

    await hook.send(Endpoint("GET", "/v1/contact/{id}", Contact, Repeat.READ).request(id=1))

    assert [str(error and error.args[0]) for error in kept] == ["answered 503", "lost", "None"]
    for error in kept[:2]:
        assert entries_of(error)
        assert all(frame.f_locals == {} for frame, _ in entries_of(error))
    assert kept[0].attempts == 1


@jumping_time
async def test_a_dump_of_all_threads_amid_a_call_shows_no_value(tmp_path):
    with (tmp_path / "dump").open("w+") as dump:
        transport = transport_over(
            Scripted(answer(400, {"error": "no"})),
            on_attempt=lambda event: faulthandler.dump_traceback(dump),
        )
        body = NewContact(phone=PHONE, first=NAME)
        with pytest.raises(BadRequestError):
            await transport.send(
                Endpoint("POST", "/v1/contact", Contact, Repeat.UNSAFE).request(body=body)
            )

    dumped = (tmp_path / "dump").read_text()
    assert "_send_once" in dumped
    assert PHONE not in dumped
    assert NAME not in dumped


class Plan(enum.Enum):
    BASIC = "basic"


class Customer(msgspec.Struct):
    first: Plan | None = None


class Exact(msgspec.Struct, forbid_unknown_fields=True):
    id: int


@pytest.mark.parametrize("returns", [Customer, Exact])
@jumping_time
async def test_an_unreadable_answer_is_not_quoted(returns):
    transport = transport_over(Scripted(answer(200, {"id": 1, "first": NAME, NAME: 1})))

    with pytest.raises(DecodeError, match=r"\*\*\*") as raised:
        await transport.send(Endpoint("GET", "/v1/x", returns, Repeat.READ).request())

    assert NAME not in str(raised.value)


HEAD = b"HTTP/1.1 200 OK\r\nX-Of: 15105550177\r\n"
QUOTED = {
    "a bad chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n15105550177\r\n",
    "a head alone": HEAD + b"Content-Le",
    "a bad header": HEAD + b"15105550177\r\n\r\n",
    "a body that is cut": HEAD + b"Content-Length: 99\r\n\r\n15105550177",
    "no HTTP": b"15105550177\r\n\r\n",
}


@pytest.mark.parametrize("sent", QUOTED.values(), ids=QUOTED.keys())
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_that_is_cut_or_garbled_is_not_quoted_by_what_led_to_the_error(
    method, sent
):
    async def serve(reader, writer):
        await request_of(reader)
        writer.write(sent)
        await writer.drain()

    once = RetryPolicy(attempts=1)
    async with (
        server(serve) as (url, _),
        HeymarketClient(SECRET, base_url=url, retry=once) as client,
    ):
        with pytest.raises(NoResponseError) as raised:
            await client.request(method, "/v1/contact")

    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value.__cause__)
    assert PHONE not in shown


async def test_a_connection_that_fails_keeps_the_type_and_the_message_of_its_cause():
    once = RetryPolicy(attempts=1)
    async with HeymarketClient(SECRET, base_url="http://127.0.0.1:1", retry=once) as client:
        with pytest.raises(ConnectError) as raised:
            await client.contacts.get(1)

    cause = raised.value.__cause__
    assert isinstance(cause, aiohttp.ClientConnectorError)
    assert "127.0.0.1:1" in str(cause)
    assert not [frame for frame, _ in entries_of(cause) if "aiohttp" in frame.f_globals["__name__"]]
